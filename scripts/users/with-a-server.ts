import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { createCookieBrowser } from '../../demo/browser.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { openListener } from '../../demo/open-listener.ts';
import { openAs } from '../../examples/protected-server/open-as.ts';
import { readAllFiles } from '../../examples/protected-server/story.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';
import { until } from './until.ts';

const [firstKey, secondKey] = ['key-of-alice-0123456789', 'another-key-of-alice-456789'] as const;

/** docs/guides/server.md, by its author, and a person whose client calls the tool. */
export async function playServer(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const pages = { client_id: 'notes', redirect_uris: [`${origin}/sign-in/callback`] };
  const provider = await startAuthorizationServer({
    clients: [{ ...pages, token_endpoint_auth_method: 'none' }],
  });
  stack.defer(() => provider.close());
  let inForce: string = firstKey;
  const answerWhoHasTheKey = (request: Request): Response =>
    request.headers.get('authorization') === `Bearer ${inForce}`
      ? new Response('Buy milk')
      : new Response('Who are you?', { status: 401 });
  const api = stack.use(await openListener({ handler: answerWhoHasTheKey }));
  const reader = stack.use(
    openReader(stage, 'server.md', {
      PUBLIC_URL: origin,
      PORT: String(port),
      ISSUER: provider.issuer,
      JWKS_URL: `${provider.issuer}/jwks`,
      SCOPE: 'calendar:read',
      CLIENT_ID: pages.client_id,
      API_URL: `${api.origin}/notes`,
    }),
  );
  const serving = reader.openTerminal();
  await reader.types(serving);
  const { ended } = await reader.starts(serving);

  const alice = createCookieBrowser();
  const calling = reader.openTerminal();
  await reader.types(calling, async () => {
    const [, signIn = ''] = await calling.shows(/open (http:\S+) \(on this machine/u);
    await alice.signIn(signIn, { user: 'alice' });
    const [, link = ''] = await calling.shows(/: (http:\S+\/oob\/connect\/\S+)/u);
    const foreign = await openAs(createCookieBrowser(), link, 'bob');
    reader.isTold('This link is not valid', foreign.html);
    const page = await openAs(alice, link, 'alice');
    check('the page says whose it is', page.html.includes('Notes'));
    reader.isTold('API key', page.html);
    const refused = await alice.submit({ key: 'key-of-nobody' }, 'save');
    reader.isTold('The service refused this.', refused.html);
    const kept = await alice.submit({ key: firstKey }, 'save');
    reader.isTold('Done', kept.html);
  });
  await calling.shows(/^Buy milk$/mu);
  const before = calling.screen.length;
  await reader.types(calling);
  // An older Node says of itself that it is experimental.
  const again = calling.screen.slice(before).trim();
  check('nobody is asked again', again.endsWith('Buy milk') && !again.includes('http'));

  inForce = secondKey;
  const beforeNewKey = calling.screen.length;
  await reader.types(calling, async () => {
    const link = await until(
      'a new link is shown',
      calling,
      () => /: (http:\S+\/oob\/connect\/\S+)/u.exec(calling.screen.slice(beforeNewKey))?.[1],
    );
    await openAs(alice, link, 'alice');
    reader.isTold('Done', (await alice.submit({ key: secondKey }, 'save')).html);
  });
  check('the new key is used', calling.screen.slice(beforeNewKey).trim().endsWith('Buy milk'));
  const stored = await readAllFiles(stage.scratch);
  for (const key of [firstKey, secondKey]) {
    check('no screen has seen a key', !`${calling.screen}${serving.screen}`.includes(key));
    check(
      'no key lies about in the store',
      stored.every((text) => !text.includes(key)),
    );
  }

  serving.interrupt();
  await ended;
  reader.finish();
  return reader;
}

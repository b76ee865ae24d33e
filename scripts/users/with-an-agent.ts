import { startAuthorizationServer } from '../../demo/authorization-server.ts';
import { createCookieBrowser, type CookieBrowser } from '../../demo/browser.ts';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';
import { until } from './until.ts';

/** docs/guides/agent.md, by its developer, and two people who use what they have made. */
export async function playAgent(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const world = stack.use(await openAgentWorld(origin));
  const reader = stack.use(openReader(stage, 'agent.md', { ...world.env, PORT: String(port) }));
  const terminal = reader.openTerminal();
  await reader.types(terminal);
  const { ended } = await reader.starts(terminal);

  const alice = createCookieBrowser();
  reader.isTold('You are ', await enter(alice, origin, 'alice'));
  const asked = await alice.submit();
  reader.isTold('Please connect your calendar first:', asked.html);
  const link = linkOn(asked.html);
  const inbox = await alice.open(`${origin}/postern/inbox`);
  reader.isTold('To tell you what is on today.', inbox.html);
  check('the page is in the name of the application', inbox.html.includes('Day Planner'));
  reader.isTold('You are signed in', (await alice.signIn(link, { user: 'alice' })).html);
  await until('the question is answered by itself', terminal, async () =>
    (await alice.open(origin)).html.includes('Alice: dentist 09:00') ? true : undefined,
  );
  await reader.sees(terminal);

  const bob = createCookieBrowser();
  await enter(bob, origin, 'bob');
  const foreign = await bob.open(link);
  reader.isTold('This link is not valid', foreign.html);
  check('a link of another leads nowhere', foreign.status === 404);
  await bob.open(origin);
  const own = linkOn((await bob.submit()).html);
  await bob.signIn(own, { user: 'bob', decision: 'deny' });
  await until('the question is given up', terminal, async () =>
    (await bob.open(origin)).html.includes('The calendar was not connected, so I left it.')
      ? true
      : undefined,
  );
  await reader.sees(terminal);
  check('nobody heard of another’s day', !(await bob.open(origin)).html.includes('Alice: dentist'));
  reader.isTold('Your accounts', (await alice.open(origin)).html);
  const accounts = await alice.open(`${origin}/postern/inbox`);
  reader.isTold('Connected', accounts.html);
  check('what is connected stands there by name', accounts.html.includes('Disconnect'));

  terminal.interrupt();
  await ended;
  reader.finish();
  return reader;
}

/** Where people sign in to the application, and the calendar, which has an authorization server of its own. */
async function openAgentWorld(
  origin: string,
): Promise<AsyncDisposable & { readonly env: Readonly<Record<string, string>> }> {
  await using stack = new AsyncDisposableStack();
  const clientSecret = 'a-secret-of-the-planner-0123456789';
  const people = await startAuthorizationServer({
    clients: [
      { client_id: 'planner', client_secret: clientSecret, redirect_uris: [`${origin}/sign-in/callback`] },
    ],
  });
  stack.defer(() => people.close());
  const authorizationServer = await startAuthorizationServer();
  stack.defer(() => authorizationServer.close());
  const calendar = await startCalendarServer({ authorizationServer });
  stack.defer(() => calendar.close());
  const env = {
    PUBLIC_URL: origin,
    ISSUER: people.issuer,
    CLIENT_ID: 'planner',
    CLIENT_SECRET: clientSecret,
    CALENDAR_URL: calendar.url,
  };
  const opened = stack.move();
  return { env, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Opens the application, and signs in to it on the way. Returns its page. */
async function enter(browser: CookieBrowser, origin: string, user: string): Promise<string> {
  let page = await browser.open(origin);
  for (let pages = 0; pages < 3 && new URL(page.url).pathname.startsWith('/interaction/'); pages++)
    page = page.html.includes('name="user"')
      ? await browser.submit({ user })
      : await browser.submit({}, 'allow');
  return page.html;
}

/** The last link to a sign-in that the chat shows. */
function linkOn(html: string): string {
  return [...html.matchAll(/<a href="(?<link>[^"]*\/connect\/[^"]*)"/gu)].at(-1)?.groups?.['link'] ?? '';
}

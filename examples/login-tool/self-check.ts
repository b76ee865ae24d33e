import { createCookieBrowser } from '../../demo/browser.ts';
import { createLineLogger } from '../protected-server/line-logger.ts';
import { openAs } from '../protected-server/open-as.ts';
import { connectScriptedClient, obtainAccessToken, textOf } from '../protected-server/scripted-client.ts';
import { startProtectedServer } from '../protected-server/start-protected-server.ts';
import { countLeaks, readAllFiles, Story } from '../protected-server/story.ts';
import { clientKinds, connectByHttp, connectByStdio, type BareClient } from './clients.ts';
import type { RpcToolResult } from './json-rpc-client.ts';
import { loginServer } from './login-server.ts';
import { startStandIns, type StandIns } from './stand-ins.ts';

const users = ['alice', 'bob', 'carol'] as const;

/** Three people, three sorts of client, over stdio and over HTTP. @throws {Error} when something is not as it has to be. */
export async function checkLoginTool(directory: string): Promise<void> {
  const story = new Story();
  const seen: string[] = [];
  await using standIns = await startStandIns();
  const { issuer, calendarUrl, weatherUrl } = standIns;
  story.say('A calendar behind an OAuth provider, and weather behind keys.');

  const settings = { directory: `${directory}/stdio`, issuer, calendarUrl, weatherUrl };
  // At once: three processes of the server, with one store and one port.
  await using connected = new AsyncDisposableStack();
  await Promise.all(
    clientKinds.map(async (kind, index) => {
      const client = connected.use(await connectByStdio(kind, settings));
      await checkClient(story, client, users[index] ?? '', standIns);
      seen.push(client.seen());
    }),
  );

  const log: string[] = [];
  await using server = await startProtectedServer(
    'Login tool',
    { directory: `${directory}/http`, logger: createLineLogger((line) => log.push(line)) },
    (oob) => loginServer(oob, standIns),
  );
  await Promise.all(
    clientKinds.map(async (kind, index) => {
      const user = users[index] ?? '';
      await using client = await connectByHttp(kind, server.url, await obtainAccessToken(server.url, user));
      await checkClient(story, client, user, standIns);
      seen.push(client.seen());
    }),
  );

  await using capable = await connectScriptedClient({
    url: server.url,
    token: await obtainAccessToken(server.url, 'alice'),
    onLink: async (link) => logIn(link, 'alice'),
  });
  const told = textOf(await capable.call('login', { handle: 'alice' }));
  story.check(
    `a client that shows links is sent one instead: ${told}`,
    capable.links.length === 1 && told === 'Logged in to the calendar as `alice`.',
  );

  const texts = [...seen, ...capable.traffic, ...log, ...story.lines, ...(await readAllFiles(directory))];
  story.check(
    `none of ${standIns.secrets.length} tokens and keys is in what clients saw, in a log, or readable in a store`,
    standIns.secrets.length >= 12 && countLeaks(standIns.secrets, texts) === 0,
  );
}

/** One person and one client: logged in to both services, used, logged out of one. */
async function checkClient(
  story: Story,
  client: BareClient,
  user: string,
  standIns: StandIns,
): Promise<void> {
  const check = (fact: string, isSo: boolean): void => story.check(`${client.name}: ${fact}`, isSo);
  const answer = await client.call('login', { handle: `@${user}` });
  const link = linkIn(answer);
  story.say(`${client.name}: ${user} gets a link`);
  check('it is in words, and no error', answer.isError !== true && wordsOf(answer).includes(`\n${link}\n`));
  const again = linkIn(await client.call('login', { command: 'LOGIN', handle: ` ${user} ` }));
  check('whoever asks again gets the same', again === link);
  await logIn(link, user);
  const listed = wordsOf(await client.call('login', { command: 'list' }));
  check('the list says that it is done', listed.includes(`- \`${user}\`: done`));
  const events = wordsOf(await client.call('events', { account: user }));
  check(`the calendar is ${user}’s`, events.startsWith(`${user}: `));

  const form = linkIn(await client.call('login_weather', { handle: user }));
  const browser = createCookieBrowser();
  await openAs(browser, form, user);
  const refused = await browser.submit({ key: `wk_${'0'.repeat(48)}` }, 'save');
  check('a key that the weather does not know is refused on the page', refused.status === 422);
  await browser.submit({ key: standIns.makeKey() }, 'save');
  const sky = wordsOf(await client.call('forecast', { account: user }));
  check('a good one is kept, and used', sky === '{"sky":"clear"}');

  const ended = standIns.revocations();
  const deleted = wordsOf(await client.call('login', { command: 'delete', handle: user }));
  check('a logout ends it at the provider', standIns.revocations() > ended && deleted.includes('has ended'));
  const after = await client.call('events', { account: user });
  check('after that, the tool asks for a login', after.isError === true && linkIn(after) !== link);
  await client.call('login', { command: 'delete', handle: user });
}

/** Goes through the pages of the server and of the provider as a person does, and allows access. */
async function logIn(link: string, user: string): Promise<void> {
  const browser = createCookieBrowser();
  await openAs(browser, link, user);
  const page = await browser.signIn(link, { user });
  if (page.status !== 200) throw new Error(`the login ended with ${page.status}`);
}

function linkIn({ structuredContent }: RpcToolResult): string {
  const { pending } = (structuredContent ?? {}) as { pending?: { url: string } };
  if (pending === undefined) throw new Error('there is no link in the answer');
  return pending.url;
}

function wordsOf({ content }: RpcToolResult): string {
  return content.map(({ text }) => text).join('\n');
}

import { createCookieBrowser } from '../../demo/browser.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { askForLink, enter, linkOn, openAgentWorld } from './agent-world.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';
import { until } from './until.ts';

/** docs/guides/agent.md, by its developer, and two people who use what they have made. */
export async function playAgent(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const world = stack.use(await openAgentWorld(origin));
  const reader = stack.use(
    openReader(stage, 'agent.md', {
      ...world.env,
      CALENDAR_SCOPES: 'calendar:read offline_access',
      PORT: String(port),
    }),
  );
  const terminal = reader.openTerminal();
  await reader.types(terminal);
  const first = await reader.starts(terminal);

  const alice = createCookieBrowser();
  const chat = await enter(alice, origin, 'alice');
  reader.isTold('You are ', chat);
  check('a person without a name is called what their provider calls them', chat.includes('You are alice.'));
  const asked = await alice.submit();
  reader.isTold('Please connect your calendar first:', asked.html);
  const link = linkOn(asked.html);
  const inbox = await alice.open(`${origin}/postern/inbox`);
  reader.isTold('To tell you what is on today.', inbox.html);
  check('the page is in the name of the application', inbox.html.includes('Day Planner'));
  terminal.interrupt();
  await first.ended;
  const { ended } = await reader.starts(terminal);
  const chatAgain = await alice.open(origin);
  check('what was said is still there after a restart', linkOn(chatAgain.html) === link);
  const signedIn = await alice.signIn(link, { user: 'alice' });
  reader.isTold('You are signed in', signedIn.html);
  const asksFor = signedIn.hops.flatMap(({ url }) => new URL(url).searchParams.get('scope') ?? []);
  check('nothing but what is needed is asked for', asksFor.join(' ') === 'calendar:read offline_access');
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
  const own = await askForLink(bob);
  await bob.signIn(own, { user: 'bob', decision: 'deny' });
  await until('the question is given up', terminal, async () =>
    (await bob.open(origin)).html.includes('The calendar was not connected, so I left it.')
      ? true
      : undefined,
  );
  await bob.open(origin);
  reader.isTold('Access was not granted a moment ago', (await bob.submit()).html);
  check('whoever wants it after all is asked again', linkOn((await bob.submit({}, 'it')).html) !== own);
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

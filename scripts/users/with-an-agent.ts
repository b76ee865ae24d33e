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
  const own = await askForLink(bob);
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

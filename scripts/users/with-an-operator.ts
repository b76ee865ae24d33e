import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCookieBrowser } from '../../demo/browser.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { askForLink, enter, openAgentWorld } from './agent-world.ts';
import { openOwnDatabase } from './own-database.ts';
import { check, openReader, type Played, type Stage } from './stage.ts';
import { until } from './until.ts';

/** docs/guides/operator.md, in the folder of agent.md, and two people who use what is deployed meanwhile. */
export async function playOperator(stage: Stage): Promise<Played> {
  await using stack = new AsyncDisposableStack();
  const ports = [await findFreePort(), await findFreePort()];
  const origin = `http://127.0.0.1:${await findFreePort()}`;
  const world = stack.use(await openAgentWorld(origin));
  const database = stack.use(await openOwnDatabase());
  const env = {
    ...world.env,
    ...database.env,
    PORT_A: String(ports[0]),
    PORT_B: String(ports[1]),
    JWKS_URL: `${world.env['ISSUER']}/jwks`,
    SCOPE: 'notes:read',
    API_URL: `${origin}/notes`,
  };
  // Both in one folder: what the guide replaces has the same name in either.
  for (const guide of ['server.md', 'agent.md']) {
    const developer = stack.use(openReader(stage, guide, env));
    await developer.types(developer.openTerminal());
    developer.writes();
  }

  const reader = stack.use(openReader(stage, 'operator.md', env));
  const terminal = reader.openTerminal();
  const told = (text: string): number => terminal.screen.split(text).length - 1;
  await reader.types(terminal);
  await reader.types(terminal);
  await reader.types(terminal);
  await reader.types(terminal);
  await until('the load balancer passes requests on', terminal, () =>
    fetch(`${origin}/health`).then(
      ({ ok }) => (ok ? true : undefined),
      () => undefined,
    ),
  );

  const alice = createCookieBrowser();
  await enter(alice, origin, 'alice');
  const link = await askForLink(alice);
  await reader.types(terminal);
  await alice.signIn(link, { user: 'alice' });
  await reader.sees(terminal);
  const stillConnected = async (): Promise<void> => {
    const before = told('Alice: dentist 09:00');
    await enter(alice, origin, 'alice');
    await alice.submit();
    await until('the calendar is still connected', terminal, () =>
      told('Alice: dentist 09:00') > before ? true : undefined,
    );
  };

  await reader.types(terminal);
  await stillConnected();
  await reader.types(terminal);
  await stillConnected();
  await reader.types(terminal);
  check('no record is unreadable', !terminal.screen.includes('cannot be read'));
  await reader.types(terminal);
  await stillConnected();
  check('she was asked once in all', told('told') - told('dentist') === 1);

  await reader.types(terminal);
  const bob = createCookieBrowser();
  await enter(bob, origin, 'bob');
  await bob.signIn(await askForLink(bob), { user: 'bob' });
  check('nobody resumes without the timer', told('Bob: dentist 09:00') === 0);
  await reader.types(terminal);
  await reader.types(terminal);
  await reader.types(terminal);
  reader.finish();
  checkLogTable(stage);
  return reader;
}

/** @throws {Error} when the guide explains a line that no log ever has. */
function checkLogTable({ guides }: Stage): void {
  const guide = readFileSync(join(guides, 'operator.md'), 'utf8');
  const explained = [...guide.matchAll(/^\| `(?<line>[^`]+)` \|/gmu)]
    .map(({ groups }) => groups?.['line'] ?? '')
    .filter((line) => line.includes(' '));
  const root = join(guides, '../../src');
  const source = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, name), 'utf8'))
    .join('\n');
  check('the guide explains lines of the log', explained.length > 0);
  for (const line of explained) check(`the log can say "${line}"`, source.includes(line));
}

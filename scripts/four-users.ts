// Plays the four kinds of new user from the text of their guides alone: an empty folder, the package as it would be
// published, every program and every command as it stands, real servers on loopback, and a person at a browser. Fails unless
// each ends with the result that the text promises.
//
//   npm run build && node scripts/four-users.ts [--node 22.18.0] [terminal] [agent] [server] [operator]
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { playTerminal } from './users/at-a-terminal.ts';
import { installNode } from './users/install-node.ts';
import { openRegistry } from './users/registry.ts';
import { playOperator } from './users/with-an-operator.ts';
import { playServer } from './users/with-a-server.ts';
import { playAgent } from './users/with-an-agent.ts';
import { check, shellEnv, type Played, type Stage } from './users/stage.ts';

const plays: Readonly<Record<string, (stage: Stage) => Promise<Played>>> = {
  terminal: playTerminal,
  agent: playAgent,
  server: playServer,
  operator: playOperator,
};
const { values, positionals } = parseArgs({ options: { node: { type: 'string' } }, allowPositionals: true });
const chosen = positionals.length > 0 ? positionals : Object.keys(plays);
const root = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(join(root, 'dist/index.js'))) throw new Error('dist/ is missing: run `npm run build` first');
const folder = mkdtempSync(join(tmpdir(), 'postern-users-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const programs =
  values.node === undefined ? dirname(process.execPath) : installNode(values.node, join(folder, 'node'));
await using registry = await openRegistry(root, folder);
for (const name of chosen) {
  const play = plays[name];
  if (play === undefined) throw new Error(`there is no guide for ${JSON.stringify(name)}`);
  const scratch = join(folder, name);
  mkdirSync(scratch);
  const began = performance.now();
  const stage = {
    guides: join(root, 'docs/guides'),
    scratch,
    env: shellEnv(scratch, registry.origin, programs),
  };
  try {
    const { lines, commands } = await play(stage);
    const row = readFileSync(join(stage.guides, 'README.md'), 'utf8')
      .split('\n')
      .find((line) => line.startsWith(`| [${name}.md]`));
    check(
      `the table of the guides has ${lines} lines and ${commands} commands`,
      row?.endsWith(`| ${lines} | ${commands} |`) === true,
    );
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    process.stdout.write(
      `${name.padEnd(9)} ${String(lines).padStart(4)} lines  ${String(commands).padStart(3)} commands  ${seconds.padStart(5)} s\n`,
    );
  } catch (error) {
    process.exitCode = 1;
    process.stdout.write(
      `${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bridgeEntry, isBridgeEntry } from '../../src/cli/host-entry.ts';
import { CommandLine, program } from '../support/command-line.ts';
import { describeWithService } from '../support/services.ts';
import { openTerminal } from '../support/terminal.ts';

const url = 'https://calendar.example/mcp';
const theirs =
  '{\n  // mine\n  "mcpServers": {\n    "notes": { "command": "notes", "env": { "TOKEN": "hunter2" } } // keep\n  },\n  "theme": "dark"\n}\n';

/** Somebody who has both hosts. */
function openDesktop(): { line: CommandLine; cursor: string; claude: string } {
  const line = new CommandLine();
  const cursor = join(line.home, '.cursor/mcp.json');
  const claude = join(line.home, 'config/Claude/claude_desktop_config.json');
  mkdirSync(join(cursor, '..'));
  mkdirSync(join(claude, '..'), { recursive: true });
  writeFileSync(cursor, theirs);
  chmodSync(cursor, 0o640);
  return { line, cursor, claude };
}

test('a server is added to every host that is there, seen as it is written, and taken back to the byte', async () => {
  const { line, cursor, claude } = openDesktop();
  const { code, stdout, stderr } = await line.run('config', 'add', url, '--yes');
  expect(code).toBe(0);
  expect(stdout).toContain('Claude Desktop: "calendar-example" was added.');
  expect(stderr).toContain('+   "calendar-example": {');
  expect(stderr).not.toContain('hunter2');
  const entry = { command: process.execPath, args: [program, 'bridge', url] };
  expect(JSON.parse(readFileSync(claude, 'utf8'))).toEqual({ mcpServers: { 'calendar-example': entry } });
  const text = readFileSync(cursor, 'utf8');
  expect([text.includes('// keep'), text.includes('"theme": "dark"')]).toEqual([true, true]);
  expect(readFileSync(`${cursor}.before-postern`, 'utf8')).toBe(theirs);
  expect([statSync(cursor).mode & 0o777, statSync(claude).mode & 0o777]).toEqual([0o640, 0o600]);

  const again = await line.json('config', 'add', url, '--yes');
  expect(again.answer.result.changes).toMatchObject([
    { host: 'claude', change: 'none', written: false },
    { host: 'cursor', change: 'none', written: false },
  ]);
  expect(readFileSync(cursor, 'utf8')).toBe(text);

  const removed = await line.json('config', 'remove', url, '--yes');
  expect(removed.answer.result.changes).toMatchObject([{ change: 'removed' }, { change: 'removed' }]);
  expect(readFileSync(cursor, 'utf8')).toBe(theirs);
  expect(readdirSync(join(cursor, '..')).toSorted()).toEqual(['mcp.json', 'mcp.json.before-postern']);
  const last = await line.json('config', 'remove', url, '--yes');
  expect(last.answer.result.changes).toMatchObject([{ change: 'none' }, { change: 'none' }]);
});

test('where nobody can be asked nothing is written, and neither is with --dry-run', async () => {
  const { line, cursor, claude } = openDesktop();
  const asked = await line.run('config', 'add', url);
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('Give --yes')]);
  const dry = await line.run('config', 'add', url, '--dry-run');
  expect([dry.code, dry.stdout]).toEqual([0, expect.stringContaining('would be added')]);
  expect([readFileSync(cursor, 'utf8'), existsSync(claude)]).toEqual([theirs, false]);
});

test('when one file is broken, neither is touched', async () => {
  const { line, cursor, claude } = openDesktop();
  // Comments are no mistake in the other one's.
  writeFileSync(claude, '{\n  "mcpServers": {} // none\n}\n');
  const { code, stderr } = await line.run('config', 'add', url, '--yes');
  expect([code, stderr]).toEqual([2, expect.stringContaining('is not JSON (line 2)')]);
  expect([readFileSync(cursor, 'utf8'), existsSync(`${claude}.before-postern`)]).toEqual([theirs, false]);
});

test('what somebody else has added is replaced only on their wish, and never taken out', async () => {
  const { line, cursor } = openDesktop();
  const add = ['config', 'add', url, '--host', 'cursor', '--name', 'notes', '--yes'];
  expect(await line.run(...add)).toMatchObject({ code: 2, stderr: expect.stringContaining('--replace') });
  const remove = await line.run('config', 'remove', 'notes', '--host', 'cursor', '--yes');
  expect([remove.code, readFileSync(cursor, 'utf8')]).toEqual([2, theirs]);
  const replaced = await line.run(...add, '--replace');
  expect([replaced.code, replaced.stdout]).toEqual([0, expect.stringContaining('was replaced')]);
  expect(replaced.stderr).not.toContain('hunter2');
  expect(readFileSync(cursor, 'utf8')).toContain('// keep');
});

test('a link to a file stays one, and the file is changed', async () => {
  const { line, cursor } = openDesktop();
  const real = join(line.home, 'dotfiles.json');
  const link = join(line.home, '.cursor/link.json');
  writeFileSync(real, theirs);
  symlinkSync(real, link);
  spawnSync('/bin/mv', [link, cursor]);
  await line.run('config', 'add', url, '--host', 'cursor', '--yes');
  expect(lstatSync(cursor).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'utf8')).toContain('calendar-example');
});

test('a name in the user’s own file is good for every command, and for a host', async () => {
  const { line, cursor } = openDesktop();
  expect((await line.run('config', 'add', 'day', '--host', 'cursor', '--yes')).code).toBe(2);
  await line.run('config', 'add', url, '--name', 'day', '--host', 'postern', '--yes');
  const { answer } = await line.json('list');
  expect(answer.result.servers).toMatchObject([{ server: 'day', url, configured: true }]);
  await line.run('config', 'add', 'day', '--host', 'cursor', '--yes', '--by', 'npx');
  expect(readFileSync(cursor, 'utf8').replaceAll(/\s+/gu, ' ')).toContain(
    '"day": { "command": "npx", "args": [ "-y", "postern", "bridge", "day" ] }',
  );
});

test.each([
  bridgeEntry(url, { by: 'npx' }),
  { command: '/usr/bin/node', args: ['/usr/lib/node_modules/postern/dist/cli/main.js', 'bridge', url] },
  { command: 'node.exe', args: ['C:\\postern\\dist\\cli\\main.js', 'bridge', url] },
  { command: 'cmd', args: ['/c', 'npx', '-y', 'postern', 'bridge', url] },
  { command: 'postern', args: ['bridge', url] },
])('an entry such as %j is known as ours', (entry) => {
  expect(isBridgeEntry(entry)).toBe(true);
});

test.each([
  undefined,
  null,
  'x',
  {},
  { command: 'npx' },
  { command: 'npx', args: ['-y', 'other', 'bridge'] },
])('one such as %j is not', (entry) => {
  expect(isBridgeEntry(entry)).toBe(false);
});

await describeWithService('python3', 'somebody who is asked', ({ where: python }) => {
  test.each([
    ['y', true],
    ['n', false],
  ])('and answers %j', async (answer, isWritten) => {
    const { line, cursor } = openDesktop();
    const args = ['config', 'add', url, '--host', 'cursor'];
    const terminal = openTerminal(program, args, { python, env: { ...line.env, TERM: 'xterm-256color' } });
    await terminal.shows(/Write this to the file of Cursor\?/u);
    terminal.child.stdin?.write(`${answer}\n`);
    expect(await terminal.ended).toBe(isWritten ? 0 : 4);
    expect(readFileSync(cursor, 'utf8') !== theirs).toBe(isWritten);
    // The colours of a terminal.
    expect(terminal.screen()).toContain('\u001B[32m+');
  });
});

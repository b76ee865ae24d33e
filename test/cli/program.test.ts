import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { endings, exitCodes } from '../../src/cli/exit-codes.ts';
import { errorCodes } from '../../src/core/error-codes.ts';
import { CommandLine, program } from '../support/command-line.ts';

const root = new URL('../../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { version: string };

/** Runs the program after something else has been done in its process. */
function runAfter(preloaded: string, ...args: readonly string[]): ReturnType<typeof spawnSync> {
  const url = `data:text/javascript,${encodeURIComponent(preloaded)}`;
  return spawnSync(process.execPath, ['--import', url, program, ...args], {
    encoding: 'utf8',
    env: { ...new CommandLine().env },
    timeout: 30_000,
  });
}

test('help names every command, and a command’s own help has examples', async () => {
  const line = new CommandLine();
  const { code, stdout } = await line.run('--help');
  expect(code).toBe(0);
  for (const name of Object.keys(commands)) expect(stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'mu'));
  const helps = await Promise.all(Object.keys(commands).map((name) => line.run(name, '--help')));
  for (const help of helps) {
    expect(help.code).toBe(0);
    expect(help.stdout).toContain('Examples:\n  $ postern ');
  }
});

test('help is told, and nothing is loaded but the parser of arguments', () => {
  const { stdout, status } = runAfter(
    `import { registerHooks } from 'node:module';
     const loaded = new Set();
     registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) });
     process.on('exit', () => console.log('loaded ' + [...loaded].filter((url) => url.includes('node_modules')).join(' ')));`,
    '--help',
  );
  expect(status).toBe(0);
  const loaded = /^loaded (?<urls>.*)$/mu.exec(String(stdout))?.groups?.['urls']?.split(' ') ?? [];
  expect(loaded.length).toBeGreaterThan(0);
  expect(loaded.filter((url) => !url.includes('/commander/'))).toEqual([]);
});

test('a Node that is too old is named in words, whatever was asked for', () => {
  const old = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`;
  const { status, stderr } = runAfter(old, 'list');
  expect([status, stderr]).toEqual([
    2,
    expect.stringContaining('postern needs Node 22.13 or newer, and this is Node 20.20.2'),
  ]);
});

test('the version is the package’s', async () => {
  expect(await new CommandLine().run('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
});

test.each([
  [['frobnicate'], /unknown command 'frobnicate'/u],
  [['lgoin'], /Did you mean login\?/u],
  [['login'], /missing required argument 'server'/u],
  [['login', 'https://a.example/mcp', '--nope'], /unknown option '--nope'/u],
  [['login', 'https://a.example/mcp', '--timeout', 'soon'], /Give seconds/u],
  [['login', 'https://a.example/mcp', '--paste', '--device'], /cannot be used with/u],
  [
    ['config', 'add', 'https://a.example/mcp', '--host', 'emacs'],
    /Allowed choices are claude, cursor, postern/u,
  ],
])('%j is misuse, which is said on standard error and ends with 2', async (args, said) => {
  const { code, stdout, stderr } = await new CommandLine().run(...args);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(said);
});

test('misuse is one JSON document for whoever wants JSON', async () => {
  const { code, answer } = await new CommandLine().json('lgoin');
  expect(code).toBe(2);
  expect(answer).toEqual({
    ok: false,
    exitCode: 2,
    error: { name: 'UsageError', message: expect.stringContaining('lgoin'), words: expect.any(String) },
  });
});

test('every error ends with an exit code that is explained', () => {
  const known = new Set(Object.values(exitCodes));
  for (const { exit } of Object.values(errorCodes)) expect(known).toContain(exit);
  expect(Object.keys(endings)).toEqual(Object.keys(exitCodes));
  expect(exitCodes).toEqual({
    ok: 0,
    failure: 1,
    usage: 2,
    personNeeded: 3,
    refused: 4,
    unreachable: 5,
    toolFailed: 6,
    warnings: 7,
    problems: 8,
    interrupted: 130,
  });
});

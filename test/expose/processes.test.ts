import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive, LegacyClient, plainServer, until } from './expose-stage.ts';

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

interface RunningCommand {
  readonly process: ChildProcess;
  readonly url: string;
  readonly exited: Promise<number | null>;
}

/** `postern expose` in a process of its own. */
async function runCommand(
  flags: readonly string[],
  options: { readonly cwd?: string; readonly args?: readonly string[]; readonly detached?: boolean } = {},
): Promise<RunningCommand> {
  const { cwd, args = [], detached = false } = options;
  const command = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      main,
      'expose',
      '--port',
      '0',
      ...args,
      '--',
      process.execPath,
      plainServer,
      ...flags,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd, detached },
  );
  let said = '';
  const exited = new Promise<number | null>((resolve) => command.once('exit', (code) => resolve(code)));
  onTestFinished(() => void command.kill('SIGKILL'));
  command.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until('it listens', () => said.includes('Serving') || command.exitCode !== null);
  const url = /http:\S+/u.exec(said)?.[0] ?? '';
  return { process: command, url, exited };
}

test('SIGTERM ends it with 0, and its children and theirs with it', async () => {
  const command = await runCommand(['--ignore-term', '--ignore-eof']);
  const client = await LegacyClient.begin(command.url);
  const pids = [Number(await client.text('pid')), Number(await client.text('grandchild'))];
  command.process.kill('SIGTERM');
  expect(await command.exited).toBe(0);
  await until('nobody is left', () => !pids.some(isAlive));
});

test('killed with -9, it leaves no child behind, not even one that heeds nothing', async () => {
  const command = await runCommand(['--ignore-term', '--ignore-eof']);
  const client = await LegacyClient.begin(command.url);
  const pids = [Number(await client.text('pid')), Number(await client.text('grandchild'))];
  expect(pids.filter(isAlive)).toEqual(pids);
  command.process.kill('SIGKILL');
  await command.exited;
  await until('nobody is left', () => !pids.some(isAlive));
});

test('nothing that comes over the network, and no file beside it, gets into the command or its environment', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-expose-'));
  writeFileSync(join(folder, '.env'), 'FROM_FILE=1\nPATH=/nowhere\n');
  const command = await runCommand([], { cwd: folder });
  const query = '?command=evil&args=evil&env=FROM_QUERY%3D1&env.FROM_QUERY=1';
  const client = await LegacyClient.begin(command.url + query, {
    headers: { 'x-env': 'FROM_HEADER=1', 'x-command': 'evil' },
    capabilities: { experimental: { command: 'evil', env: { FROM_BODY: '1' } } },
  });
  const names = JSON.parse(await client.text('environment')) as string[];
  expect(names.filter((name) => name.startsWith('FROM_'))).toEqual([]);
  expect(await client.text('env', { name: 'PATH' })).toBe(JSON.stringify(process.env['PATH']));
});

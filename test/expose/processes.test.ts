import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { isAlive, jsonHeaders, LegacyClient, plainServer, until, expose } from './expose-stage.ts';

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

test('a hundred clients that just go away leave no child behind', async () => {
  // In a shell, of which a hundred cost no more than a few of Node. It says its own pid.
  const script = `read -r line
    printf '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"sh","version":"%s"}}}\\n' $$
    while read -r line; do :; done`;
  const exposed = await expose([], {
    command: { command: '/bin/sh', args: ['-c', script] },
    limits: { maxSessionsPerUser: 10, maxChildrenPerUser: 10 },
  });
  const pids: number[] = [];
  for (let at = 0; at < 100; at++) {
    const stop = new AbortController();
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: { sampling: {} },
      clientInfo: { name: 'c', version: '1' },
    };
    const response = await fetch(exposed.url, {
      method: 'POST',
      headers: jsonHeaders,
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
      signal: stop.signal,
    });
    const { result } = (await response.json()) as { result: { serverInfo: { version: string } } };
    pids.push(Number(result.serverInfo.version));
    const headers = { ...jsonHeaders, 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
    const waiting = fetch(exposed.url, { headers, signal: stop.signal }).catch(() => undefined);
    if (at % 2 === 0) await waiting;
    stop.abort();
  }
  expect(new Set(pids).size).toBe(100);
  await until('all but the last sessions’ are gone', () => pids.filter(isAlive).length <= 10);
  await exposed.stop();
  await until('nobody is left', () => !pids.some(isAlive));
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startExpose } from '../../src/expose/index.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { errorIn, expose, jsonHeaders, LegacyClient } from './expose-stage.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const deadlineMs = 30_000;

/** A server that starts in a millisecond, and answers everything as if it were greeted. It notes its process id. */
const tinyServer = `echo $$ >> "$PIDS"
while read -r line; do
  case $line in *'"id":'*)
    id=\${line#*\\"id\\":}; id=\${id%%,*}; id=\${id%%\\}*}
    printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"tiny","version":"1"}}}\\n' "$id";;
  esac
done`;

function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-expose-faults-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function until(fact: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + deadlineMs;
  while (!(await fact())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('a thousand clients that break off leave no child behind', async () => {
  const pids = join(createFolder(), 'pids');
  const exposed = await startExpose({
    command: { command: 'sh', args: ['-c', tinyServer] },
    port: 0,
    logger: silentLogger,
    env: { PIDS: pids },
    limits: { maxChildrenPerUser: 1_000, maxChildren: 1_000, maxSessionsPerUser: 2_000, maxSessions: 2_000 },
  });
  onTestFinished(() => exposed.stop());
  const clients = 1_000;
  let left = clients;
  let begun = 0;
  const greeting = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    // Who can be asked something has a child to itself.
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { roots: {} },
      clientInfo: { name: 'c', version: '1' },
    },
  });
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (left-- > 0) {
        const index = left;
        const outgoing = request(exposed.url, { method: 'POST', headers: jsonHeaders, agent: false });
        outgoing.on('error', () => {});
        // Some before the child is there, some with a call in flight.
        const answered = new Promise<string | undefined>((resolve) => {
          outgoing.once('close', () => resolve(undefined));
          outgoing.once('response', (response) => {
            const id = response.headers['mcp-session-id'];
            response.resume().once('end', () => resolve(typeof id === 'string' ? id : undefined));
          });
        });
        outgoing.end(greeting);
        if (index % 3 === 0) {
          await new Promise((resolve) => setTimeout(resolve, index % 7));
          outgoing.destroy();
          continue;
        }
        const session = await answered;
        if (session === undefined) continue;
        begun++;
        const calling = request(exposed.url, {
          method: 'POST',
          headers: { ...jsonHeaders, 'mcp-session-id': session },
          agent: false,
        });
        calling.on('error', () => {});
        calling.end('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"nothing"}}');
        await new Promise((resolve) => calling.once('finish', resolve));
        calling.destroy();
        if (index % 3 === 1) continue;
        const ending = request(exposed.url, {
          method: 'DELETE',
          headers: { 'mcp-session-id': session },
          agent: false,
        });
        ending.on('error', () => {});
        ending.end();
      }
    }),
  );
  expect(begun).toBeGreaterThan(100);
  await exposed.stop();
  const started = readFileSync(pids, 'utf8').trim().split('\n');
  expect(started.length).toBeGreaterThan(100);
  await until(() => !started.some((pid) => isTiny(pid, pids)), 'the end of every child');
});

/** Whether a process is a child of the test, and not one that has got its number since. */
function isTiny(pid: string, pids: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(pids);
  } catch {
    return false;
  }
}

test.each(['SIGKILL', 'SIGSEGV'])(
  'fifty calls in flight at a child that ends by %s are errors, and the next is answered by another child',
  async (signal) => {
    const { url } = await expose();
    const client = await LegacyClient.begin(url);
    const first = await client.text('pid');
    const calls = Array.from({ length: 50 }, () => client.call('wait'));
    await client.call('echo', {});
    // Its own call is one of those that are never answered.
    const killing = client.call('die', { signal });
    for (const answer of await Promise.all([...calls, killing])) {
      expect(errorIn(answer).code).toBeLessThan(0);
    }
    await until(async () => {
      const { messages } = await client.call('pid');
      return messages.some(({ result }) => result !== undefined);
    }, 'another child');
    expect(await client.text('pid')).not.toBe(first);
  },
);

describe('what a child says', () => {
  test.each([
    ['half a message', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['another JSON-RPC', '{"jsonrpc":"1.0","id":987654,"result":{}}'],
    ['an answer to nothing', '{"jsonrpc":"2.0","id":987654,"result":{}}'],
    ['an object for an id', '{"jsonrpc":"2.0","id":{},"result":{}}'],
    ['an id that is no safe integer', '{"jsonrpc":"2.0","id":1152921504606846976,"result":{}}'],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['a hundred thousand empty lines', '\n'.repeat(100_000)],
    ['a carriage return', '\r'],
    ['a line separator', '\u2028'],
  ])('%s is dropped, and the next answer comes', async (_what, line) => {
    const said = join(createFolder(), 'said');
    writeFileSync(said, line);
    const { url } = await startSaying(said);
    const client = await LegacyClient.begin(url);
    expect((await client.call('echo')).messages.at(-1)?.['result']).toEqual({ said: true });
  });
});

/** A server that says something of a file's before each answer, and every answer byte by byte. */
async function startSaying(file: string) {
  const source = `
    const said = require('fs').readFileSync(process.argv[1]);
    let rest = '';
    process.stdin.on('data', async (chunk) => {
      const lines = (rest + chunk).split('\\n');
      rest = lines.pop();
      for (const line of lines) {
        const { id, method } = JSON.parse(line);
        if (id === undefined) continue;
        const result = method === 'initialize'
          ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 's', version: '1' } }
          : { said: true };
        process.stdout.write(said);
        process.stdout.write('\\n');
        for (const byte of Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\r\\n')) {
          await new Promise((resolve) => process.stdout.write(Buffer.of(byte), resolve));
        }
      }
    });
    process.stdin.on('end', () => process.exit());`;
  const exposed = await startExpose({
    command: { command: process.execPath, args: ['-e', source, file] },
    port: 0,
    logger: silentLogger,
  });
  onTestFinished(() => exposed.stop());
  return exposed;
}

test('where it may open no more files it refuses, lives on, and serves again when it may', async () => {
  const folder = createFolder();
  const pids = join(folder, 'pids');
  writeFileSync(pids, '');
  const flags = ['--disable-warning=ExperimentalWarning', program, 'expose', '--json', '--port', '0'];
  const server = ['--env', `PIDS=${pids}`, '--', 'sh', '-c', tinyServer];
  const command = [process.execPath, ...flags, ...server];
  const gateway = spawn('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { PATH: process.env['PATH'], HOME: folder },
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  const exited = once(gateway, 'exit');
  onTestFinished(async () => {
    gateway.kill('SIGTERM');
    await exited;
  });
  const [line] = (await once(gateway.stdout, 'data', { signal: AbortSignal.timeout(deadlineMs) })) as [
    Buffer,
  ];
  const { url } = (JSON.parse(line.toString()) as { result: { url: string } }).result;
  // Clients that only listen, until there is no file left for one more.
  const connections = Array.from({ length: 100 }, () => {
    const outgoing = request(url, {
      method: 'POST',
      headers: { ...jsonHeaders, 'content-length': 10 },
      agent: false,
    });
    outgoing.on('error', () => {});
    outgoing.write('{');
    return outgoing;
  });
  await Promise.allSettled(connections.map((each) => once(each, 'socket')));
  const begin = (): Promise<LegacyClient | undefined> =>
    LegacyClient.begin(url, { capabilities: { roots: {} } }).catch(() => undefined);
  await Promise.race([begin(), new Promise((resolve) => setTimeout(resolve, 500))]);
  for (const each of connections) each.destroy();
  await until(async () => (await begin()) !== undefined, 'a session, with files to spare');
  expect(gateway.exitCode).toBeNull();
  expect(existsSync(`/proc/${gateway.pid}`)).toBe(true);
});

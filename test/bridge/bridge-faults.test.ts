import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { answerGreeting, sendJson, startPlainServer, type PlainServer } from './plain-server.ts';
import { createHome, StdioHost } from './stdio-host.ts';

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const deadlineMs = 30_000;

/** A server whose tool says what it is told, when a test lets it. */
function startEcho(
  hold: (response: ServerResponse, answer: () => void) => void = (_response, answer) => answer(),
  port = 0,
): Promise<PlainServer> {
  return startPlainServer((came, response) => {
    if (answerGreeting(came, response)) return;
    const { id, method, params } = came.message;
    const result =
      method === 'tools/list'
        ? { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }
        : { content: [{ type: 'text', text: params?.arguments?.text ?? '' }] };
    const answer = (): void => sendJson(response, JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (method === 'tools/call') hold(response, answer);
    else answer();
  }, port);
}

function call(text: string): object {
  return { name: 'echo', arguments: { text } };
}

describe('what a host says', () => {
  test.each([
    ['half a message', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['another JSON-RPC', '{"jsonrpc":"1.0","id":900,"method":"ping"}'],
    ['a batch', '[{"jsonrpc":"2.0","id":900,"method":"ping"}]'],
    ['an object for an id', '{"jsonrpc":"2.0","id":{},"method":"ping"}'],
    ['a fraction for an id', '{"jsonrpc":"2.0","id":1.5,"method":"ping"}'],
    ['an id that is no safe integer', '{"jsonrpc":"2.0","id":1152921504606846976,"method":"ping"}'],
    ['parameters by position', '{"jsonrpc":"2.0","id":900,"method":"ping","params":[1]}'],
    ['a method that is none', '{"jsonrpc":"2.0","id":900,"method":7}'],
  ])('%s is answered with an error, and the next message is answered', async (_what, line) => {
    const host = StdioHost.run((await startEcho()).url);
    await host.greet();
    host.send(line);
    const refusal = await host.line(({ error }) => error !== undefined);
    expect([-32_700, -32_600]).toContain(refusal.error?.code);
    expect((await host.ask('tools/call', call('ahoy'))).result.content[0].text).toBe('ahoy');
  });

  test.each([
    ['a blank line', ' \t'],
    ['an answer to nothing', '{"jsonrpc":"2.0","id":900,"result":{}}'],
    ['an error about nothing', '{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}'],
    ['a carriage return at the end', '{"jsonrpc":"2.0","method":"notifications/nothing"}\r'],
  ])('%s changes nothing', async (_what, line) => {
    const host = StdioHost.run((await startEcho()).url);
    await host.greet();
    host.send(line);
    expect((await host.ask('tools/call', call('ahoy'))).result.content[0].text).toBe('ahoy');
    expect(host.rest).toEqual([]);
  });

  test('"__proto__" is an id and a member like any other', async () => {
    const host = StdioHost.run((await startEcho()).url);
    await host.greet();
    host.send(
      '{"jsonrpc":"2.0","id":"__proto__","method":"tools/call","params":{"name":"echo","arguments":{"text":"ahoy","__proto__":{"a":1}}}}',
    );
    expect((await host.answerTo('__proto__')).result.content[0].text).toBe('ahoy');
  });

  test('answers that come in another order go to whoever asked, and a second with an id that is in use is refused', async () => {
    const held: (() => void)[] = [];
    const host = StdioHost.run((await startEcho((_response, answer) => held.push(answer))).url);
    await host.greet();
    const ids = Array.from({ length: 50 }, (_unused, index) => (index % 2 === 0 ? index : `${index - 1}`));
    const answers = ids.map((id) => host.ask('tools/call', call(`${typeof id} ${id}`), id));
    const doubled = host.ask('tools/call', call('first'), 'doubled');
    host.send({ id: 'doubled', method: 'tools/call', params: call('second') });
    expect((await doubled).error?.code).toBe(-32_600);
    const first = host.answerTo('doubled');
    while (held.length <= ids.length) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const answer of held.toReversed()) answer();
    const texts = (await Promise.all(answers)).map(({ result }) => result.content[0].text);
    expect(texts).toEqual(ids.map((id) => `${typeof id} ${id}`));
    expect((await first).result.content[0].text).toBe('first');
  });
});

describe('what a server does', () => {
  test('fifty calls in flight fail at once when their server dies, and the next go through when it is back', async () => {
    const open = new Set<ServerResponse>();
    let isWell = false;
    const server = await startEcho((response, answer) => {
      if (isWell) answer();
      else open.add(response);
    });
    const host = StdioHost.run(server.url);
    await host.greet();
    const calls = Array.from({ length: 50 }, () => host.ask('tools/call', call('ahoy')));
    while (open.size < calls.length) await new Promise((resolve) => setTimeout(resolve, 5));
    await server.close();
    for (const { error, result } of await Promise.all(calls)) {
      expect(error !== undefined || result?.isError === true).toBe(true);
    }
    isWell = true;
    await startEcho((_response, answer) => answer(), Number(new URL(server.url).port));
    // One may still meet a connection that is just being closed: whether it was carried out, nobody can know.
    const again = async (): Promise<unknown> =>
      (await host.ask('tools/call', call('again'))).result?.content[0].text;
    await expect.poll(again, { timeout: 10_000 }).toBe('again');
  });

  test.each([
    ['no JSON', 'ahoy'],
    ['an answer to another call', '{"jsonrpc":"2.0","id":"another","result":{}}'],
    ['an answer without an id', '{"jsonrpc":"2.0","result":{}}'],
    ['nothing at all', ''],
    ['a list', '[]'],
  ])('%s is an error for its call alone', async (_what, text) => {
    const server = await startPlainServer((came, response) => {
      if (answerGreeting(came, response)) return;
      const { id, params } = came.message;
      if (params?.arguments?.text === 'bad') sendJson(response, text);
      else sendJson(response, JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } }));
    });
    const host = StdioHost.run(server.url);
    await host.greet();
    const { error, result } = await host.ask('tools/call', call('bad'));
    expect(error !== undefined || result?.isError === true).toBe(true);
    expect((await host.ask('tools/call', call('good'))).result).toEqual({ content: [] });
  });
});

describe('a server that answers HTTP 400', () => {
  test('to whatever comes in a session that it has lost, is greeted again', async () => {
    let session = 1;
    const server = await startPlainServer((came, response) => {
      const named = came.headers['mcp-session-id'];
      if (named !== undefined && named !== `s${session}`) {
        return sendJson(
          response,
          '{"jsonrpc":"2.0","error":{"code":-32000,"message":"no such session"},"id":null}',
          {},
          400,
        );
      }
      if (answerGreeting(came, response, { 'mcp-session-id': `s${session}` })) return;
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { in: named } }));
    });
    const host = StdioHost.run(server.url);
    await host.greet();
    expect((await host.ask('tools/call', call('ahoy'))).result).toEqual({ in: 's1' });
    session = 2;
    expect((await host.ask('tools/call', call('ahoy'))).result).toEqual({ in: 's2' });
  });

  test('to a request that is bad keeps its session', async () => {
    const server = await startPlainServer((came, response) => {
      if (answerGreeting(came, response, { 'mcp-session-id': 's' })) return;
      const { id, method, params } = came.message;
      if (method === 'ping' || params?.arguments?.text !== 'bad') {
        return sendJson(response, JSON.stringify({ jsonrpc: '2.0', id, result: { in: 's' } }));
      }
      sendJson(
        response,
        JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32_602, message: 'bad' } }),
        {},
        400,
      );
    });
    const host = StdioHost.run(server.url);
    await host.greet();
    expect((await host.ask('tools/call', call('bad'))).error?.code).toBe(-32_602);
    expect((await host.ask('tools/call', call('good'))).result).toEqual({ in: 's' });
    expect(server.came.filter(({ message }) => message?.method === 'initialize')).toHaveLength(1);
  });
});

/** The most memory that a process has had, in MiB. */
function peakMiB(pid: number | undefined): number {
  return Number(/^VmHWM:\s+(\d+) kB/mu.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

describe('as a process', () => {
  test('a line without an end and a million empty ones take no more than their limit, and the next message is answered', async () => {
    const host = StdioHost.start([(await startEcho()).url]);
    await host.greet();
    await host.ask('tools/call', call('ahoy'));
    const before = peakMiB(host.pid);
    host.send('x'.repeat(40 * 1024 * 1024));
    expect((await host.line(({ error }) => error !== undefined)).error?.code).toBe(-32_600);
    host.send('\n'.repeat(1_000_000));
    expect((await host.ask('tools/call', call('ahoy'))).result.content[0].text).toBe('ahoy');
    expect(peakMiB(host.pid) - before).toBeLessThan(64);
  });

  test('a host that does not read holds its server back, and loses nothing of what it then reads', async () => {
    const note = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(16_384) } })}\n\n`;
    const count = 8_000; // 125 MiB
    let written = 0;
    const server = await startPlainServer((came, response) => {
      if (answerGreeting(came, response)) return;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const write = (): void => {
        while (written < count) {
          written++;
          if (!response.write(note)) return void response.once('drain', write);
        }
        const { id } = came.message;
        response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result: {} })}\n\n`);
      };
      write();
    });
    const bridge = startBridge([server.url]);
    bridge.stdin.write(`${greeting}\n`);
    await heard(bridge, '"id":1');
    bridge.stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}\n');
    await heard(bridge, 'notifications/message');
    const before = peakMiB(bridge.pid);
    bridge.stdout.pause();
    // Nobody reads until the server has been kept from writing.
    for (let last = -1; last !== written;) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(written).toBeLessThan(count);
    expect(peakMiB(bridge.pid) - before).toBeLessThan(64);
    bridge.stdout.resume();
    let notes = 1;
    bridge.stdout.on(
      'data',
      (chunk: Buffer) => (notes += chunk.toString('latin1').split('notifications/message').length - 1),
    );
    await heard(bridge, '"id":2', true);
    // A word that lies across two chunks is not counted.
    expect(notes).toBeGreaterThan(count * 0.98);
  });

  test.each([
    ['closes its output', (bridge: Bridge) => bridge.stdin.end()],
    ['reads no more', (bridge: Bridge) => bridge.stdout.destroy()],
    ['sends SIGTERM', (bridge: Bridge) => bridge.kill('SIGTERM')],
  ])('it ends when its host %s, with calls in flight', async (_what, leave) => {
    const server = await startEcho(() => {});
    const bridge = startBridge([server.url]);
    bridge.stdin.write(`${greeting}\n`);
    await heard(bridge, '"id":1');
    for (let id = 2; id < 52; id++) {
      bridge.stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}\n`);
    }
    // An answer of the bridge's own, so that there is something that nobody reads.
    const exited = once(bridge, 'exit', { signal: AbortSignal.timeout(deadlineMs) });
    leave(bridge);
    if (!bridge.stdin.writableEnded) bridge.stdin.write('{\n{\n{\n');
    expect((await exited)[0]).toBe(0);
  });

  test('a disk without room for what it says to people keeps nobody from an answer', async () => {
    const bridge = startBridge([(await startEcho()).url], { stderr: openSync('/dev/full', 'w') });
    bridge.stdin.write(`${greeting}\n{\n`);
    await heard(bridge, '"id":1');
    bridge.stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}\n');
    expect(await heard(bridge, '"id":2')).toContain('"result"');
  });

  test.skipIf(!canMount())('a full disk is named to whoever calls, and nobody waits in vain', async () => {
    const bridge = startBridge([(await startEcho()).url], { onFullDisk: true });
    bridge.stdin.write(`${greeting}\n`);
    await heard(bridge, '"id":1');
    bridge.stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}}\n');
    expect(await heard(bridge, '"id":2')).toContain('The disk is full.');
  });

  test('where answers cannot be written it ends, and does not go on for nobody', async () => {
    const bridge = startBridge([(await startEcho()).url], { stdout: openSync('/dev/full', 'w') });
    const exited = once(bridge, 'exit', { signal: AbortSignal.timeout(deadlineMs) });
    bridge.stdin.write(`${greeting}\n`);
    expect((await exited)[0]).toBe(0);
  });

  test('where it may open no more files its calls fail, and go through when it may again', async () => {
    const held: (() => void)[] = [];
    let holds = true;
    const server = await startEcho((_response, answer) => (holds ? held.push(answer) : answer()));
    // A little more than Node itself takes.
    const bridge = startBridge([server.url], { maxFiles: 40 });
    bridge.stdin.write(`${greeting}\n`);
    await heard(bridge, '"id":1');
    for (let id = 2; id < 102; id++) {
      bridge.stdin.write(`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo"}}\n`);
    }
    // One that found no file for its connection.
    await heard(bridge, /"isError":true|"error":/u);
    holds = false;
    for (const answer of held) answer();
    // The first of them may still find none, until those before them have given theirs back.
    for (let id = 200; ; id++) {
      bridge.stdin.write(
        `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"text":"ahoy"}}}\n`,
      );
      if ((await heard(bridge, `"id":${id}`)).includes('ahoy')) break;
      expect(id).toBeLessThan(260);
    }
  });
});

const greeting = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a host', version: '1' } },
});

/** A small disk of its own where the home is, without room for anything. */
const fill = 'mount -t tmpfs -o size=64k tmpfs "$0" && { cat /dev/zero > "$0/full" 2>/dev/null; exec "$@"; }';

/** Whether this user may make a disk that nobody else sees. */
function canMount(): boolean {
  return spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}

type Bridge = ReturnType<typeof startBridge>;

/** The bridge as a process, by its bare streams. */
function startBridge(
  args: readonly string[],
  {
    stdout,
    stderr,
    maxFiles,
    onFullDisk = false,
  }: { stdout?: number; stderr?: number; maxFiles?: number; onFullDisk?: boolean } = {},
) {
  const home = createHome();
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', program, 'bridge', ...args];
  const limited =
    maxFiles === undefined ? command : ['sh', '-c', `ulimit -n ${maxFiles}; exec "$@"`, 'sh', ...command];
  const [file = '', ...rest] = onFullDisk ? ['unshare', '-m', 'sh', '-c', fill, home, ...limited] : limited;
  const { PATH = '' } = process.env;
  const child = spawn(file, rest, {
    stdio: ['pipe', stdout ?? 'pipe', stderr ?? 'ignore'],
    env: { PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  child.stdin?.on('error', () => {});
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  });
  return child as typeof child & {
    stdin: NonNullable<typeof child.stdin>;
    stdout: NonNullable<typeof child.stdout>;
  };
}

/** Reads until something was said, and resolves with what came in that chunk and the one before. */
async function heard(bridge: Bridge, what: string | RegExp, keepReading = false): Promise<string> {
  let last = '';
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`${String(what)} was not heard; last: ${last.slice(-300)}`)),
      deadlineMs,
    );
    const read = (chunk: Buffer): void => {
      last = last.slice(-1_000) + chunk.toString();
      if (typeof what === 'string' ? !last.includes(what) : !what.test(last)) return;
      clearTimeout(late);
      bridge.stdout.off('data', read);
      if (!keepReading) bridge.stdout.pause();
      resolve(last);
    };
    bridge.stdout.on('data', read);
    bridge.stdout.resume();
  });
}

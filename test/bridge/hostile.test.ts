import type { ServerResponse } from 'node:http';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { answerGreeting, sendJson, startPlainServer } from './plain-server.ts';
import { StdioHost } from './stdio-host.ts';

const bad = [
  '{',
  '[]',
  'null',
  '{"jsonrpc":"1.0","id":1,"method":"ping"}',
  '[{"jsonrpc":"2.0","id":1,"method":"ping"}]',
  '{"jsonrpc":"2.0","id":{},"method":"ping"}',
  '{"jsonrpc":"2.0","id":1.5,"method":"ping"}',
  '{"jsonrpc":"2.0","id":1152921504606846976,"method":"ping"}',
  '{"jsonrpc":"2.0","id":null,"method":"ping"}',
];

test.each(bad)('after the line %s the next message is answered', async (line) => {
  const server = await startPlainServer((came, response) => void answerGreeting(came, response));
  const host = StdioHost.run(server.url);
  host.send(line);
  expect((await host.line(({ error }) => error !== undefined)).error?.code).toBeLessThan(-32_599);
  expect((await host.ask('ping')).result).toEqual({});
});

test('an id that means something to JavaScript is an id like any other', async () => {
  const server = await startPlainServer((came, response) => {
    if (!answerGreeting(came, response))
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  for (const id of ['__proto__', 'constructor', '', -1, 0]) expect((await host.ask('x', {}, id)).id).toBe(id);
});

test('a line that is too long is refused, and the next message is answered', async () => {
  const server = await startPlainServer((came, response) => void answerGreeting(came, response));
  const host = StdioHost.run(server.url);
  host.send('x'.repeat(11 * 1024 * 1024));
  expect((await host.answerTo(null)).error?.message).toMatch(/longer than/);
  expect((await host.ask('ping')).result).toEqual({});
});

test.each<[string, (response: ServerResponse) => void]>([
  [
    'more than a message may be',
    (response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(Buffer.alloc(11 * 1024 * 1024, 32)),
  ],
  [
    'an event without an end',
    (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(`data: ${'x'.repeat(11 * 1024 * 1024)}`),
  ],
  ['what is no JSON', (response) => sendJson(response, '<html>')],
  ['a batch', (response) => sendJson(response, '[]')],
  ['another id', (response) => sendJson(response, '{"jsonrpc":"2.0","id":"other","result":{}}')],
  [
    'invalid UTF-8',
    (response) =>
      void response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0x7b, 0xff])),
  ],
  ['that it has taken it', (response) => void response.writeHead(202).end()],
  [
    'half an answer',
    (response) =>
      void response
        .writeHead(200, { 'content-length': '100' })
        .write('{"jsonrpc":', () => response.destroy()),
  ],
  ['HTTP 500', (response) => void response.writeHead(500).end('secret stack')],
])('a server that answers %s fails that call, and the next goes through', async (_what, answer) => {
  const server = await startPlainServer((came, response) => {
    if (answerGreeting(came, response)) return;
    if (came.message.params.bad === true) answer(response);
    else sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { ok: true } }));
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  const { error } = await host.ask('tools/call', { bad: true });
  expect(error?.data).toMatchObject({ code: 'ERR_POSTERN_CLIENT_CONNECTION_FAILED' });
  expect(JSON.stringify(error)).not.toContain('secret');
  expect((await host.ask('tools/call', { bad: false })).result).toEqual({ ok: true });
});

test('a server that dies fails every call at once, and is used again when it is back', async () => {
  const answer = (
    came: Parameters<typeof answerGreeting>[0],
    response: Parameters<typeof answerGreeting>[1],
  ): void => {
    if (answerGreeting(came, response) || came.message.params.wait === true) return;
    sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { ok: true } }));
  };
  const server = await startPlainServer(answer);
  const host = StdioHost.run(server.url);
  await host.greet();
  const calls = Array.from({ length: 50 }, () => host.ask('tools/call', { wait: true }));
  await expect
    .poll(() => server.came.filter(({ message }) => message?.params?.wait).length, { timeout: 10_000 })
    .toBe(50);
  await server.close();
  for (const { error } of await Promise.all(calls)) expect(error?.data).toMatchObject({ retry: true });
  await startPlainServer(answer, Number(new URL(server.url).port));
  // One may still meet a connection that is just being closed: whether it was carried out, nobody can know.
  const again = async (): Promise<unknown> => (await host.ask('tools/call', { wait: false })).result;
  await expect.poll(again, { timeout: 10_000 }).toEqual({ ok: true });
});

test('more calls than a server is asked at once are all answered', async () => {
  let open = 0;
  let most = 0;
  const server = await startPlainServer(async (came, response) => {
    if (answerGreeting(came, response)) return;
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 5));
    open--;
    sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => host.ask('tools/call')));
  expect(answers).toHaveLength(1_000);
  expect(most).toBeLessThanOrEqual(128);
});

test('a host that does not read holds back the server that floods it', { timeout: 60_000 }, async () => {
  let written = 0;
  let isFull = false;
  const server = await startPlainServer(async (came, response) => {
    if (answerGreeting(came, response)) return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"${'x'.repeat(64 * 1024)}"}}\n\n`;
    while (!isFull && !response.destroyed) {
      written += event.length;
      if (response.write(event)) continue;
      // Whoever is not read waits for ever.
      const drained = once(response, 'drain').then(() => true);
      isFull = !(await Promise.race([
        drained,
        new Promise<false>((resolve) => setTimeout(resolve, 1_000, false)),
      ]));
    }
  });
  const input = new PassThrough();
  const output = new PassThrough();
  const { runBridge } = await import('../../src/bridge/index.ts');
  const { MemoryBackend } = await import('../../src/storage/memory-backend.ts');
  const ended = runBridge({
    servers: { plain: { url: server.url } },
    storage: async () => new MemoryBackend(),
    say: () => {},
    input,
    output,
  });
  const greet = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'h', version: '1' } };
  input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: greet })}\n`);
  input.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: {} })}\n`);
  await expect.poll(() => isFull, { timeout: 30_000 }).toBe(true);
  expect(written).toBeLessThan(64 * 1024 * 1024);
  output.destroy();
  expect(await ended).toBe(0);
});

test('a bridge ends with its host, whatever is under way', { timeout: 60_000 }, async () => {
  const server = await startPlainServer((came, response) => void answerGreeting(came, response));
  const host = StdioHost.start([server.url]);
  await host.greet();
  host.send({ id: 'never', method: 'tools/call', params: {} });
  expect(await host.leave()).toBe(0);
});

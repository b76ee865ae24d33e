import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { answerGreeting, sendJson, startPlainServer } from './plain-server.ts';
import { StdioHost } from './stdio-host.ts';

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
  [
    'events that are no messages',
    (response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write('data: {"no":"message"}\n\n'.repeat(101)),
  ],
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

test('a bridge ends with its host, whatever is under way', { timeout: 60_000 }, async () => {
  const server = await startPlainServer((came, response) => void answerGreeting(came, response));
  const host = StdioHost.start([server.url]);
  await host.greet();
  host.send({ id: 'never', method: 'tools/call', params: {} });
  expect(await host.leave()).toBe(0);
});

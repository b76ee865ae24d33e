import { expect, test } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { mayComeTwice, type RepeatableInit } from '../../src/http/repeatable.ts';
import { answerMessage, type RpcMessage } from '../support/minimal-mcp.ts';
import { codeOf, failureOf, textOf } from '../support/stage.ts';
import { openServer, openTestNetwork } from './open-server.ts';

test('a connection is not kept for longer than its server says it is', async () => {
  const { origin, server, sockets } = await openServer((_, response) => response.end('a'));
  // Says so in each answer, as Node does.
  server.keepAliveTimeout = 2_000;
  const { fetch } = openTestNetwork();
  await (await fetch(origin)).text();
  expect(sockets()).toBe(1);
  const begun = performance.now();
  await expect.poll(sockets, { timeout: 10_000 }).toBe(0);
  expect(performance.now() - begun).toBeLessThan(1_900);
});

test('what does no more when it comes twice is sent again, on another connection, where its server has hung up', async () => {
  let hangsUp = false;
  const { origin, requests } = await openServer((request, response) => {
    if (!hangsUp) return void response.end('a');
    hangsUp = false;
    request.socket.destroy();
  });
  const { fetch } = openTestNetwork();
  const post: RepeatableInit = { method: 'POST', body: 'b', [mayComeTwice]: true };
  for (const [init, sent] of [
    [{}, 2],
    [post, 2],
    [{ method: 'POST', body: 'b' }, 1],
  ] as const) {
    await (await fetch(origin)).text();
    const before = requests();
    hangsUp = true;
    const answer = await fetch(origin, init).then(
      (response) => response.text(),
      () => undefined,
    );
    hangsUp = false;
    expect([answer, requests() - before]).toEqual([sent === 2 ? 'a' : undefined, sent]);
  }
});

test('what is sent as its server hangs up is sent once, and its caller told that it may have been carried out', async () => {
  let posts = 0;
  let hangsUp = false;
  const { origin } = await openServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.method !== 'POST') return void response.writeHead(405).end();
      const message = JSON.parse(Buffer.concat(parts).toString()) as RpcMessage;
      if (message.method === 'tools/call') posts++;
      if (message.method === 'tools/call' && hangsUp) return void request.socket.destroy();
      const answer = answerMessage(message, { name: 'a', tools: [{ name: 'pay' }], call: () => 'paid' });
      if (answer === undefined) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await using client = new Client({ shop: { url: origin } }, { versionNegotiation: 'legacy' });
  expect(textOf(await client.callTool('pay'))).toBe('paid');
  hangsUp = true;
  const error = await failureOf(client.callTool('pay'));
  expect([posts, await codeOf(Promise.reject(error))]).toEqual([2, 'ERR_POSTERN_CLIENT_UNREACHABLE']);
  expect((error as { hint?: string }).hint).toContain('Look whether it was done');
});

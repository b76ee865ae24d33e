import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { answerGreeting, sendJson, startPlainServer } from './plain-server.ts';
import { StdioHost } from './stdio-host.ts';

test('what a host and a server say to each other comes as it was written, to the last character', async () => {
  const answer =
    '{"jsonrpc":"2.0", "result":{"content":[],"structuredContent":{"n":12345678901234567890,"x":1.0},"_meta":{"a/b":[null]},"unknown":"\\u00e9"},\n "id" : "c-1" }';
  const server = await startPlainServer((came, response) => {
    if (!answerGreeting(came, response)) sendJson(response, answer);
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  const call =
    '{"jsonrpc":"2.0","id":"c-1","params":{"name":"t","arguments":{"big":12345678901234567890,"__proto__":{"a":1}},"_meta":{"progressToken":7,"k":"\\u2028"},"z":true},"method":"tools/call"}';
  host.send(call);
  const line = await host.answerTo('c-1');
  expect(line.text).toBe(answer.replaceAll('\n', ' ').trim());
  expect(server.came.findLast(({ method }) => method === 'POST')?.text).toBe(call);
  expect(await host.leave()).toBe(0);
});

test('progress, logging and questions of a server come in the course of a call, and the answer goes back', async () => {
  const answered = Promise.withResolvers<unknown>();
  const server = await startPlainServer(async (came, response) => {
    if (came.message?.id === 'q' && came.message.method === undefined) answered.resolve(came.message.result);
    if (answerGreeting(came, response)) return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (message: object): void =>
      void response.write(`event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`);
    send({ method: 'notifications/progress', params: { progressToken: 't', progress: 1 } });
    send({ method: 'notifications/message', params: { level: 'info', data: 'x' } });
    send({ id: 'q', method: 'sampling/createMessage', params: { messages: [] } });
    send({ id: came.message.id, result: { said: await answered.promise } });
    response.end();
  });
  const host = StdioHost.run(server.url);
  await host.greet({ sampling: {} });
  const call = host.ask('tools/call', { name: 'slow', _meta: { progressToken: 't' } });
  expect((await host.notification('notifications/progress')).params).toEqual({
    progressToken: 't',
    progress: 1,
  });
  await host.notification('notifications/message');
  await host.line((line) => line.id === 'q' && line.method === 'sampling/createMessage');
  host.send({ id: 'q', result: { role: 'assistant', content: { type: 'text', text: 'hi' } } });
  expect((await call).result).toEqual({ said: { role: 'assistant', content: { type: 'text', text: 'hi' } } });
});

test('a session that the server has forgotten is begun again, and the call is made in the new one', async () => {
  let session = 1;
  const server = await startPlainServer((came, response) => {
    const known = came.headers['mcp-session-id'];
    if (known !== undefined && known !== `s${session}`) return void response.writeHead(404).end();
    if (answerGreeting(came, response, { 'mcp-session-id': `s${session}` })) return;
    sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: { in: known } }));
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  expect((await host.ask('tools/call', { name: 'a' })).result).toEqual({ in: 's1' });
  session = 2;
  const [first, second] = await Promise.all([host.ask('tools/call'), host.ask('tools/call')]);
  expect([first.result, second.result]).toEqual([{ in: 's2' }, { in: 's2' }]);
  expect(server.came.filter(({ message }) => message?.method === 'initialize')).toHaveLength(2);
});

test('a stream that breaks is gone on with where it was', async () => {
  const server = await startPlainServer((came, response) => {
    if (came.method === 'GET' && came.headers['last-event-id'] === 'e1') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.end('id: e2\ndata: {"jsonrpc":"2.0","id":"c","result":{"late":true}}\n\n');
    }
    if (answerGreeting(came, response, { 'mcp-session-id': 's' })) return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 10\nid: e1\ndata:\n\n');
    setTimeout(() => response.destroy(), 20);
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  expect((await host.ask('tools/call', {}, 'c')).result).toEqual({ late: true });
});

test('a stream that ends without an answer fails its call at once, and the next goes through', async () => {
  const server = await startPlainServer((came, response) => {
    if (answerGreeting(came, response)) return;
    if (came.message.params.ok === true)
      return sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': nothing\n\n');
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  const { error } = await host.ask('tools/call', { ok: false });
  expect(error?.data).toMatchObject({ code: 'ERR_POSTERN_CLIENT_CONNECTION_FAILED', mayHaveRun: true });
  expect((await host.ask('tools/call', { ok: true })).result).toEqual({});
});

test('a call that the host cancels is cancelled at the server, and answered no more', async () => {
  const cancelled = Promise.withResolvers<unknown>();
  const server = await startPlainServer((came, response) => {
    if (came.message?.method === 'notifications/cancelled') cancelled.resolve(came.message.params);
    if (answerGreeting(came, response)) return;
    if (came.message.method === 'ping')
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  host.send({ id: 'gone', method: 'tools/call', params: { name: 'slow' } });
  host.send({ method: 'notifications/cancelled', params: { requestId: 'gone' } });
  expect(await cancelled.promise).toEqual({ requestId: 'gone' });
  await host.ask('ping');
  expect(host.rest.filter(({ id }) => id === 'gone')).toEqual([]);
});

test('an answer that nobody has asked for is dropped, whoever sends it', async () => {
  const server = await startPlainServer((came, response) => {
    if (answerGreeting(came, response)) return;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: {"jsonrpc":"2.0","id":"nobody","result":{}}\n\n');
    response.write('data: nonsense\n\n');
    response.end(`data: {"jsonrpc":"2.0","id":${JSON.stringify(came.message.id)},"result":{"ok":1}}\n\n`);
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  host.send({ id: 'nobody asked', result: {} });
  expect((await host.ask('tools/call')).result).toEqual({ ok: 1 });
  expect(host.rest).toEqual([]);
  expect(server.came.map(({ message }) => message?.id)).not.toContain('nobody asked');
});

test('a server of before 2025-03-26 is spoken to over its stream', async () => {
  let stream: ServerResponse | undefined;
  const server = await startPlainServer((came, response) => {
    if (came.method === 'GET') {
      stream = response.writeHead(200, { 'content-type': 'text/event-stream' });
      return void response.write('event: endpoint\ndata: /messages?session=1\n\n');
    }
    if (came.message !== undefined && stream === undefined) return void response.writeHead(405).end();
    response.writeHead(202).end();
    if (came.message.id === undefined) return;
    const result =
      came.message.method === 'initialize'
        ? { protocolVersion: '2024-11-05', capabilities: {} }
        : { ok: true };
    stream?.write(`data: ${JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result })}\n\n`);
  });
  const host = StdioHost.run(server.url);
  expect((await host.greet({}, '2024-11-05')).result.protocolVersion).toBe('2024-11-05');
  expect((await host.ask('tools/call')).result).toEqual({ ok: true });
});

test('tools that are left out are neither listed nor called', async () => {
  const tools = ['delete_all', 'read', 'undelete'].map((name) => ({ name, inputSchema: { type: 'object' } }));
  const server = await startPlainServer((came, response) => {
    if (answerGreeting(came, response)) return;
    const result = came.message.method === 'tools/list' ? { tools } : { called: came.message.params.name };
    sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result }));
  });
  const host = StdioHost.run({ plain: { url: server.url, ignoreTools: ['delete*'] } });
  await host.greet();
  expect((await host.ask('tools/list')).result.tools).toHaveLength(2);
  expect((await host.ask('tools/call', { name: 'delete_all' })).error?.message).toMatch(/not offered here/);
  expect((await host.ask('tools/call', { name: 'read' })).result).toEqual({ called: 'read' });
});

test('headers are sent with every request, with what the environment holds', async () => {
  const server = await startPlainServer((came, response) => {
    if (!answerGreeting(came, response))
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
  });
  const host = StdioHost.start(
    [server.url, '--header', 'Authorization:Bearer ${KEY}', '--header', 'X-Tenant: acme'],
    {
      env: { KEY: 'k-1' },
    },
  );
  await host.greet();
  await host.ask('tools/call');
  for (const { headers } of server.came)
    expect(headers).toMatchObject({ authorization: 'Bearer k-1', 'x-tenant': 'acme' });
});

test('a redirect to another address is not followed, since headers would go there', async () => {
  const other = await startPlainServer((_came, response) => void response.writeHead(200).end());
  const server = await startPlainServer(
    (_came, response) => void response.writeHead(307, { location: other.url }).end(),
  );
  const host = StdioHost.run({ plain: { url: server.url, headers: { 'X-Key': 'secret' } } });
  await host.greet();
  expect((await host.ask('tools/call', { name: 'x' })).error?.data).toMatchObject({
    code: 'ERR_POSTERN_NETWORK_REDIRECT',
  });
  expect(other.came).toEqual([]);
});

test('cookies of a server go back to it, so that what stands before it knows where a session is', async () => {
  const server = await startPlainServer((came, response) => {
    if (came.message?.method === 'initialize') {
      response.setHeader('set-cookie', ['node=a; Path=/; HttpOnly', 'old=1; Max-Age=0', 'bad name=\u00e9']);
    }
    if (!answerGreeting(came, response))
      sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: came.message.id, result: {} }));
  });
  const host = StdioHost.run(server.url);
  await host.greet();
  await host.ask('tools/call');
  const [first, ...others] = server.came;
  expect(first?.headers.cookie).toBeUndefined();
  expect(new Set(others.map(({ headers }) => headers.cookie))).toEqual(new Set(['node=a']));
});

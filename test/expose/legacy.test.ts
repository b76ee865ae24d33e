import { expect, test } from 'vitest';
import { errorIn, expose, jsonHeaders, LegacyClient, readAnswer, textIn, until } from './expose-stage.ts';

test('a session begins with initialize, belongs to its id, and ends with DELETE', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  expect(client.sessionId).toMatch(/^[\w-]{32}$/u);
  expect(await client.text('echo', { a: 1 })).toBe('{"a":1}');
  const ended = await fetch(url, { method: 'DELETE', headers: client.headers });
  expect(ended.status).toBe(204);
  expect((await client.call('echo')).status).toBe(404);
  client.headers['mcp-session-id'] = 'made-up';
  expect((await client.call('echo')).status).toBe(404);
  delete client.headers['mcp-session-id'];
  expect((await client.call('echo')).status).toBe(400);
});

test('what an answer says comes byte for byte, but for its id', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const line =
    '{"result":{"n":12345678901234567890.10,"u":"\\u00e9\\/"}, "id" : "ID","jsonrpc":"2.0"}'.replace(
      '"ID"',
      'ID',
    );
  const { text } = await client.call('raw', { line: line.replace('ID', '"ID"') });
  expect(text).toBe(line.replace('ID', '1'));
});

test('ids and progress tokens of two clients that choose the same are not crossed', async () => {
  const { url } = await expose();
  const clients = await Promise.all([LegacyClient.begin(url), LegacyClient.begin(url)]);
  const calls = clients.flatMap((client, of) =>
    [1, 2, 3].map(async (id) => {
      const message = { id, method: 'tools/call', params: { name: 'echo', arguments: { of, id } } };
      const { messages } = await client.send(message);
      expect(messages[0]?.['id']).toBe(id);
      expect(JSON.parse(textIn({ messages } as never))).toEqual({ of, id });
    }),
  );
  await Promise.all(calls);
  const progress = await Promise.all(
    clients.map((client) => client.call('progress', {}, { _meta: { progressToken: 'same' } })),
  );
  for (const { messages } of progress) {
    expect(messages.slice(0, 2)).toMatchObject(
      [1, 2].map((at) => ({ params: { progressToken: 'same', progress: at } })),
    );
    expect(messages).toHaveLength(3);
  }
  const pids = await Promise.all(clients.map((client) => client.text('pid')));
  expect(pids[0]).toBe(pids[1]);
});

test('clients that can be asked something have a child each, and are asked for themselves', async () => {
  const { url } = await expose();
  const capabilities = { elicitation: {} };
  const clients = await Promise.all(
    [1, 2].map((at) => LegacyClient.begin(url, { capabilities, name: `client ${at}` })),
  );
  const pids = await Promise.all(clients.map((client) => client.text('pid')));
  expect(pids[0]).not.toBe(pids[1]);
  await Promise.all(
    clients.map(async (client, at) => {
      const response = await client.post(
        JSON.stringify({ jsonrpc: '2.0', id: 'ask', method: 'tools/call', params: { name: 'ask' } }),
      );
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      while (!text.includes('\n\n')) text += (await reader.read()).value ?? '';
      const question = JSON.parse(/^data: (.*)$/mu.exec(text)?.[1] ?? '') as { id: unknown; method: string };
      expect(question.method).toBe('elicitation/create');
      const answered = await client.send({
        id: question.id,
        result: { action: 'accept', content: { name: `n${at}` } },
      });
      expect(answered.status).toBe(202);
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value;
      expect(text).toContain(`n${at}`);
    }),
  );
});

test('what a client answers to nothing that was asked is dropped and counted', async () => {
  const exposed = await expose();
  const client = await LegacyClient.begin(exposed.url);
  const before = exposed.counts.dropped;
  expect((await client.send({ id: 77, result: {} })).status).toBe(202);
  expect(await client.text('stray')).toBe('strayed');
  await until('three are counted, and one', () => exposed.counts.dropped === before + 4);
});

test('a cancelled call is cancelled at the child by the id that it knows, and the next one goes on', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const waiting = client.send({ id: 'w', method: 'tools/call', params: { name: 'wait' } });
  await client.text('echo');
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'w' } });
  expect((await waiting).messages).toEqual([]);
  expect(await client.text('cancelled')).toBe('1');
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'other' } });
  expect(await client.text('cancelled')).toBe('1');
});

test('what belongs to no call goes to the stream that a client has opened, also what came before', async () => {
  const { url } = await expose([], { limits: { patienceMs: 60_000 } });
  const one = await LegacyClient.begin(url);
  const two = await LegacyClient.begin(url);
  const stream = await fetch(url, { headers: { ...two.headers, accept: 'text/event-stream' } });
  expect(stream.headers.get('content-type')).toBe('text/event-stream');
  // On the call's own stream for the session that made it, and on the open stream of the one that shares the child.
  const { messages } = await one.call('log');
  expect(messages[0]).toMatchObject({ method: 'notifications/message', params: { data: 'hello' } });
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes('"data":"hello"')) heard += (await reader.read()).value;
});

test('of sessions that share a child, each hears as much of its log as it has asked for', async () => {
  const { url } = await expose();
  const quiet = await LegacyClient.begin(url);
  const loud = await LegacyClient.begin(url);
  await loud.send({ id: 'l', method: 'logging/setLevel', params: { level: 'debug' } });
  await quiet.send({ id: 'q', method: 'logging/setLevel', params: { level: 'error' } });
  expect((await quiet.call('log')).messages).toHaveLength(1);
  expect((await loud.call('log')).messages).toHaveLength(2);
});

test.each([
  ['{', 400, -32_700],
  ['[]', 400, -32_600],
  ['null', 400, -32_600],
  ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 400, -32_600],
  ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', 400, -32_600],
  ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', 400, -32_600],
])('%s is answered with an error, and the next message is answered', async (body, status, code) => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const refused = await readAnswer(await client.post(body));
  expect(refused.status).toBe(status);
  expect(errorIn(refused).code).toBe(code);
  expect(await client.text('echo')).toBe('{}');
});

test('a body that names its id or method twice reaches the child with one of each', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const answer = await readAnswer(
    await client.post(
      '{"jsonrpc":"2.0","id":1,"id":2,"method":"ping","method":"tools/call","params":{"name":"echo"}}',
    ),
  );
  expect(answer.messages[0]?.['id']).toBe(2);
  expect(textIn(answer)).toBe('{}');
});

test('a call with an id that is in flight is refused', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const wait = { id: 'w', method: 'tools/call', params: { name: 'wait' } };
  const first = client.send(wait);
  await client.text('echo');
  expect((await client.send(wait)).status).toBe(400);
  await client.send({ method: 'notifications/cancelled', params: { requestId: 'w' } });
  await first;
});

test('a slow answer comes as a stream, so that nothing takes its connection for dead', async () => {
  const { url } = await expose([], { limits: { patienceMs: 50, keepAliveMs: 20 } });
  const client = await LegacyClient.begin(url);
  const stop = new AbortController();
  const response = await client.post(
    JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'wait' } }),
    stop.signal,
  );
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const { value } = await response.body!.pipeThrough(new TextDecoderStream()).getReader().read();
  expect(value).toContain(': ');
  stop.abort();
});

test('a session is one user’s, and an initialize of an unknown revision is answered by the child itself', async () => {
  const { url } = await expose(['--modern']);
  const answer = await readAnswer(
    await fetch(url, {
      method: 'POST',
      headers: jsonHeaders,
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25' },
      }),
    }),
  );
  expect(errorIn(answer).code).toBe(-32_601);
});

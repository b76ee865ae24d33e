import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { expose, jsonHeaders, LegacyClient, until } from './expose-stage.ts';

const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
});

/** The answer to bytes that no client library would send. */
function sendRaw(url: string, text: string): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.once('close', () => resolve(answer)).once('error', reject);
  });
}

test('what a page of another site could send without asking is refused, and starts nothing', async () => {
  const exposed = await expose();
  const { url } = exposed;
  const cases: [headers: Record<string, string>, status: number][] = [
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/x-www-form-urlencoded' }, 415],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ accept: 'application/json' }, 406],
  ];
  for (const [headers, status] of cases) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...jsonHeaders, ...headers },
      body: initialize,
    });
    expect([headers, answer.status]).toEqual([headers, status]);
  }
  const rebound = await sendRaw(
    url,
    `POST /mcp HTTP/1.1\r\nHost: evil.example\r\nContent-Type: application/json\r\nContent-Length: ${initialize.length}\r\n\r\n${initialize}`,
  );
  expect(rebound).toMatch(/^HTTP\/1.1 403 /u);
  expect(exposed.counts.started).toBe(0);
});

test('a page of this machine, and one that was named, may call and read', async () => {
  const { url } = await expose([], { origins: ['https://app.example'] });
  for (const origin of ['http://localhost:6274', 'https://app.example']) {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { ...jsonHeaders, origin },
      body: initialize,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    expect(answer.headers.get('access-control-expose-headers')).toContain('mcp-session-id');
  }
});

test('what a proxy is said to have forwarded decides nothing', async () => {
  const { url } = await expose([], { access: { by: 'loopback' } });
  const headers = { ...jsonHeaders, 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
  const answer = await fetch(url, { method: 'POST', headers, body: initialize });
  expect(JSON.stringify([...answer.headers]) + (await answer.text())).not.toContain('evil.example');
});

test('a body that is too large is refused, announced or not', async () => {
  const { url } = await expose([], { limits: { maxBodyBytes: 10_000 } });
  const body = 'x'.repeat(10_001);
  expect((await fetch(url, { method: 'POST', headers: jsonHeaders, body })).status).toBe(413);
  const announced = await sendRaw(
    url,
    `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n{`,
  );
  expect(announced).toMatch(/^HTTP\/1.1 413 /u);
  const stream = new Response(body).body!;
  const chunked = await fetch(url, {
    method: 'POST',
    headers: jsonHeaders,
    body: stream,
    duplex: 'half',
  } as RequestInit);
  expect(chunked.status).toBe(413);
});

test('more bodies at once than may be are refused, and room that was held by one that broke off is free again', async () => {
  const { url } = await expose([], {
    limits: { maxBodyBytes: 10_000, maxBodiesBytes: 15_000, requestMs: 60_000 },
  });
  const { port } = new URL(url);
  const held = connect(Number(port), '127.0.0.1', () =>
    held.write(
      'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{',
    ),
  );
  const post = (): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: jsonHeaders,
      body: JSON.stringify({ padding: 'x'.repeat(8_000) }),
    });
  await until('there is no room', async () => (await post()).status === 503);
  expect((await post()).headers.get('retry-after')).toBe('1');
  held.destroy();
  await until('there is room again', async () => (await post()).status === 400);
});

test('who sends a byte now and then is cut off, and others are answered meanwhile', async () => {
  const { url } = await expose([], { limits: { headersMs: 1_000 } });
  const { port } = new URL(url);
  const slow = Array.from({ length: 200 }, () => connect(Number(port), '127.0.0.1'));
  let open = slow.length;
  for (const socket of slow) {
    socket.on('error', () => undefined).once('close', () => open--);
    socket.write('POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n');
  }
  const dripping = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write('X');
  }, 100);
  try {
    const client = await LegacyClient.begin(url);
    expect(await client.text('echo')).toBe('{}');
    await until('all are cut off', () => open === 0);
    expect(await client.text('echo')).toBe('{}');
  } finally {
    clearInterval(dripping);
    for (const socket of slow) socket.destroy();
  }
});

test('no more clients listen than may', async () => {
  const { url } = await expose([], { limits: { maxOpenStreams: 2 } });
  const client = await LegacyClient.begin(url);
  const stop = new AbortController();
  const listen = (): Promise<Response> => fetch(url, { headers: client.headers, signal: stop.signal });
  expect((await listen()).status).toBe(200);
  expect((await listen()).status).toBe(200);
  expect((await listen()).status).toBe(503);
  stop.abort();
  expect((await client.call('echo')).status).toBe(200);
  await until('there is room again', async () => {
    const again = new AbortController();
    const { status } = await fetch(url, { headers: client.headers, signal: again.signal });
    again.abort();
    return status === 200;
  });
});

/** A client that asks for twenty megabytes and reads none of them. */
function askAndDoNotRead({ url, headers }: LegacyClient): Socket {
  const flood = { name: 'flood', arguments: { times: 200, bytes: 100_000 }, _meta: { progressToken: 1 } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'flood', method: 'tools/call', params: flood });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1', () => {
    socket.write(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  });
  socket.on('error', () => undefined).pause();
  return socket;
}

test('a reader that does not read holds its child back, instead of having it all kept here', async () => {
  const { url } = await expose();
  const client = await LegacyClient.begin(url);
  const socket = askAndDoNotRead(client);
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) => setTimeout(resolve, 500));
  let answered = false;
  const other = client.text('echo').then((text) => {
    answered = true;
    return text;
  });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(answered).toBe(false);
  socket.destroy();
  expect(await other).toBe('{}');
});

test('a reader that does not read is cut off in time, and its child goes on', async () => {
  const { url } = await expose([], { limits: { stalledMs: 300 } });
  const client = await LegacyClient.begin(url);
  const socket = askAndDoNotRead(client);
  await new Promise((resolve) => socket.once('connect', resolve));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await client.text('echo')).toBe('{}');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.resume();
  await closed;
});

test('whether it runs is told to anybody, and how it is only where nobody else can ask', async () => {
  const { url } = await expose();
  const health = await fetch(new URL('/healthz', url));
  expect([health.status, await health.json()]).toMatchObject([
    200,
    { status: 'ok', children: 0, sessions: 0 },
  ]);
});

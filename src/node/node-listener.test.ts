import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { FetchHandler } from './answer-node-request.ts';
import { nodeListener } from './node-listener.ts';

const publicUrl = 'https://app.example/oob';

/** A server whose handler is adapted; resolves to its own address. */
async function open(handler: FetchHandler, maxBodyBytes?: number): Promise<{ url: string; port: number }> {
  const server = createServer(nodeListener(handler, { publicUrl, maxBodyBytes }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, port };
}

/** The answer to bytes that no client library would send. */
function sendRaw(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`),
    );
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket.once('close', () => resolve(answer)).once('error', reject);
  });
}

const echo: FetchHandler = async (request) => {
  const { method, url, headers } = request;
  return Response.json({
    method,
    url,
    host: headers.get('host'),
    cookie: headers.get('cookie'),
    body: await request.text(),
  });
};

test('a request has the configured origin and host, and its own method, path, cookies and body', async () => {
  const { url } = await open(echo);
  const sent = await fetch(`${url}/oob/connect/x?y=//z`, {
    method: 'POST',
    body: 'a=ä',
    headers: { cookie: 'a=b; c=d' },
  });
  expect(await sent.json()).toEqual({
    method: 'POST',
    url: 'https://app.example/oob/connect/x?y=//z',
    host: 'app.example',
    cookie: 'a=b; c=d',
    body: 'a=ä',
  });
});

test.each([
  ['//evil.example/x', 'https://app.example//evil.example/x'],
  ['http://evil.example/x?y=1', 'https://app.example/x?y=1'],
  ['https://evil.example', 'https://app.example/'],
])('the target %s is a path of the configured origin', async (target, expected) => {
  const { port } = await open(echo);
  const answer = await sendRaw(port, [`GET ${target} HTTP/1.1`, 'Host: evil.example']);
  expect(answer).toContain(`"url":"${expected}"`);
});

test.each([
  ['two Host headers', ['GET / HTTP/1.1', 'Host: app.example', 'host: evil.example']],
  ['a method that fetch forbids', ['TRACE / HTTP/1.1', 'Host: app.example']],
  ['a target that is no address', ['OPTIONS * HTTP/1.1', 'Host: app.example']],
])('%s is answered 400, and reaches nobody', async (_what, lines) => {
  let reached = false;
  const { port } = await open(() => {
    reached = true;
    return new Response();
  });
  expect(await sendRaw(port, lines)).toMatch(/^HTTP\/1\.1 400 /u);
  expect(reached).toBe(false);
});

test('a body as large as may be is read whole, and one that is larger is answered 413 and reaches nobody', async () => {
  const seen: number[] = [];
  const { url } = await open(async (request) => {
    seen.push((await request.arrayBuffer()).byteLength);
    return new Response();
  }, 1_000);
  const chunked = (size: number): RequestInit =>
    ({ body: new Blob(['x'.repeat(size)]).stream(), duplex: 'half' }) as RequestInit;
  const statuses: number[] = [];
  for (const init of [
    { body: 'x'.repeat(1_000) },
    { body: 'x'.repeat(1_001) },
    chunked(1_000),
    chunked(1_001),
  ]) {
    statuses.push((await fetch(url, { method: 'POST', ...init })).status);
  }
  expect([statuses, seen]).toEqual([
    [200, 413, 200, 413],
    [1_000, 1_000],
  ]);
});

test('two cookies are two headers, and a long answer arrives whole', async () => {
  const { url } = await open(() => {
    const body = new Blob(['x'.repeat(3_000_000)]).stream();
    return new Response(body, {
      status: 201,
      headers: [
        ['set-cookie', 'a=b'],
        ['set-cookie', 'c=d'],
      ],
    });
  });
  const answer = await fetch(url);
  expect([answer.status, answer.headers.getSetCookie()]).toEqual([201, ['a=b', 'c=d']]);
  expect((await answer.text()).length).toBe(3_000_000);
});

test('what a handler throws is an empty 500, and the server goes on', async () => {
  let fails = true;
  const { url } = await open(() => {
    if (fails) throw new Error('CNRY');
    return new Response('here');
  });
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([500, '']);
  fails = false;
  expect(await (await fetch(url)).text()).toBe('here');
});

test('a browser that goes away stops the answer that is written for it', async () => {
  let cancelled = (_how: string): void => {};
  const stopped = new Promise<string>((resolve) => (cancelled = resolve));
  const { url } = await open(() => {
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => cancelled('stopped'),
    });
    return new Response(endless);
  });
  const answer = await fetch(url);
  await answer.body?.cancel();
  expect(await stopped).toBe('stopped');
});

test('an address that people must not be sent to is refused', () => {
  for (const text of ['http://app.example', 'https://app.example/?x', 'javascript:alert(1)', '']) {
    expect(() => nodeListener(echo, { publicUrl: text }), text).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  }
});

test('once its server lets nobody in any more, a kept connection ends with the answer that it is sent', async () => {
  const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>();
  const { promise: goOn, resolve: release } = Promise.withResolvers<void>();
  const server = createServer(
    nodeListener(
      async ({ url }) => {
        if (!url.endsWith('/slow')) return new Response('quick');
        onAsked();
        await goOn;
        return new Response('slow');
      },
      { publicUrl },
    ),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.closeAllConnections());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let heard = '';
  socket.on('data', (data) => (heard += data.toString()));
  const ended = new Promise((resolve) => socket.once('close', resolve));
  const ask = (path: string): void => void socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  ask('/quick');
  await expect.poll(() => heard, { timeout: 10_000 }).toContain('quick');
  expect(heard.toLowerCase()).toContain('connection: keep-alive');
  ask('/slow');
  await asked;
  const closed = new Promise((resolve) => server.close(resolve));
  release();
  await Promise.all([ended, closed]);
  expect(heard).toContain('slow');
  expect(heard.toLowerCase()).toContain('connection: close');
});

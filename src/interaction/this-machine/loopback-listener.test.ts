import { request } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { openLoopbackListener, type LoopbackListener } from './loopback-listener.ts';

async function openEcho(host = '127.0.0.1'): Promise<LoopbackListener> {
  const listener = await openLoopbackListener({
    host,
    port: 0,
    fetch: async ({ method, url, headers }) => Response.json({ method, url, cookie: headers.get('cookie') }),
  });
  if (listener === undefined) throw new Error('no free port');
  onTestFinished(() => listener.close());
  return listener;
}

function ask(port: number, host: string, path = '/callback'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host } }, (response) =>
      resolve(response.resume().statusCode),
    )
      .once('error', reject)
      .end();
  });
}

/** What the listener answers to bytes that no client library would send. */
function sendRaw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect({ host: '127.0.0.1', port, timeout: 5_000 }, () => socket.end(text));
    socket.on('data', (data) => (answer += data.toString()));
    socket.once('close', () => resolve(answer));
    socket.once('error', reject);
  });
}

test('a request is handed on with its method, its address and its cookies', async () => {
  const { port } = await openEcho();
  const url = `http://127.0.0.1:${port}/callback?state=x`;
  const reply = await fetch(url, { headers: { cookie: 'a=b' } });
  expect(await reply.json()).toEqual({ method: 'GET', url, cookie: 'a=b' });
});

test('only the names of this machine are answered to', async () => {
  const { port } = await openEcho();
  expect(await ask(port, `127.0.0.1:${port}`)).toBe(200);
  expect(await ask(port, `localhost:${port}`)).toBe(307);
  expect(await ask(port, `LocalHost:${port}`)).toBe(307);
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1', `127.0.0.1:${port + 1}`]) {
    expect(await ask(port, host), host).toBe(421);
  }
});

test('a browser that is sent to another page here still gets it from a listener that is closing', async () => {
  const listener = await openLoopbackListener({
    host: '127.0.0.1',
    port: 0,
    fetch: async ({ method }) =>
      method === 'POST'
        ? new Response(null, { status: 303, headers: { location: '/page' } })
        : new Response('done'),
  });
  const { port = 0 } = listener ?? {};
  await fetch(`http://127.0.0.1:${port}/connect/x`, { method: 'POST', redirect: 'manual' });
  const closed = listener?.close();
  expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe('done');
  await closed;
});

test('of sixty-five connections the oldest that nobody is answering is closed, and no other', async () => {
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  let begin = (): void => {};
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const listener = await openLoopbackListener({
    host: '127.0.0.1',
    port: 0,
    fetch: async () => {
      begin();
      await answered;
      return new Response('here');
    },
  });
  const { port } = listener!;
  onTestFinished(() => listener?.close());
  const busy = ask(port, `127.0.0.1:${port}`);
  await begun;
  const open = (): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket)).resume();
      socket.once('error', reject);
      onTestFinished(() => void socket.destroy());
    });
  const oldest = await open();
  const closed = new Promise<void>((resolve) => oldest.once('close', () => resolve()));
  const others: Socket[] = [];
  for (let count = 0; count < 63; count++) others.push(await open());
  await closed;
  expect(others.filter((socket) => socket.closed)).toEqual([]);
  answer();
  expect(await busy).toBe(200);
});

test('a port that is taken is no listener, and no error', async () => {
  const { port } = await openEcho();
  const second = await openLoopbackListener({ host: '127.0.0.1', port, fetch: async () => new Response() });
  expect(second).toBeUndefined();
});

test('nonsense and huge headers are turned away, and the listener goes on', async () => {
  const { port } = await openEcho();
  const host = `Host: 127.0.0.1:${port}\r\n`;
  expect(await sendRaw(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/u);
  expect(await sendRaw(port, `GET / HTTP/1.1\r\n${host}X: ${'x'.repeat(40_000)}\r\n\r\n`)).toMatch(
    /^HTTP\/1\.1 431/u,
  );
  expect(await sendRaw(port, `TRACE / HTTP/1.1\r\n${host}\r\n`)).toMatch(/^HTTP\/1\.1 400/u);
  expect(await ask(port, `127.0.0.1:${port}`)).toBe(200);
});

test('an address of another host in the request line is not followed', async () => {
  const { port } = await openEcho();
  const answer = await sendRaw(
    port,
    `GET http://evil.example/callback HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`,
  );
  expect(answer).not.toContain('evil.example');
});

test('after a close the port is free', async () => {
  const listener = await openEcho();
  await listener.close();
  await expect(ask(listener.port, `127.0.0.1:${listener.port}`)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
});

test('a handler that fails is an empty 500, not a crash', async () => {
  const listener = await openLoopbackListener({
    host: '127.0.0.1',
    port: 0,
    fetch: () => Promise.reject(new Error('no')),
  });
  onTestFinished(() => listener?.close());
  const { port } = listener!;
  expect(await ask(port, `127.0.0.1:${port}`)).toBe(500);
});

/** Those that this machine has. */
const addresses = ['127.0.0.1', '::1'].filter((address) =>
  Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === address)),
);

const spellings = ['127.0.0.1', 'localhost', '[::1]'] as const;

for (const host of ['127.0.0.1', 'localhost']) {
  test(`a visit by any name of this machine is led to ${host}, whole, and nowhere else`, async () => {
    const { port } = await openEcho(host);
    const canonical = `http://${host}:${port}`;
    for (const name of spellings) {
      for (const target of ['/connect/x?a=b', '//evil.example/x']) {
        const answer = await sendRaw(
          port,
          `GET ${target} HTTP/1.1\r\nHost: ${name}:${port}\r\nConnection: close\r\n\r\n`,
        );
        const location = /^location: (?<to>.*)$/imu.exec(answer)?.groups?.['to']?.trim();
        expect(location, `${name} ${target}`).toBe(name === host ? undefined : `${canonical}${target}`);
      }
    }
  });
}

/** Binds a port at one address, as another program does. */
function occupy(host: string, port = 0): Promise<number> {
  const stranger = createServer();
  onTestFinished(() => void stranger.close());
  return new Promise((resolve, reject) => {
    stranger.once('error', reject);
    stranger.listen(port, host, () => resolve((stranger.address() as AddressInfo).port));
  });
}

test('localhost is answered at both addresses that a browser may take it for', async () => {
  const { port } = await openEcho('localhost');
  for (const address of addresses) {
    const name = address.includes(':') ? `[${address}]` : address;
    const { status } = await fetch(`http://${name}:${port}/x`, { redirect: 'manual' });
    expect(status).toBe(307);
  }
});

test.each(addresses)('localhost is taken when %s is a stranger’s', async (address) => {
  const port = await occupy(address);
  expect(
    await openLoopbackListener({ host: 'localhost', port, fetch: async () => new Response() }),
  ).toBeUndefined();
  // Nothing is left bound at another.
  for (const other of addresses) if (other !== address) expect(await occupy(other, port)).toBe(port);
});

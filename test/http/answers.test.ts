import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { codeOf } from '../support/stage.ts';
import { openServer, openTestNetwork } from './open-server.ts';

const json = { 'content-type': 'application/json' };

async function failureOf(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as Error,
  );
}

describe('an answer', () => {
  test.each([
    ['plain', undefined, (bytes: Buffer) => bytes],
    ['gzip', 'gzip', gzipSync],
    ['deflate', 'deflate', deflateSync],
    ['brotli', 'br', brotliCompressSync],
  ] as const)(
    'is read as text, JSON, bytes and stream, however it travels: %s',
    async (_how, encoding, encode) => {
      const { origin } = await openServer((_, response) => {
        response.writeHead(200, { ...json, ...(encoding && { 'content-encoding': encoding }) });
        response.end(encode(Buffer.from('{"grüß":"dich"}')));
      });
      const { fetch } = openTestNetwork();
      expect(await (await fetch(origin)).json()).toEqual({ grüß: 'dich' });
      expect(await (await fetch(origin)).text()).toBe('{"grüß":"dich"}');
      expect(Buffer.from(await (await fetch(origin)).arrayBuffer()).toString()).toBe('{"grüß":"dich"}');
      const parts: Uint8Array[] = [];
      for await (const part of (await fetch(origin)).body!) parts.push(part);
      expect(Buffer.concat(parts).toString()).toBe('{"grüß":"dich"}');
      const cloned = await fetch(origin);
      expect(await cloned.clone().text()).toBe(await cloned.text());
    },
  );

  test('that is short leaves its connection to the request that follows', async () => {
    const ports = new Set<number | undefined>();
    const { origin } = await openServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('short');
    });
    const { fetch } = openTestNetwork();
    for (let sent = 0; sent < 5; sent++) expect(await (await fetch(origin)).text()).toBe('short');
    expect(ports.size).toBe(1);
  });

  test('is read once', async () => {
    const { origin } = await openServer((_, response) => response.end('once'));
    const answer = await openTestNetwork().fetch(origin);
    expect(await answer.text()).toBe('once');
    expect([answer.bodyUsed, (await failureOf(answer.text())).name]).toEqual([true, 'TypeError']);
  });

  test('says its status and headers, and what was sent arrives word for word', async () => {
    const { origin } = await openServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        response.writeHead(418, { 'x-many': ['a', 'b'], ...json });
        const { method, url, headers } = request;
        response.end(
          JSON.stringify([
            method,
            url,
            headers['x-one'],
            headers['content-type'],
            Buffer.concat(parts).toString(),
          ]),
        );
      });
    });
    const { fetch } = openTestNetwork();
    const answer = await fetch(new URL('/a?b=c', origin), {
      method: 'POST',
      headers: { 'X-One': 'two' },
      body: new URLSearchParams({ grant_type: 'x y' }),
    });
    expect([answer.ok, answer.status, answer.headers.get('x-many')]).toEqual([false, 418, 'a, b']);
    expect(await answer.json()).toEqual([
      'POST',
      '/a?b=c',
      'two',
      'application/x-www-form-urlencoded;charset=UTF-8',
      'grant_type=x+y',
    ]);
    const form = await fetch(new Request(origin, { method: 'PUT', body: 'text' }));
    expect(((await form.json()) as string[]).slice(0, 1)).toEqual(['PUT']);
  });

  test('that is larger than is taken ends with a code, also as it unfolds from little', async () => {
    const { origin } = await openServer((request, response) => {
      const isFolded = request.url === '/folded';
      response.writeHead(200, isFolded ? { 'content-encoding': 'gzip' } : {});
      response.end(isFolded ? gzipSync(Buffer.alloc(50_000_000)) : Buffer.alloc(200_000));
    });
    const { fetch } = openTestNetwork({ limits: { bodyBytes: 100_000 } });
    for (const path of ['/', '/folded']) {
      expect(await codeOf((await fetch(origin + path)).text())).toBe('ERR_POSTERN_NETWORK_LIMIT');
      const reading = (async () => {
        for await (const _ of (await fetch(origin + path)).body!);
      })();
      expect(await codeOf(reading)).toBe('ERR_POSTERN_NETWORK_LIMIT');
    }
  });

  test('of events may be long, and no single event longer than is taken', async () => {
    const { origin } = await openServer((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (let at = 0; at < 50; at++) response.write(`data: ${'a'.repeat(5_000)}\n\n`);
      if (request.url === '/long') response.write(`data: ${'a'.repeat(200_000)}`);
      response.end('\n\n');
    });
    const { fetch } = openTestNetwork({ limits: { bodyBytes: 100_000 } });
    expect((await (await fetch(origin)).clone().text()).length).toBeGreaterThan(250_000);
    const reading = (async () => {
      for await (const _ of (await fetch(`${origin}/long`)).body!);
    })();
    expect(await codeOf(reading)).toBe('ERR_POSTERN_NETWORK_LIMIT');
  });

  test('of JSON may have so many values and no more, however few bytes they are', async () => {
    const { origin } = await openServer((request, response) => {
      response.writeHead(200, json);
      const texts: Record<string, string> = {
        '/objects': `[${'{},'.repeat(300_000)}{}]`,
        '/deep': '['.repeat(300_000),
        '/text': JSON.stringify(',['.repeat(300_000)),
      };
      response.end(texts[request.url ?? '']);
    });
    const { fetch } = openTestNetwork();
    for (const path of ['/objects', '/deep'])
      expect(await codeOf(fetch(origin + path).then((answer) => answer.json()))).toBe(
        'ERR_POSTERN_NETWORK_LIMIT',
      );
    expect(((await (await fetch(`${origin}/text`)).json()) as string).length).toBe(600_000);
    const wider = openTestNetwork({ limits: { values: 1_000_000 } });
    expect(await (await wider.fetch(`${origin}/objects`)).json()).toHaveLength(300_001);
  });

  test('that comes letter by letter, or is announced for ever, is given up', async () => {
    const { origin } = await openServer((request, { socket }) => {
      if (request.url === '/announced') socket?.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1_000));
      socket?.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket?.end(`${'1\r\na\r\n'.repeat(50_000)}0\r\n\r\n`);
    });
    const { fetch } = openTestNetwork();
    for (const path of ['/letters', '/announced'])
      expect(await codeOf(fetch(origin + path).then((answer) => answer.text()))).toBe(
        'ERR_POSTERN_NETWORK_LIMIT',
      );
  });

  test('of events is read at a pace, and comes whole', async () => {
    const events = Array.from({ length: 1_500 }, (_, at) => `data: ${at}\n\n`).join('');
    const { origin } = await openServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(events);
    });
    const { fetch } = openTestNetwork();
    const begun = performance.now();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    onTestFinished(() => clearInterval(timer));
    const reading = (await fetch(origin)).body!.getReader();
    const parts: Uint8Array[] = [];
    for (let next = await reading.read(); !next.done; next = await reading.read()) parts.push(next.value);
    expect(Buffer.concat(parts).toString()).toBe(events);
    // 3,000 lines, of which 2,000 are free.
    expect(performance.now() - begun).toBeGreaterThan(700);
    expect(turns).toBeGreaterThan(10);
    expect(Math.max(...parts.map((part) => part.length))).toBeLessThan(2_500);
  });

  test('that lies about its length, its encoding or its headers fails as a broken connection does', async () => {
    const { origin } = await openServer((request, response) => {
      if (request.url === '/short') response.writeHead(200, { 'content-length': 100 });
      if (request.url === '/encoded') response.writeHead(200, { 'content-encoding': 'gzip' });
      if (request.url === '/strange') response.writeHead(200, { 'content-encoding': 'rot13' });
      if (request.url === '/headers') response.writeHead(200, { 'x-long': 'a'.repeat(100_000) });
      response.write('too little');
      setImmediate(() => (request.url === '/short' ? response.destroy() : response.end()));
    });
    const { fetch } = openTestNetwork();
    for (const path of ['/short', '/encoded', '/strange', '/headers']) {
      const failure = await failureOf(fetch(origin + path).then((answer) => answer.text()));
      expect([path, failure.name]).toEqual([path, 'TypeError']);
    }
  });

  test('that does not come, or stops coming, has its time; one that trickles has its whole time', async () => {
    const { origin } = await openServer((request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200);
      response.write('a');
      if (request.url === '/trickling') {
        const timer = setInterval(() => response.write('a'), 20);
        response.once('close', () => clearInterval(timer));
      }
    });
    const { fetch } = openTestNetwork({ limits: { silenceMs: 200, answerMs: 400 } });
    for (const path of ['/silent', '/stopping', '/trickling']) {
      const failure = await failureOf(fetch(origin + path).then((answer) => answer.text()));
      expect([path, (failure.cause as { code?: string }).code]).toEqual([path, 'ETIMEDOUT']);
    }
  });

  test('that nobody waits for any more frees its connection', async () => {
    const asked: string[] = [];
    const { origin, sockets } = await openServer((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/body') response.write('a');
    });
    const { fetch } = openTestNetwork();
    for (const path of ['/head', '/body']) {
      const controller = new AbortController();
      const reading = fetch(origin + path, { signal: controller.signal }).then((answer) => answer.text());
      await vi.waitFor(() => expect(asked).toContain(path));
      controller.abort(new Error('enough'));
      expect((await failureOf(reading)).message).toBe('enough');
    }
    await vi.waitFor(() => expect(sockets()).toBe(0), { timeout: 10_000 });
    const gone = AbortSignal.abort(new Error('before'));
    expect((await failureOf(fetch(origin, { signal: gone }))).message).toBe('before');
  });

  test('leaves no connection behind once its network was closed', async () => {
    const { origin, sockets } = await openServer((_, response) => response.end('a'));
    const network = openTestNetwork();
    const answers = await Promise.all(Array.from({ length: 5 }, () => network.fetch(origin)));
    const [last, ...others] = answers;
    for (const answer of others) await answer.text();
    await network.close();
    await last?.text();
    await vi.waitFor(() => expect(sockets()).toBe(0), { timeout: 10_000 });
  });
});

describe('a redirect', () => {
  test('is followed within its origin, with the same method, three times at most', async () => {
    const { origin } = await openServer((request, response) => {
      const left = Number(/\d+/u.exec(request.url ?? '')?.[0]);
      if (left > 0) response.writeHead(307, { location: `/${left - 1}` });
      request.pipe(response);
    });
    const { fetch } = openTestNetwork();
    const answer = await fetch(`${origin}/3`, { method: 'POST', body: 'carried' });
    expect([await answer.text(), answer.redirected, answer.url]).toEqual(['carried', true, `${origin}/0`]);
    expect(await codeOf(fetch(`${origin}/4`))).toBe('ERR_POSTERN_NETWORK_REDIRECT');
    expect((await fetch(`${origin}/1`, { redirect: 'manual' })).status).toBe(307);
    expect(await codeOf(fetch(`${origin}/1`, { redirect: 'error' }))).toBe('ERR_POSTERN_NETWORK_REDIRECT');
  });

  test.each([301, 302, 303, 307, 308])(
    'to another origin is not followed, whatever it carries: %d',
    async (status) => {
      const other = await openServer((_, response) => response.end());
      const { origin } = await openServer((_, response) =>
        response.writeHead(status, { location: other.origin }).end(),
      );
      const { fetch } = openTestNetwork();
      for (const headers of [{}, { authorization: 'Bearer CNRYzsecretz' }]) {
        const failure = await failureOf(fetch(origin, { headers }));
        expect(failure).toMatchObject({ code: 'ERR_POSTERN_NETWORK_REDIRECT' });
        expect(failure.message).toContain(other.origin);
      }
      expect(other.requests()).toBe(0);
    },
  );

  test('that would make a GET of a POST is not followed', async () => {
    const { origin, requests } = await openServer((_, response) =>
      response.writeHead(302, { location: '/other' }).end(),
    );
    const sent = openTestNetwork().fetch(origin, { method: 'POST', body: 'a' });
    expect([await codeOf(sent), requests()]).toEqual(['ERR_POSTERN_NETWORK_REDIRECT', 1]);
  });
});

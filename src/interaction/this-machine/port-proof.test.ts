import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import { expect, onTestFinished, test } from 'vitest';
import { systemRandom } from '../../core/random.ts';
import { answerChallenge, challenge, type PortHolder } from './port-proof.ts';

const key = new Uint8Array(32).fill(7);

/** Whoever holds a port, with what it answers. Returns its origin. */
async function hold(answer: (request: Request, origin: string) => Promise<Response>): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    void answer(new Request(new URL(incoming.url ?? '/', origin)), origin).then(async (response) => {
      outgoing.writeHead(response.status, [...response.headers].flat());
      if (response.body === null) return outgoing.end();
      return Readable.fromWeb(response.body as WebStream)
        .on('error', () => {})
        .pipe(outgoing);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return origin;
}

const oursWith =
  (ownKey: Uint8Array<ArrayBuffer>) =>
  async (request: Request, origin: string): Promise<Response> =>
    (await answerChallenge(request, origin, async () => ownKey)) ?? new Response(null, { status: 404 });

function holderOf(origin: string, signal = new AbortController().signal): Promise<PortHolder> {
  return challenge(origin, key, { random: systemRandom, signal });
}

test('whoever knows the key is one of ours', async () => {
  expect(await holderOf(await hold(oursWith(key)))).toBe('ours');
});

test.each([
  ['knows another key', oursWith(new Uint8Array(32))],
  ['answers everything with a page', async () => new Response('<h1>Welcome</h1>')],
  ['answers that there is nothing', async () => new Response(null, { status: 404 })],
  ['sends the browser elsewhere', async () => Response.redirect('http://127.0.0.1:1/')],
  [
    'never stops talking',
    async () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
        }),
      ),
  ],
])('who %s is a stranger', async (_what, answer) => {
  expect(await holderOf(await hold(answer))).toBe('stranger');
});

test('an earlier proof proves nothing', async () => {
  const ours = await hold(oursWith(key));
  let proof = '';
  const recorder = await hold(async (request) => {
    const asked = new URL(request.url);
    const reply = await fetch(`${ours}${asked.pathname}${asked.search}`);
    return new Response((proof = await reply.text()));
  });
  await holderOf(recorder);
  expect(proof).toMatch(/^[\w-]{43}$/u);
  expect(await holderOf(await hold(async () => new Response(proof)))).toBe('stranger');
});

test('who passes the question on to one of ours is a stranger all the same', async () => {
  const ours = await hold(oursWith(key));
  const relay = await hold(async (request) => {
    const asked = new URL(request.url);
    return fetch(`${ours}${asked.pathname}${asked.search}`);
  });
  expect(await holderOf(relay)).toBe('stranger');
});

test('a port that nobody holds is nobody’s', async () => {
  const origin = await hold(oursWith(key));
  const { port } = new URL(origin);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const free = (other.address() as AddressInfo).port;
  await new Promise((resolve) => other.close(resolve));
  expect(await holderOf(origin.replace(port, String(free)))).toBe('nobody');
});

test('who says nothing is neither, and is not waited for by a gate that closes', async () => {
  const closing = new AbortController();
  const silent = await hold(() => {
    closing.abort();
    return new Promise(() => {});
  });
  expect(await holderOf(silent, closing.signal)).toBe('silent');
});

test('a question that is none is not answered with a proof', async () => {
  const ours = await hold(oursWith(key));
  for (const query of [
    '',
    '?nonce=',
    '?nonce=short',
    `?nonce=${'x'.repeat(65)}`,
    '?nonce=%22%5D%22%5D%22%5D%22%5D%22%5D',
  ]) {
    expect((await fetch(`${ours}/.well-known/postern-gate${query}`)).status).toBe(400);
  }
});

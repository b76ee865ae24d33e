import { expect, test } from 'vitest';
import { openServer, openTestNetwork, type TestServer } from './open-server.ts';

type Answering = Parameters<typeof openServer>[0];

/** Ways in which a server is no good. */
const hostile: readonly Answering[] = [
  // Slow to begin.
  () => {},
  // Endless.
  (_, response) => {
    const timer = setInterval(() => response.write(Buffer.alloc(1_000)), 50);
    response.once('close', () => clearInterval(timer));
  },
  // Cut.
  (_, response) => {
    response.writeHead(200, { 'content-length': 1_000 });
    response.write('a');
    setTimeout(() => response.destroy(), 20);
  },
  // Oversized.
  (_, response) => void response.end(Buffer.alloc(300_000)),
  // Lying about its encoding.
  (_, response) => void response.writeHead(200, { 'content-encoding': 'br' }).end('not that'),
];

test('a hundred bad servers at once do not keep a good one from being asked, and end each by itself', async () => {
  const servers: TestServer[] = [];
  for (let at = 0; at < 100; at++) servers.push(await openServer(hostile[at % hostile.length]!));
  const good = await openServer((_, response) => response.end('good'));
  const { fetch } = openTestNetwork({ limits: { silenceMs: 3_000, answerMs: 3_000, bodyBytes: 100_000 } });
  const failures = servers.map(({ origin }) =>
    fetch(origin)
      .then((answer) => answer.text())
      .then(
        () => 'no failure',
        () => 'failed',
      ),
  );
  let asked = 0;
  let isOver = false;
  const outcomes = Promise.all(failures).finally(() => (isOver = true));
  // For as long as any of them is tried: nobody waits for them.
  while (!isOver) {
    expect(await (await fetch(good.origin)).text()).toBe('good');
    asked++;
  }
  expect(new Set(await outcomes)).toEqual(new Set(['failed']));
  expect(asked).toBeGreaterThan(20);
});

test('a server that does not keep up is asked no more than may wait for it', async () => {
  const slow = await openServer(() => {});
  const { fetch } = openTestNetwork({ limits: { connections: 2, waiting: 3 } });
  const controller = new AbortController();
  const outcomes = Array.from({ length: 7 }, () =>
    fetch(slow.origin, { signal: controller.signal }).catch((error: { code?: string }) => error.code),
  );
  const refused = await Promise.race(outcomes);
  expect(refused).toBe('ERR_POSTERN_NETWORK_LIMIT');
  controller.abort();
  const codes = await Promise.all(outcomes);
  expect(codes.filter((code) => code === 'ERR_POSTERN_NETWORK_LIMIT')).toHaveLength(2);
});

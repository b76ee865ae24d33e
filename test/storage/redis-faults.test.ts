import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { expect, onTestFinished, test } from 'vitest';
import { absent, type StorageBackend } from '../../src/storage/contract.ts';
import type { RedisClient } from '../../src/storage/redis/redis-client.ts';
import { RedisSignals } from '../../src/storage/redis/redis-signals.ts';
import { redisSubscriber } from '../../src/storage/redis/redis-subscriber.ts';
import { openRedis } from '../../src/storage/redis/index.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { describeWithService } from '../support/services.ts';
import { recovered } from '../support/recovered.ts';

const unavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
const value = Uint8Array.of(1);

interface TestClient {
  readonly client: RedisClient;
  readonly onSilence?: () => void;
}

/** A client of each library, set up as docs/storage-redis.md recommends, with quicker clocks. */
const clients: Record<string, (port: number) => Promise<TestClient>> = {
  redis: async (port) => {
    const client = createClient({ socket: { port, connectTimeout: 1_000, reconnectStrategy: () => 50 } });
    client.on('error', () => {});
    await client.connect();
    onTestFinished(() => client.destroy());
    return {
      client,
      onSilence: () => {
        if (!client.isReady) return;
        client.destroy();
        client.connect().catch(() => {});
      },
    };
  },
  ioredis: async (port) => {
    const client = new Redis({
      port,
      socketTimeout: 1_000,
      connectTimeout: 1_000,
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
    });
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
    return { client };
  },
};

async function openAt(
  library: string,
  port: number,
  prefix: string,
  timeoutMs = 5_000,
): Promise<StorageBackend> {
  const store = await openRedis({
    ...(await clients[library]!(port)),
    prefix,
    timeoutMs,
    onWarning: () => {},
  });
  onTestFinished(() => store.close());
  return store;
}

async function until(isTrue: () => boolean, withinMs: number): Promise<number> {
  const start = performance.now();
  while (!isTrue() && performance.now() < start + withinMs) await pause(5);
  return performance.now() - start;
}

await describeWithService('redis', 'faults between a store and Redis', ({ where }) => {
  const port = Number(new URL(where).port || 6379);

  /** A store behind a proxy, and one that is not, on the same entries. */
  async function twoStores(
    library: string,
    timeoutMs?: number,
  ): Promise<{ proxy: FaultProxy; store: StorageBackend; direct: StorageBackend; prefix: string }> {
    const proxy = await FaultProxy.open({ port });
    const prefix = `test-${randomBytes(6).toString('hex')}`;
    onTestFinished(async () => {
      const cleaner = new Redis(port);
      const keys = await cleaner.keys(`${prefix}:*`);
      if (keys.length > 0) await cleaner.unlink(keys);
      cleaner.disconnect();
      await proxy.close();
    });
    const direct = await openAt(library, port, prefix);
    return { proxy, prefix, direct, store: await openAt(library, proxy.port, prefix, timeoutMs) };
  }

  const libraries = Object.keys(clients);

  test.each(libraries)(
    '%s: a commit cut before it arrives is done or fails with a type, and the next works',
    async (library) => {
      const { proxy, store, direct } = await twoStores(library);
      const cut = proxy.cutNext('request');
      const outcome = await store
        .commit([{ put: ['p', 'a'], value, expect: absent }])
        .catch((error: unknown) => error);
      await cut;
      const found = await direct.get(['p', 'a']);
      if (Array.isArray(outcome)) expect(found?.version).toBe(outcome[0]);
      else expect([outcome, found]).toEqual([unavailable, undefined]);
      expect(await recovered(() => store.commit([{ put: ['p', 'b'], value }]))).toHaveLength(1);
    },
  );

  test.each(libraries)(
    '%s: a conditional commit whose answer is lost is never reported as refused',
    async (library) => {
      const { proxy, store, direct } = await twoStores(library);
      const [version] = (await store.commit([{ put: ['p', 'a'], value }])) ?? [];
      for (const change of [
        { put: ['p', 'new'], value, expect: absent } as const,
        { delete: ['p', 'a'], expect: version } as const,
      ]) {
        const cut = proxy.cutNext('reply');
        const outcome = await store.commit([change]).catch((error: unknown) => error);
        await cut;
        expect(outcome).toEqual(unavailable);
        await recovered(() => store.get(['p', 'a']));
      }
      // Both were done, and each once.
      expect((await direct.list(['p'])).map(({ key }) => key[1])).toEqual(['new']);
    },
  );

  test.each(libraries)(
    '%s: every call into a black hole ends at its deadline and says so',
    async (library) => {
      const { proxy, store } = await twoStores(library, 400);
      const unlisten = await store.listen('before', () => {});
      proxy.blackHole();
      const start = performance.now();
      const outcomes = await Promise.allSettled([
        store.get(['p', 'a']),
        store.list(['p']),
        store.commit([{ put: ['p', 'a'], value }]),
        store.commit([{ delete: ['p', 'a'] }]),
        store.signal('c'),
        store.listen('c', () => {}),
      ]);
      expect(performance.now() - start).toBeLessThan(4_000);
      const failures = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : outcome));
      for (const failure of failures) {
        expect(failure).toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
      }
      // The first deadline that passes may end the connection, and with it the calls whose own is about to.
      expect(failures.map(({ message }) => message).join()).toContain('400 ms');
      await unlisten();
      const closing = performance.now();
      await store.close();
      expect(performance.now() - closing).toBeLessThan(4_000);
    },
  );

  test.each(libraries)(
    '%s: set up as recommended, a half-open connection heals within five seconds',
    async (library) => {
      const { proxy, store } = await twoStores(library, 400);
      await store.commit([{ put: ['p', 'a'], value }]);
      proxy.blackHole();
      await expect(store.get(['p', 'a'])).rejects.toEqual(unavailable);
      // What was connected stays dead: only a new connection gets through.
      proxy.pass();
      expect((await recovered(() => store.get(['p', 'a'])))?.value).toEqual(value);
    },
  );

  test.each(libraries)(
    '%s: a commit that missed its deadline takes no effect afterwards',
    async (library) => {
      const { proxy, store, direct } = await twoStores(library, 300);
      // Late on its way.
      proxy.delay(500);
      await expect(store.commit([{ put: ['p', 'slow'], value }])).rejects.toEqual(unavailable);
      await pause(700);
      proxy.pass();
      // Kept by the client until it is connected again.
      proxy.refuse();
      await expect(store.commit([{ put: ['p', 'kept'], value }])).rejects.toEqual(unavailable);
      await pause(400);
      proxy.pass();
      expect(await recovered(() => store.commit([{ put: ['p', 'after'], value }]))).toHaveLength(1);
      expect((await direct.list(['p'])).map(({ key }) => key[1])).toEqual(['after']);
    },
  );

  test.each(libraries)(
    '%s: a listener whose connection was cut is woken, and hears signals again, within two seconds',
    async (library) => {
      const { proxy, store, direct } = await twoStores(library);
      let woken = 0;
      const unlisten = await store.listen('c', () => woken++);
      await direct.signal('c');
      expect(await until(() => woken > 0, 2_000)).toBeLessThan(2_000);

      woken = 0;
      proxy.cut();
      await direct.signal('c');
      // That signal may be lost; whoever waits is woken all the same, and reads.
      expect(await until(() => woken > 0, 2_000)).toBeLessThan(2_000);

      await recovered(() => store.get(['p', 'a']));
      await pause(200);
      woken = 0;
      await direct.signal('c');
      expect(await until(() => woken > 0, 2_000)).toBeLessThan(2_000);
      await unlisten();
    },
  );

  test.each(libraries)(
    '%s: a subscription on which a router has gone silent is made anew',
    async (library) => {
      const { proxy, direct, prefix } = await twoStores(library);
      const { client } = await clients[library]!(proxy.port);
      // Without the client's own means, which do not reach connections on which nothing is asked.
      const signals = new RedisSignals({
        connect: (events) => redisSubscriber(client, undefined, events),
        timeoutMs: 200,
        pingEveryMs: 100,
      });
      onTestFinished(() => signals.close());
      let woken = 0;
      await signals.listen(
        `${prefix}:signal!c`,
        () => woken++,
        () => {},
      );
      proxy.blackHole();
      proxy.pass();
      expect(await until(() => woken > 0, 5_000)).toBeLessThan(5_000);
      await pause(200);
      woken = 0;
      await direct.signal('c');
      expect(await until(() => woken > 0, 2_000)).toBeLessThan(2_000);
    },
  );

  test.each(libraries)('%s: a listener that gave up leaves no subscription behind', async (library) => {
    const { proxy, store, prefix } = await twoStores(library, 300);
    const admin = new Redis(port);
    onTestFinished(() => admin.disconnect());
    await (
      await store.listen('first', () => {})
    )();
    proxy.refuse();
    await expect(store.listen('given-up', () => {})).rejects.toEqual(unavailable);
    proxy.pass();
    await recovered(async () => (await store.listen('second', () => {}))());
    await expect.poll(() => admin.pubsub('CHANNELS', `${prefix}:signal!*`), { timeout: 3_000 }).toEqual([]);
  });

  test.each(libraries)(
    '%s: 1,000 waits of one process leave no listener, and none hears another',
    async (library) => {
      const { store, direct } = await twoStores(library);
      const heard: number[] = [];
      const unlisten = await Promise.all(
        Array.from({ length: 1_000 }, (_, index) => store.listen(`c${index}`, () => heard.push(index))),
      );
      await Promise.all([3, 500, 999].map((index) => direct.signal(`c${index}`)));
      await until(() => heard.length >= 3, 2_000);
      expect(heard.toSorted((a, b) => a - b)).toEqual([3, 500, 999]);
      for (const stop of unlisten) await stop();
    },
  );
});

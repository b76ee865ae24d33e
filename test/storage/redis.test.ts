import { randomBytes } from 'node:crypto';
import { Redis, type Cluster } from 'ioredis';
import { createClient, createClientPool, type createCluster, type createSentinel } from 'redis';
import { afterAll, expect, expectTypeOf, test } from 'vitest';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { openRedis, type RedisClient, type RedisOptions } from '../../src/storage/redis/index.ts';
import { describeWithService } from '../support/services.ts';

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

/** Runs at the same time, on the same server, share nothing. */
const prefix = `test-${randomBytes(6).toString('hex')}`;

/** A handle with a client of its own, which ends with it. */
async function handle(options: RedisOptions, end: () => unknown): Promise<StorageBackend> {
  const store = await openRedis({ onWarning: () => {}, prefix, ...options });
  const close = store.close.bind(store);
  store.close = async () => {
    await close();
    await end();
  };
  return store;
}

function withRedis(url: string, options: { RESP?: 2 | 3 }): () => Promise<StorageBackend> {
  return async () => {
    const client = createClient({ url, ...options });
    client.on('error', () => {});
    await client.connect();
    return handle({ client }, () => client.isOpen && client.destroy());
  };
}

interface IoredisOptions {
  readonly protocol?: 2 | 3;
  readonly keyPrefix?: string;
  readonly enableAutoPipelining?: boolean;
  readonly stringNumbers?: boolean;
}

function withIoredis(url: string, options: IoredisOptions): () => Promise<StorageBackend> {
  return async () => {
    const client = new Redis(url, options);
    client.on('error', () => {});
    return handle({ client }, () => client.disconnect());
  };
}

function withPool(url: string): () => Promise<StorageBackend> {
  return async () => {
    // How long a busy machine takes for its turn is nothing the store answers for.
    const client = createClientPool({ url }, { minimum: 2, maximum: 4, acquireTimeout: 60_000 });
    client.on('error', () => {});
    const subscriber = createClient({ url });
    subscriber.on('error', () => {});
    await Promise.all([client.connect(), subscriber.connect()]);
    return handle({ client, subscriber }, () => {
      client.destroy();
      subscriber.destroy();
    });
  };
}

await describeWithService('redis', 'a store in Redis', ({ where: url }) => {
  afterAll(async () => {
    const client = new Redis(url);
    for await (const keys of client.scanStream({ match: `*${prefix}:*`, count: 1_000 })) {
      if (keys.length > 0) await client.unlink(keys as string[]);
    }
    client.disconnect();
  });

  const handles: Record<string, () => Promise<StorageBackend>> = {
    redis: withRedis(url, {}),
    'redis, RESP 2': withRedis(url, { RESP: 2 }),
    'redis, a pool': withPool(url),
    ioredis: withIoredis(url, {}),
    'ioredis, RESP 2': withIoredis(url, { protocol: 2 }),
    'ioredis with a key prefix, pipelines and texts for numbers': withIoredis(url, {
      keyPrefix: `mine{:`,
      enableAutoPipelining: true,
      stringNumbers: true,
    }),
    'encrypted, redis': async () => encrypted(await handles['redis']!(), keyring),
    'encrypted, ioredis': async () => encrypted(await handles['ioredis']!(), keyring),
  };
  test('every kind of client of both libraries fits', () => {
    expectTypeOf<Redis | Redis<'resp3'> | Cluster>().toExtend<RedisClient>();
    expectTypeOf<ReturnType<typeof createClient>>().toExtend<RedisClient>();
    expectTypeOf<ReturnType<typeof createClientPool>>().toExtend<RedisClient>();
    expectTypeOf<ReturnType<typeof createCluster>>().toExtend<RedisClient>();
    expectTypeOf<ReturnType<typeof createSentinel>>().toExtend<RedisClient>();
    expectTypeOf<{ get: () => void }>().not.toExtend<RedisClient>();
  });

  test('options that cannot be right are refused before anything is asked', async () => {
    const client = createClient({ url });
    const wrong: RedisOptions[] = [
      { client: {} as RedisClient },
      { client, prefix: '' },
      { client, prefix: 'a{b}' },
      { client, prefix: 'a!b' },
      { client, timeoutMs: 0 },
      { client, timeoutMs: Number.NaN },
      // It cannot subscribe.
      { client: createClientPool({ url }) },
    ];
    for (const options of wrong) await expect(openRedis(options)).rejects.toThrow(TypeError);
    await expect(openRedis({ client })).rejects.toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
  });

  const cases = Object.entries(handles).flatMap(([client, open]) =>
    storageConformance({ operations: 1_500 }).map((each) => ({ ...each, client, open })),
  );
  test.concurrent.each(cases)(
    '$client: $title',
    async ({ run, open }) => {
      await expect(run({ separateHandles: true, open })).resolves.toBeUndefined();
    },
    120_000,
  );
});

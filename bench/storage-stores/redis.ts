import { createClient, RESP_TYPES, type RedisClientType } from 'redis';
import { openRedis } from '../../src/storage/redis/index.ts';
import { filled } from './driver-side.ts';
import {
  freshName,
  listLength,
  value,
  valueBytes,
  type AbsentStore,
  type Bell,
  type FilledStore,
  type Side,
  type StoreUnderBench,
} from './store-under-bench.ts';

const url = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';

/** In digits, at the head of each of the bare client's values. */
const versionBytes = 16;

/** Each size has a database of its own, for all keys of a database share one hash table. */
const databaseOfSize: Readonly<Record<number, number>> = { 100: 12, 1_000: 13, 10_000: 14, 100_000: 15 };

const compareAndSet = `
if redis.call('GETRANGE', KEYS[1], 0, ${versionBytes - 1}) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1`;

/** A Redis server, by the client of `redis`. */
export async function openRedisStore(): Promise<StoreUnderBench | AbsentStore> {
  const clients: RedisClientType[] = [];
  const connect = async (): Promise<RedisClientType> => {
    const client = await connectTo();
    clients.push(client);
    return client;
  };
  let first: RedisClientType;
  try {
    first = await connect();
  } catch {
    return {
      absent: 'Redis was not found: run `redis-server`, or set REDIS_URL to the URL of a running one.',
    };
  }
  const prefix = freshName();
  const open = async (client: RedisClientType) => openRedis({ client, prefix, onWarning: () => {} });
  const handles = [await open(first), await open(await connect())] as const;
  const bare = await connect();
  return {
    label: 'Redis',
    notes: [
      `Redis: ${await persistenceOf(bare)}. The bare client's put is a SET and its replacement a compare-and-set script; neither keeps an index, so its list reads a sorted set that was made beforehand, then MGET. Its take is a GETDEL.`,
    ],
    handles,
    raw: { side: await rawSide(bare, `${prefix}:raw`), bell: rawBell(bare, await connect(), prefix) },
    pollMs: 0,
    sizes: [100, 1_000, 10_000, 100_000],
    openFilled: (namespaces) => openFilled(prefix, namespaces),
    async close() {
      await Promise.all(handles.map((handle) => handle.close()));
      await remove(bare, prefix);
      for (const client of clients) client.destroy();
    },
  };
}

async function connectTo(database?: number): Promise<RedisClientType> {
  const client = createClient({
    url,
    ...(database !== undefined && { database }),
    socket: { connectTimeout: 1_000, reconnectStrategy: false },
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function rawSide(connection: RedisClientType, prefix: string): Promise<Side> {
  const client = connection.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  const sha = String(await client.scriptLoad(compareAndSet));
  const keyOf = (at: number): string => `${prefix}:{client:user:${at % 64}}:record:${at}`;
  const index = `${prefix}:index`;
  const versions = new Map<number, string>();
  let last = 0;
  const next = (): string => String(++last).padStart(versionBytes, '0');
  const recordOf = (version: string): Buffer => Buffer.concat([Buffer.from(version, 'latin1'), value]);
  const isWhole = (record: unknown): boolean =>
    (record as Buffer | null)?.byteLength === versionBytes + valueBytes;
  for (let at = 0; at < listLength; at++) {
    await client.zAdd(index, { score: 0, value: `${prefix}:list:${at + 100}` });
    await client.set(`${prefix}:list:${at + 100}`, recordOf(next()));
  }
  return {
    async put(at) {
      const version = next();
      versions.set(at, version);
      return String(await client.set(keyOf(at), recordOf(version))) === 'OK';
    },
    async replace(at) {
      const version = next();
      const before = versions.get(at) ?? '';
      versions.set(at, version);
      const keys = [keyOf(at)];
      return (await client.evalSha(sha, { keys, arguments: [before, recordOf(version)] })) === 1;
    },
    get: async (at) => isWhole(await client.get(keyOf(at))),
    async list() {
      const keys = await client.zRangeByLex(index, '-', '+', { LIMIT: { offset: 0, count: 100 } });
      return (await client.mGet(keys)).filter(isWhole).length === listLength;
    },
    take: async (at) => isWhole(await client.getDel(keyOf(at))),
  };
}

function rawBell(from: RedisClientType, to: RedisClientType, prefix: string): Bell {
  const channel = `${prefix}:raw`;
  return {
    ring: () => from.publish(channel, ''),
    async listen(wake) {
      await to.subscribe(channel, wake);
      return () => to.unsubscribe(channel);
    },
  };
}

async function openFilled(prefix: string, namespaces: number): Promise<FilledStore> {
  const client = await connectTo(databaseOfSize[namespaces]);
  const backend = await openRedis({ client, prefix, onWarning: () => {} });
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return filled(backend, namespaces, {
    // The driver writes a head before the value.
    bareGet: async (namespace) =>
      ((await bytes.get(`${prefix}:{${namespace}}:e:record`))?.byteLength ?? 0) > valueBytes,
    async close() {
      await remove(client, prefix);
      client.destroy();
    },
  });
}

async function remove(client: RedisClientType, prefix: string): Promise<void> {
  for await (const keys of client.scanIterator({ MATCH: `${prefix}:*`, COUNT: 1_000 })) {
    if (keys.length > 0) await client.unlink(keys);
  }
}

async function persistenceOf(client: RedisClientType): Promise<string> {
  const info = await client.info('persistence');
  const isOn = /^aof_enabled:1/mu.test(info);
  return isOn ? 'the server appends to a file' : 'the server keeps no append-only file';
}

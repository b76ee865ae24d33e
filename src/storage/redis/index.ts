import type { StorageBackend } from '../contract.ts';
import { RedisBackend } from './redis-backend.ts';
import { RedisCalls } from './redis-calls.ts';
import { checkRedis } from './redis-check.ts';
import type { RedisClient } from './redis-client.ts';
import { redisCommands } from './redis-commands.ts';
import { checkPrefix } from './redis-keys.ts';
import { RedisSignals } from './redis-signals.ts';
import { canSubscribe, redisSubscriber } from './redis-subscriber.ts';

export type { IoredisClient, NodeRedisClient, RedisClient } from './redis-client.ts';

/** How a Redis store is opened. */
export interface RedisOptions {
  /**
   * A client of `redis` 6 (plain, pool, cluster or sentinel; connected) or `ioredis` 6 (`Redis` or `Cluster`).
   * It stays the caller's, who closes it after the store.
   */
  readonly client: RedisClient;
  /**
   * A client of its own to listen with. Default: the first listener makes one with `client.duplicate()`, which the store
   * closes. A pool cannot be duplicated into one and needs this; clusters and sentinels do not.
   */
  readonly subscriber?: RedisClient | undefined;
  /** What the names of all keys and channels begin with: letters, digits, `_`, `.`, `:` and `-`. Default `postern`. */
  readonly prefix?: string | undefined;
  /** When a call that the server has not answered fails. Default 5,000 ms. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called when a call ran into its deadline and the server answered no other meanwhile: the connection may be
   * half-open. `ioredis` finds that out by its `socketTimeout`; with `redis` this is the place to connect anew.
   */
  readonly onSilence?: (() => void) | undefined;
  /** Told what an operator should know. Default: a warning of the process. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * Opens a store in Redis 6 or newer, or Valkey: one server, sentinels or a cluster.
 *
 * The partition is the hash tag, so a commit stays within one slot. Expiry is judged by the server's clock. Values are
 * kept as they are given: put `encrypted` around it. What survives a restart is the server's matter: see
 * docs/storage-redis.md.
 *
 * @throws {TypeError} when an option is not what it must be.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the server does not answer in time, or refuses a write.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the server may evict entries, or is older than 6.
 */
export async function openRedis(options: RedisOptions): Promise<StorageBackend> {
  const { client, subscriber, prefix = 'postern', timeoutMs = 5_000, onSilence } = options;
  const { onWarning = warnProcess } = options;
  checkPrefix(prefix);
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31))
    throw new TypeError('timeoutMs must be a number of milliseconds');
  if (!canSubscribe(subscriber ?? client)) {
    throw new TypeError('a pool of `redis` cannot subscribe: give `subscriber` a client of its own');
  }

  const calls = new RedisCalls({ commands: redisCommands(client, timeoutMs), timeoutMs, onSilence });
  const signals = new RedisSignals({
    connect: (events) => redisSubscriber(client, subscriber, events),
    timeoutMs,
  });
  const backend = new RedisBackend(calls, signals, prefix);
  try {
    await checkRedis(calls, onWarning);
    await tryOut(backend);
  } catch (error) {
    await backend.close();
    throw error;
  }
  return backend;
}

/** Every permission a commit needs is asked for here, so that none is missing in the middle of one. */
async function tryOut(backend: StorageBackend): Promise<void> {
  const key = ['postern:opened', crypto.randomUUID()] as const;
  const expiresAtMs = Date.now() + 10_000;
  await backend.commit([{ put: key, value: new Uint8Array(0), expiresAtMs }]);
  await backend.list([key[0]], { limit: 1 });
  await backend.commit([{ delete: key }]);
  await backend.signal(key[0]);
}

function warnProcess(message: string): void {
  process.emitWarning(message, 'PosternWarning');
}

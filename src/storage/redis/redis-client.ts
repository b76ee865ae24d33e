/**
 * What the driver needs of `ioredis`: a `Redis` or a `Cluster`.
 *
 * Listed loosely, so that the driver depends on no version's types.
 */
export interface IoredisClient {
  callBuffer(...args: never[]): unknown;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

/** What the driver needs of `redis` (node-redis): a client, a client pool, a cluster or a sentinel. */
export interface NodeRedisClient {
  withCommandOptions(options: object): unknown;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

/** A client of either library, made, connected and closed by the caller. */
export type RedisClient = IoredisClient | NodeRedisClient;

/** The two are told apart by what they have: an application may load its own copy of either. */
export function isIoredis(client: RedisClient): client is IoredisClient {
  return 'callBuffer' in client && typeof client.callBuffer === 'function';
}

export function isNodeRedis(client: RedisClient): client is NodeRedisClient {
  return 'withCommandOptions' in client && typeof client.withCommandOptions === 'function';
}

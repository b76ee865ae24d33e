import {
  isIoredis,
  isNodeRedis,
  type IoredisClient,
  type NodeRedisClient,
  type RedisClient,
} from './redis-client.ts';

/** A connection that hears channels, over either library. The library reconnects it and subscribes again. */
export interface RedisSubscriber {
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
  /** Resolves when the server answers on this connection. Absent where the library keeps it to itself. */
  ping?(): Promise<void>;
  /** Drops the connection and makes another. */
  reconnect?(): void;
  /** Ends the connection if the driver made it. Never waits for the server. */
  close(): void;
}

/** What a subscriber tells. */
export interface RedisSubscriberEvents {
  readonly onMessage: (channel: string) => void;
  /** The connection was made anew: what was said meanwhile was not heard. */
  readonly onGap: () => void;
}

/**
 * Makes a connection beside the client's own, or takes the one that is given.
 *
 * Clusters and sentinels keep one to subscribe with by themselves.
 *
 * @throws {TypeError} when the client cannot subscribe, as a pool of `redis` cannot.
 */
export function redisSubscriber(
  client: RedisClient,
  given: RedisClient | undefined,
  events: RedisSubscriberEvents,
): RedisSubscriber {
  const used = given ?? client;
  if (isIoredis(used)) return ioredisSubscriber(used, given !== undefined, events);
  if (isNodeRedis(used)) return nodeRedisSubscriber(used, given !== undefined, events);
  throw new TypeError('subscriber must be a client of `redis` 6 or `ioredis` 6');
}

/** Whether a client can subscribe, or be duplicated into one that can. */
export function canSubscribe(client: RedisClient): boolean {
  return isIoredis(client) || 'subscribe' in client;
}

const ignore = (): void => {};

interface IoredisConnection {
  readonly isCluster: boolean;
  readonly status: string;
  duplicate(overrides: object): IoredisConnection;
  disconnect(reconnect?: boolean): void;
  ping(): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  on(event: string, listener: (channel: string) => void): unknown;
  removeListener(event: string, listener: (channel: string) => void): unknown;
}

function ioredisSubscriber(
  client: IoredisClient,
  isGiven: boolean,
  { onMessage, onGap }: RedisSubscriberEvents,
): RedisSubscriber {
  const original = client as unknown as IoredisConnection;
  const { isCluster } = original;
  const isOwn = !isGiven && !isCluster;
  const connection = isOwn
    ? // A subscription may wait for the connection, whatever the client's commands may do.
      original.duplicate({
        autoResubscribe: true,
        enableAutoPipelining: false,
        enableOfflineQueue: true,
        lazyConnect: false,
        maxRetriesPerRequest: null,
      })
    : original;

  const ping = async (): Promise<void> => void (await connection.ping());
  let wasReady = connection.status === 'ready';
  const onReady = (): void => {
    if (wasReady) {
      onGap();
      // The library is only now subscribing again. What is said after this answer is heard.
      if (!isCluster) ping().then(onGap, ignore);
    }
    wasReady = true;
  };
  if (isOwn) connection.on('error', ignore);
  connection.on('message', onMessage);
  connection.on('ready', onReady);
  return {
    subscribe: async (channel) => void (await connection.subscribe(channel)),
    unsubscribe: async (channel) => void (await connection.unsubscribe(channel)),
    ...(isOwn ? { ping, reconnect: () => connection.disconnect(true) } : {}),
    close: () => {
      connection.removeListener('message', onMessage);
      connection.removeListener('ready', onReady);
      if (isOwn) connection.disconnect();
    },
  };
}

interface NodeRedisConnection {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  connect(): Promise<unknown>;
  destroy(): void;
  duplicate(overrides: object): NodeRedisConnection;
  ping(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void>;
  unsubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void>;
  on(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

function nodeRedisSubscriber(
  client: NodeRedisClient,
  isGiven: boolean,
  { onMessage, onGap }: RedisSubscriberEvents,
): RedisSubscriber {
  const original = client as unknown as NodeRedisConnection;
  // Clusters and sentinels have neither of the two together; they subscribe on a connection of their own.
  const isPlain = 'isReady' in original && 'isPubSubActive' in original;
  const isOwn = !isGiven && isPlain;
  const connection = isOwn
    ? original.duplicate({
        disableOfflineQueue: false,
        commandsQueueMaxLength: undefined,
        clientSideCache: undefined,
        emitInvalidate: false,
      })
    : original;

  const onChannelMessage = (_message: string, channel: string): void => onMessage(channel);
  if (isOwn) connection.on('error', ignore);
  let wasReady = connection.isReady;
  // Comes when the library has subscribed again.
  const onReady = (): void => {
    if (wasReady) onGap();
    wasReady = true;
  };
  connection.on('ready', onReady);
  const connect = (): void => void connection.connect().catch(ignore);
  if (!connection.isOpen) connect();
  return {
    subscribe: (channel) => connection.subscribe(channel, onChannelMessage),
    unsubscribe: (channel) => connection.unsubscribe(channel, onChannelMessage),
    ...(isOwn
      ? {
          ping: async () => void (await connection.ping()),
          reconnect: () => {
            // While the library is about it already, a second attempt would run beside the first.
            if (!connection.isReady) return;
            connection.destroy();
            connect();
          },
        }
      : {}),
    close: () => {
      connection.removeListener('ready', onReady);
      if (isOwn && connection.isOpen) connection.destroy();
    },
  };
}

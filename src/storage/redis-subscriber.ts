import { isIoredis, isNodeRedis, type IoredisClient, type NodeRedisClient, type RedisClient } from './redis-client.ts';

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

interface IoredisConnection extends IoredisClient {
  readonly isCluster?: boolean;
  disconnect(reconnect?: boolean): void;
}

function ioredisSubscriber(
  client: IoredisClient,
  isGiven: boolean,
  { onMessage, onGap }: RedisSubscriberEvents,
): RedisSubscriber {
  const { isCluster = false } = client as IoredisConnection;
  const isOwn = !isGiven && !isCluster;
  const connection = (
    isOwn
      ? // A subscription may wait for the connection whatever the client's commands may do.
        (client.duplicate as (overrides: object) => unknown).call(client, {
          autoResubscribe: true,
          enableOfflineQueue: true,
          lazyConnect: false,
          maxRetriesPerRequest: null,
        })
      : client
  ) as IoredisConnection;

  const ping = async (): Promise<void> => void (await connection.callBuffer('ping'));
  const onReady = (): void => {
    onGap();
    // Only now does the library subscribe again; what comes after its answer is heard.
    if (!isCluster) ping().then(onGap, ignore);
  };
  if (isOwn) connection.on('error', ignore);
  connection.on('message', onMessage);
  connection.on('ready', onReady);
  const send = async (command: string, channel: string): Promise<void> =>
    void (await connection.callBuffer(command, channel));
  return {
    subscribe: (channel) => send('subscribe', channel),
    unsubscribe: (channel) => send('unsubscribe', channel),
    ...(isOwn ? { ping, reconnect: () => connection.disconnect(true) } : {}),
    close: () => {
      connection.removeListener('message', onMessage);
      connection.removeListener('ready', onReady);
      if (isOwn) connection.disconnect();
    },
  };
}

interface NodeRedisConnection extends NodeRedisClient {
  readonly isOpen: boolean;
  readonly masters?: unknown;
  connect(): Promise<unknown>;
  destroy(): void;
  duplicate(overrides: object): unknown;
  ping(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void>;
  unsubscribe(channel: string, listener: (message: string, channel: string) => void): Promise<void>;
}

function nodeRedisSubscriber(
  client: NodeRedisClient,
  isGiven: boolean,
  { onMessage, onGap }: RedisSubscriberEvents,
): RedisSubscriber {
  const original = client as NodeRedisConnection;
  // Only a plain client can send ASKING-free raw commands of its own and be duplicated into another plain one.
  const isPlain = 'isReady' in original && 'isPubSubActive' in original;
  const isOwn = !isGiven && isPlain;
  const connection = (
    isOwn
      ? original.duplicate({ disableOfflineQueue: false, commandsQueueMaxLength: undefined, clientSideCache: undefined })
      : original
  ) as NodeRedisConnection;

  const onChannelMessage = (_message: string, channel: string): void => onMessage(channel);
  if (isOwn) connection.on('error', ignore);
  // Emitted after the library has subscribed again.
  connection.on('ready', onGap);
  const connect = (): void => void connection.connect().catch(ignore);
  if (!connection.isOpen) connect();
  return {
    subscribe: (channel) => connection.subscribe(channel, onChannelMessage),
    unsubscribe: (channel) => connection.unsubscribe(channel, onChannelMessage),
    ...(isOwn
      ? {
          ping: async () => void (await connection.ping()),
          reconnect: () => {
            connection.destroy();
            connect();
          },
        }
      : {}),
    close: () => {
      connection.removeListener('ready', onGap);
      if (isOwn && connection.isOpen) connection.destroy();
    },
  };
}

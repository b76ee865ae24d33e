import {
  isIoredis,
  isNodeRedis,
  type IoredisClient,
  type NodeRedisClient,
  type RedisClient,
} from './redis-client.ts';

/** The commands the driver sends, over either library. Texts of replies come as bytes. */
export interface RedisCommands {
  evalSha(sha: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  eval(script: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown>;
  publish(channel: string): Promise<void>;
  /** Each server that takes writes, by its address. */
  servers(): Promise<RedisServer[]>;
  /** What the client puts before every key of its own accord. */
  readonly keyPrefix: string;
  /** What INFO says, of each server that takes writes. */
  info(): Promise<string[]>;
  /** `maxmemory-policy`, of each server that takes writes. */
  evictionPolicies(): Promise<string[]>;
  /** Grows whenever a connection is lost after which the library may have sent a command twice. */
  readonly lostConnections: number;
  /** Lets go of the client, and leaves it open. */
  release(): void;
}

/** One server that takes writes. */
export interface RedisServer {
  readonly name: string;
  readonly eval: (script: string, args: readonly string[]) => Promise<unknown>;
}

/** @throws {TypeError} when the client belongs to neither library. */
export function redisCommands(client: RedisClient, timeoutMs: number): RedisCommands {
  if (isIoredis(client)) return new IoredisCommands(client);
  if (isNodeRedis(client)) return new NodeRedisCommands(client, timeoutMs);
  throw new TypeError('client must be a client of `redis` 6 or `ioredis` 6');
}

/** How a connection of ioredis, or one of a cluster's, says that it has ended. */
const lossEvents = ['close', '-node', 'node error'];

/** By their names: with automatic pipelines the library's own `call` sends something else. */
interface IoredisInner {
  evalshaBuffer(sha: string, keys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  evalBuffer(script: string, keys: number, ...args: (string | Buffer)[]): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  info(): Promise<unknown>;
  config(verb: 'GET', parameter: string): Promise<unknown>;
  ping(): Promise<unknown>;
  nodes?(role: 'master'): IoredisInner[];
  readonly options?: { readonly host?: string; readonly port?: number; readonly keyPrefix?: string };
}

class IoredisCommands implements RedisCommands {
  readonly #client: IoredisClient;
  readonly #inner: IoredisInner;
  readonly #onLoss = (): void => void this.lostConnections++;
  lostConnections = 0;

  constructor(client: IoredisClient) {
    this.#client = client;
    this.#inner = client as unknown as IoredisInner;
    for (const event of lossEvents) client.on(event, this.#onLoss);
  }

  evalSha(sha: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#inner.evalshaBuffer(sha, keys.length, ...keys, ...args);
  }

  eval(script: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#inner.evalBuffer(script, keys.length, ...keys, ...args);
  }

  async publish(channel: string): Promise<void> {
    await this.#inner.publish(channel, '');
  }

  get keyPrefix(): string {
    return this.#inner.options?.keyPrefix ?? '';
  }

  async servers(): Promise<RedisServer[]> {
    const masters = await this.#masters();
    return masters.map((node) => ({
      name: `${node.options?.host}:${node.options?.port}`,
      eval: (script, args) => node.evalBuffer(script, 0, ...args),
    }));
  }

  async info(): Promise<string[]> {
    const masters = await this.#masters();
    return Promise.all(masters.map(async (node) => String(await node.info())));
  }

  async evictionPolicies(): Promise<string[]> {
    const masters = await this.#masters();
    return Promise.all(masters.map(async (node) => policyOf(await node.config('GET', 'maxmemory-policy'))));
  }

  release(): void {
    for (const event of lossEvents) this.#client.removeListener(event, this.#onLoss);
  }

  async #masters(): Promise<IoredisInner[]> {
    if (this.#inner.nodes === undefined) return [this.#inner];
    // Until it has connected, a cluster knows only the nodes it was told of.
    await this.#inner.ping();
    return this.#inner.nodes('master');
  }
}

interface NodeRedisInner {
  evalSha(
    sha: string,
    options: { keys: readonly string[]; arguments: readonly (string | Buffer)[] },
  ): Promise<unknown>;
  eval(
    script: string,
    options: { keys: readonly string[]; arguments: readonly (string | Buffer)[] },
  ): Promise<unknown>;
  publish(channel: string, message: string): Promise<unknown>;
  info(): Promise<unknown>;
  configGet(parameter: string): Promise<unknown>;
}

interface NodeRedisCluster {
  readonly masters?: readonly { readonly address?: string }[];
  nodeClient(node: object): Promise<NodeRedisInner>;
}

/** The type of a bulk string in RESP, by which `redis` names what it is to make of one. */
const blobString = 36;

class NodeRedisCommands implements RedisCommands {
  readonly #client: NodeRedisClient;
  readonly #inner: NodeRedisInner;
  /** This library rejects what it has sent when a connection ends, and sends nothing twice. */
  readonly lostConnections = 0;
  readonly keyPrefix = '';

  constructor(client: NodeRedisClient, timeoutMs: number) {
    this.#client = client;
    this.#inner = client.withCommandOptions({
      typeMapping: { [blobString]: Buffer },
      // What could not be sent by then is dropped: nobody waits for it any more. A little later, so that the call has
      // ended by its own deadline.
      timeout: Math.ceil(timeoutMs) + 100,
    }) as NodeRedisInner;
  }

  evalSha(sha: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#inner.evalSha(sha, { keys, arguments: args });
  }

  eval(script: string, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    return this.#inner.eval(script, { keys, arguments: args });
  }

  async publish(channel: string): Promise<void> {
    await this.#inner.publish(channel, '');
  }

  async servers(): Promise<RedisServer[]> {
    const masters = await this.#masters();
    return masters.map(({ name, node }) => ({
      name,
      eval: (script, args) => node.eval(script, { keys: [], arguments: args }),
    }));
  }

  async info(): Promise<string[]> {
    const masters = await this.#masters();
    return Promise.all(masters.map(async ({ node }) => String(await node.info())));
  }

  async evictionPolicies(): Promise<string[]> {
    const masters = await this.#masters();
    return Promise.all(masters.map(async ({ node }) => policyOf(await node.configGet('maxmemory-policy'))));
  }

  release(): void {}

  async #masters(): Promise<{ readonly name: string; readonly node: NodeRedisInner }[]> {
    const { masters } = this.#client as unknown as NodeRedisCluster;
    if (!Array.isArray(masters)) return [{ name: '', node: this.#inner }];
    const cluster = this.#client as unknown as NodeRedisCluster;
    return Promise.all(
      masters.map(async (master: { readonly address?: string }) => ({
        name: master.address ?? '',
        node: await cluster.nodeClient(master),
      })),
    );
  }
}

/** The value CONFIG GET found: by name, or as a list of names and values. */
function policyOf(reply: unknown): string {
  if (Array.isArray(reply)) return String(reply[1] ?? '');
  const values = reply instanceof Map ? [...reply.values()] : Object.values(reply ?? {});
  return String(values[0] ?? '');
}

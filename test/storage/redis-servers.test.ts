import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import type { RedisClient } from '../../src/storage/redis/redis-client.ts';
import { openRedis, type RedisOptions } from '../../src/storage/redis/index.ts';
import { findFreePort } from '../../demo/find-free-port.ts';
import { recovered } from '../support/recovered.ts';

const value = Uint8Array.of(1);
const hasServer = spawnSync('redis-server', ['--version']).status === 0;
const isRequired = process.env['POSTERN_REQUIRE_SERVICES'] === '1';
if (!hasServer && !isRequired) {
  process.stderr.write(
    'skipped: Redis servers with settings of their own. redis-server was not found: install it\n',
  );
}

const directory = mkdtempSync(join(tmpdir(), 'postern-redis-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A server of the test's own, with settings of its own. */
class Server {
  readonly port: number;
  readonly #settings: readonly string[];
  readonly #directory = mkdtempSync(join(directory, 'server-'));
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  static async start(...settings: string[]): Promise<Server> {
    // Its cluster bus listens 10,000 ports above, which must exist.
    const server = new Server(await freePort(50_000), settings);
    await server.start();
    return server;
  }

  /** Starts it (again), on the same port and in the same directory. Resolves when it answers. */
  async start(): Promise<void> {
    const common = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#directory, '--save', ''];
    this.#process = spawn('redis-server', [...common, ...this.#settings], {
      stdio: 'ignore',
      timeout: 240_000,
    });
    const client = new Redis(this.port, { retryStrategy: () => 20, maxRetriesPerRequest: null });
    client.on('error', () => {});
    await client.ping();
    client.disconnect();
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    const process = this.#process;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const ended = once(process, 'exit');
    process.kill(signal);
    await ended;
  }
}

async function freePort(below: number): Promise<number> {
  for (;;) {
    const port = await findFreePort();
    if (port < below) return port;
  }
}

async function serverWith(...settings: string[]): Promise<Server> {
  const server = await Server.start(...settings);
  onTestFinished(() => server.stop());
  return server;
}

/** A client of each library, which ends with the test. */
const clients: Record<
  string,
  (port: number, user?: { username: string; password: string }) => Promise<RedisClient>
> = {
  redis: async (port, user) => {
    const client = createClient({ socket: { port, reconnectStrategy: () => 50 }, ...user });
    client.on('error', () => {});
    onTestFinished(() => client.destroy());
    await client.connect();
    return client;
  },
  ioredis: async (port, user) => {
    const client = new Redis({ port, retryStrategy: () => 50, ...user });
    client.on('error', () => {});
    onTestFinished(() => client.disconnect());
    return client;
  },
};

async function open(client: RedisClient, options: Partial<RedisOptions> = {}): Promise<StorageBackend> {
  const store = await openRedis({ client, onWarning: () => {}, ...options });
  onTestFinished(() => store.close());
  return store;
}

function admin(port: number): Redis {
  const client = new Redis(port);
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

async function seesWholeCluster(port: number): Promise<void> {
  const client = new Redis(port);
  const info = await client.cluster('INFO');
  client.disconnect();
  if (!/^cluster_state:ok\r?$/mu.test(info)) throw new Error('the cluster is not whole yet');
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no error',
    (error: unknown) => error,
  );
}

const libraries = Object.keys(clients);

test('redis-server is installed wherever services are required', () => {
  expect(hasServer || !isRequired).toBe(true);
});

describe.runIf(hasServer)('what a server is asked for when a store is opened', () => {
  test.each(libraries)(
    '%s: a server that may evict entries is refused, and one that may not is taken',
    async (library) => {
      const server = await serverWith('--maxmemory', '50mb');
      const client = await clients[library]!(server.port);
      for (const policy of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
        await admin(server.port).config('SET', 'maxmemory-policy', policy);
        expect(await rejection(openRedis({ client }))).toMatchObject({
          code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
          message: expect.stringContaining(policy),
          hint: expect.stringContaining('noeviction'),
        });
      }
      await admin(server.port).config('SET', 'maxmemory-policy', 'noeviction');
      await expect(open(client)).resolves.toBeDefined();
    },
  );

  test.each(libraries)(
    '%s: a server without an append-only file is warned of, and one with it is not',
    async (library) => {
      const warnings: string[] = [];
      const onWarning = (message: string): void => void warnings.push(message);
      const without = await serverWith('--appendonly', 'no');
      await open(await clients[library]!(without.port), { onWarning });
      expect(warnings).toEqual([expect.stringContaining('append-only')]);
      const having = await serverWith('--appendonly', 'yes');
      await open(await clients[library]!(having.port), { onWarning });
      expect(warnings).toHaveLength(1);
    },
  );

  test.each(libraries)(
    '%s: a user who may ask for no settings gets a warning and a store',
    async (library) => {
      const server = await serverWith();
      await admin(server.port).acl(
        'SETUSER',
        'app',
        'on',
        '>secret',
        '~postern:*',
        '&postern:*',
        '+@all',
        '-@dangerous',
        '-@admin',
      );
      const user = { username: 'app', password: 'secret' };
      const warnings: string[] = [];
      const store = await open(await clients[library]!(server.port, user), {
        onWarning: (message) => void warnings.push(message),
      });
      expect(warnings).toEqual([expect.stringContaining('noeviction')]);
      await store.commit([{ put: ['p', 'a'], value }]);
      expect((await store.list(['p'])).length).toBe(1);
    },
  );

  test.each([
    { lacks: 'scripts', rules: ['~postern:*', '&postern:*', '+@all', '-@scripting'] },
    { lacks: 'keys', rules: ['~other:*', '&postern:*', '+@all'] },
    { lacks: 'a command of the commit', rules: ['~postern:*', '&postern:*', '+@all', '-zadd'] },
    { lacks: 'channels', rules: ['~postern:*', 'resetchannels', '+@all'] },
  ])('a user who lacks $lacks is refused when the store is opened, with a hint', async ({ rules }) => {
    const server = await serverWith();
    await admin(server.port).acl('SETUSER', 'app', 'on', '>secret', ...rules);
    const client = await clients['ioredis']!(server.port, { username: 'app', password: 'secret' });
    expect(await rejection(openRedis({ client, onWarning: () => {} }))).toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
      hint: expect.stringContaining('permission'),
    });
  });

  test.each(libraries)('%s: a replica is refused, with a hint', async (library) => {
    const primary = await serverWith();
    const replica = await serverWith('--replicaof', '127.0.0.1', `${primary.port}`);
    const failure = await rejection(
      openRedis({ client: await clients[library]!(replica.port), onWarning: () => {} }),
    );
    expect(failure).toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
      hint: expect.stringContaining('replica'),
    });
  });

  test.each(libraries)('%s: without a server, opening ends at its deadline', async (library) => {
    const server = await serverWith();
    const client = await clients[library]!(server.port);
    await server.stop();
    const start = performance.now();
    expect(await rejection(openRedis({ client, timeoutMs: 300 }))).toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    });
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});

describe.runIf(hasServer)('what happens to a store when its server', () => {
  test.each(libraries)(
    '%s: is killed and started again with a file that is flushed with each write: nothing acknowledged is lost',
    async (library) => {
      const server = await serverWith('--appendonly', 'yes', '--appendfsync', 'always');
      const store = await open(await clients[library]!(server.port));
      let woken = 0;
      await store.listen('c', () => woken++);
      const [version] =
        (await store.commit([{ put: ['p', 'a'], value, expiresAtMs: Date.now() + 3_600_000 }])) ?? [];
      await server.stop('SIGKILL');
      expect(await rejection(open(await clients['ioredis']!(server.port), { timeoutMs: 200 }))).toMatchObject(
        {
          code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
        },
      );
      await server.start();
      expect((await recovered(() => store.get(['p', 'a'])))?.version).toBe(version);
      // The server has forgotten the scripts, and what was subscribed.
      expect(await store.commit([{ delete: ['p', 'a'], expect: version }])).toEqual(['']);
      await recovered(() => store.signal('c'));
      await expect.poll(() => woken, { timeout: 2_000 }).toBeGreaterThan(0);
    },
  );

  test.each(libraries)(
    '%s: is started again with nothing: entries are gone, and old versions match nothing',
    async (library) => {
      const server = await serverWith();
      const store = await open(await clients[library]!(server.port));
      const [version] = (await store.commit([{ put: ['p', 'a'], value }])) ?? [];
      await server.stop('SIGKILL');
      await server.start();
      expect(await recovered(() => store.get(['p', 'a']))).toBeUndefined();
      expect(await store.list(['p'])).toEqual([]);
      expect(await store.commit([{ put: ['p', 'a'], value, expect: version }])).toBeUndefined();
      const [again] = (await store.commit([{ put: ['p', 'a'], value, expect: 'absent' }])) ?? [];
      expect(again).not.toBe(version);
      expect(await store.commit([{ delete: ['p', 'a'], expect: version }])).toBeUndefined();
    },
  );

  test.each(libraries)('%s: forgets its scripts: the next calls send them again', async (library) => {
    const server = await serverWith();
    const store = await open(await clients[library]!(server.port));
    await admin(server.port).script('FLUSH');
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.commit([{ put: ['p', `${index}`], value }])),
    );
    expect(await store.list(['p'])).toHaveLength(20);
  });

  test.each(libraries)('%s: is flushed: entries are gone, and new ones are listed', async (library) => {
    const server = await serverWith();
    const store = await open(await clients[library]!(server.port));
    await store.commit([{ put: ['p', 'a'], value }]);
    await admin(server.port).flushall();
    expect(await store.list(['p'])).toEqual([]);
    await store.commit([{ put: ['p', 'b'], value }]);
    expect((await store.list(['p'])).map(({ key }) => key[1])).toEqual(['b']);
  });

  test.each(libraries)(
    '%s: is full: commits fail whole, with a hint, reads and deletes go on',
    async (library) => {
      const server = await serverWith('--maxmemory', '8mb');
      const store = await open(await clients[library]!(server.port));
      let written = 0;
      let failure: unknown;
      const large = new Uint8Array(200_000);
      while (failure === undefined && written < 200) {
        const changes = ['left', 'right'].map((side) => ({
          put: ['p', side, `${written}`] as const,
          value: large,
        }));
        failure = await store.commit(changes).then(
          () => void written++,
          (error: unknown) => error,
        );
      }
      expect(failure).toMatchObject({
        code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
        hint: expect.stringContaining('maxmemory'),
      });
      expect(written).toBeGreaterThan(1);
      const [left, right] = await Promise.all([store.list(['p', 'left']), store.list(['p', 'right'])]);
      expect([left.length, right.length]).toEqual([written, written]);
      expect(
        await store.commit(left.map(({ key, version }) => ({ delete: key, expect: version }))),
      ).toHaveLength(written);
      expect(await store.commit([{ put: ['p', 'after'], value }])).toHaveLength(1);
    },
  );
});

describe.runIf(hasServer)('what lies on a server', () => {
  test('a partition whose entries have all expired leaves no key at all', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port));
    const soon = Date.now() + 400;
    for (let index = 0; index < 50; index++) {
      await store.commit([
        { put: [`route:${index}`, 'to'], value, expiresAtMs: soon },
        { put: [`route:${index}`, 'also'], value, expiresAtMs: soon + 100 },
        { put: [`route:${index}`, 'for ever'], value },
      ]);
      // What held the index open goes; what is left expires.
      await store.commit([{ delete: [`route:${index}`, 'for ever'] }]);
    }
    expect(await admin(server.port).dbsize()).toBe(200);
    await pause(700);
    const redis = admin(server.port);
    await expect.poll(() => redis.dbsize(), { timeout: 5_000 }).toBe(0);
  });

  test('an index does not expire before its entries do', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port));
    const now = Date.now();
    await store.commit([{ put: ['p', 'b'], value, expiresAtMs: now + 60_000 }]);
    await store.commit([{ put: ['p', 'a'], value, expiresAtMs: now + 300 }]);
    await store.commit([{ put: ['q', 'mortal'], value, expiresAtMs: now + 300 }]);
    await store.commit([{ put: ['q', 'immortal'], value }]);
    await store.commit([{ put: ['r', 'a'], value, expiresAtMs: now + 60_000 }]);
    await store.commit([{ put: ['r', 'a'], value, expiresAtMs: now + 300 }]);
    await store.commit([{ put: ['r', 'a'], value }]);
    await pause(500);
    expect((await store.list(['p'])).map(({ key }) => key[1])).toEqual(['b']);
    expect((await store.list(['q'])).map(({ key }) => key[1])).toEqual(['immortal']);
    expect((await store.list(['r'])).map(({ key }) => key[1])).toEqual(['a']);
  });

  test('pages are right across 5,000 entries that have vanished, however they went, and their paths go too', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port));
    const redis = admin(server.port);
    const name = (index: number): string => String(index).padStart(5, '0');
    const isKept = (index: number): boolean => index % 1_000 === 999;
    const expiresAtMs = Date.now() + 2_500;
    for (let start = 0; start < 5_000; start += 500) {
      await store.commit(
        Array.from({ length: 500 }, (_, offset) => {
          const index = start + offset;
          // Half expire; half are deleted behind the driver's back.
          const isMortal = !isKept(index) && index % 2 === 0;
          return { put: ['p', name(index)] as const, value, ...(isMortal ? { expiresAtMs } : {}) };
        }),
      );
    }
    const deleted = Array.from({ length: 5_000 }, (_, index) => index).filter(
      (index) => !isKept(index) && index % 2,
    );
    await redis.unlink(deleted.map((index) => `postern:{p}:e:${name(index)}`));
    await pause(Math.max(0, expiresAtMs - Date.now() + 50));

    const first = await store.list(['p'], { limit: 2 });
    expect(first.map(({ key }) => key[1])).toEqual(['00999', '01999']);
    const rest = await store.list(['p'], { limit: 100, after: first[1]!.key });
    expect(rest.map(({ key }) => key[1])).toEqual(['02999', '03999', '04999']);
    expect(await redis.zcard('postern:{p}:i')).toBe(5);
    expect(await redis.exists('postern:{p}:x')).toBe(0);
  });

  test('expired paths do not outgrow the living where entries come and go and nobody lists', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port));
    await store.commit([{ put: ['p', 'immortal'], value }]);
    for (let index = 0; index < 2_000; index++) {
      await store.commit([{ put: ['p', 'pending', `${index}`], value, expiresAtMs: Date.now() + 20 }]);
    }
    const redis = admin(server.port);
    expect(await redis.zcard('postern:{p}:i')).toBeLessThan(1_000);
    await pause(50);
    for (let index = 0; index < 125; index++) await store.commit([{ put: ['p', 'other'], value }]);
    expect(await redis.zcard('postern:{p}:i')).toBe(2);
  });

  test('what another program wrote under an entry key is corrupt, never absent', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port));
    await store.commit([
      { put: ['p', 'a'], value },
      { put: ['p', 'b'], value },
    ]);
    for (const foreign of ['', 'text', '2;new;;form', ';;;', '1;v', '1;;;x', '1;v;12x;y']) {
      await admin(server.port).set('postern:{p}:e:a', foreign);
      const corrupt = { code: 'ERR_POSTERN_STORAGE_CORRUPT' };
      expect([foreign, await rejection(store.get(['p', 'a']))]).toMatchObject([foreign, corrupt]);
      expect([foreign, await store.list(['p'])]).toMatchObject([
        foreign,
        [{ key: ['p', 'a'], unreadable: corrupt }, { key: ['p', 'b'] }],
      ]);
      if (foreign === '') continue;
      expect(await store.commit([{ put: ['p', 'a'], value, expect: 'absent' }])).toBeUndefined();
      expect(await store.commit([{ delete: ['p', 'a'], expect: 'new' }])).toBeUndefined();
    }
  });

  test('keys say what they are, and braces in a partition stay out of the hash tag', async () => {
    const server = await serverWith();
    const store = await open(await clients['ioredis']!(server.port), { prefix: 'app' });
    await store.commit([
      { put: ['client:user%3Aalice', 'server', 'a:b'], value, expiresAtMs: Date.now() + 60_000 },
    ]);
    await store.commit([{ put: ['a}b{c~', 'x'], value }]);
    const keys = (await admin(server.port).keys('*')).filter((key) => !key.includes('postern:opened'));
    expect(keys.toSorted()).toEqual([
      'app:{a~2b~1c~0}:e:x',
      'app:{a~2b~1c~0}:i',
      'app:{client:user%3Aalice}:e:server:a%3Ab',
      'app:{client:user%3Aalice}:i',
      'app:{client:user%3Aalice}:x',
    ]);
  });
});

describe.runIf(hasServer)('a store in a cluster of three', () => {
  const servers: Server[] = [];
  beforeAll(async () => {
    for (let count = 0; count < 3; count++) {
      servers.push(await Server.start('--cluster-enabled', 'yes', '--cluster-node-timeout', '5000'));
    }
    const places = servers.map(({ port }) => `127.0.0.1:${port}`);
    const created = spawnSync('redis-cli', ['--cluster', 'create', ...places, '--cluster-yes'], {
      timeout: 50_000,
    });
    if (created.status !== 0) throw new Error('redis-cli could not make a cluster');
    // Each node learns of the others in its own time.
    for (const { port } of servers) await recovered(() => seesWholeCluster(port), 20_000);
  }, 90_000);
  afterAll(async () => void (await Promise.all(servers.map((server) => server.stop()))));

  /** A handle with a client of its own, which ends with it. */
  async function handle(client: RedisClient, end: () => void): Promise<StorageBackend> {
    const store = await openRedis({ client, onWarning: () => {} });
    const close = store.close.bind(store);
    store.close = async () => {
      await close();
      end();
    };
    return store;
  }

  const handles: Record<string, () => Promise<StorageBackend>> = {
    redis: async () => {
      const client = createCluster({
        rootNodes: [{ socket: { host: '127.0.0.1', port: servers[0]!.port } }],
      });
      client.on('error', () => {});
      await client.connect();
      return handle(client, () => client.isOpen && client.destroy());
    },
    ioredis: async () => {
      // Reads from replicas could be behind; the driver must not follow this setting.
      const client = new Cluster([{ host: '127.0.0.1', port: servers[0]!.port }], { scaleReads: 'all' });
      client.on('error', () => {});
      return handle(client, () => client.disconnect());
    },
  };

  const cases = Object.keys(handles).flatMap((library) =>
    storageConformance().map((each) => ({ ...each, library })),
  );
  test.concurrent.each(cases)(
    '$library: $title',
    async ({ run, library }) => {
      await expect(run({ separateHandles: true, open: () => handles[library]!() })).resolves.toBeUndefined();
    },
    120_000,
  );

  test.each(Object.keys(handles))(
    '%s: signals are heard again after the connections that heard them were ended',
    async (library) => {
      const store = await handles[library]!();
      onTestFinished(() => store.close());
      let woken = 0;
      await store.listen('c', () => woken++);
      for (const { port } of servers) await admin(port).call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await recovered(async () => {
        await store.signal('c');
        await pause(50);
        if (woken === 0) throw new Error('not woken yet');
      });
      expect(woken).toBeGreaterThan(0);
    },
  );

  test('partitions are spread over all nodes', async () => {
    const counts = await Promise.all(
      servers.map(async ({ port }) => {
        const client = new Redis(port);
        const count = await client.dbsize();
        client.disconnect();
        return count;
      }),
    );
    for (const count of counts) expect(count).toBeGreaterThan(0);
  });

  test.each(Object.keys(handles))(
    '%s: one node that may evict entries is enough to refuse the cluster',
    async (library) => {
      const node = admin(servers[2]!.port);
      await node.config('SET', 'maxmemory-policy', 'allkeys-lru');
      try {
        expect(await rejection(handles[library]!())).toMatchObject({
          code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
        });
      } finally {
        await node.config('SET', 'maxmemory-policy', 'noeviction');
      }
    },
  );
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { QueryConfig } from 'pg';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import type { PostgresClient, PostgresPool } from '../../src/storage/postgres/index.ts';
import { describeWithService } from '../support/services.ts';
import { dropSchema, placeFor, PostgresPlace, through } from './postgres-place.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

const value = Uint8Array.of(1);

/** Debian puts it among the administrator's programs. */
const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);

interface Pooler {
  readonly port: number;
  close(): Promise<void>;
}

async function startPgBouncer(where: string, mode: 'session' | 'transaction', size: number): Promise<Pooler> {
  const { hostname, port: serverPort, username, pathname } = new URL(where);
  const port = await findFreePort();
  const directory = mkdtempSync(join(tmpdir(), 'postern-pgbouncer-'));
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
${pathname.slice(1)} = host=${hostname} port=${serverPort || 5432} user=${username || 'postgres'}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${size}
ignore_startup_parameters = extra_float_digits,options
`,
  );
  chmodSync(directory, 0o755);
  chmodSync(file, 0o644);
  if (program === undefined) throw new Error('pgbouncer was not found: apt-get install pgbouncer');
  // It refuses to be the superuser.
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(program, [...asNobody, '-q', file], { stdio: 'ignore', timeout: 180_000 });
  for (let tries = 0; !(await answers(port)); tries++) {
    if (tries === 100) throw new Error('pgbouncer does not listen');
    await pause(50);
  }
  return {
    port,
    async close() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function expectSoon(isTrue: () => boolean, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms`);
    await pause(10);
  }
}

function suite(where: string): void {
  test.each([1, 4])(
    'behind a transaction pooler with %i server connections the store warns, polls, and hears those who listen',
    async (size) => {
      const place = placeFor(where);
      const pooler = await startPgBouncer(where, 'transaction', size);
      onTestFinished(() => pooler.close());
      const warnings: string[] = [];
      const pool = place.pool({ connectionString: through(where, pooler.port) });
      const store = await place.open({ pool, pollMs: 50, onWarning: (message) => warnings.push(message) });
      expect(warnings).toEqual([expect.stringContaining('transaction pooler')]);

      const direct = await place.open();
      let [here, there] = [0, 0];
      await store.listen('c', () => here++);
      await direct.listen('c', () => there++);
      await direct.signal('c');
      await expectSoon(() => here > 0 && there > 0, 2_000);
      [here, there] = [0, 0];
      await store.signal('c');
      await expectSoon(() => here > 0 && there > 0, 2_000);
    },
  );

  test('behind a transaction pooler a store that must listen refuses to open', async () => {
    const place = placeFor(where);
    const pooler = await startPgBouncer(where, 'transaction', 4);
    onTestFinished(() => pooler.close());
    await expect(
      place.open({ listen: 'notify' }, { connectionString: through(where, pooler.port) }),
    ).rejects.toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
  });

  test('behind a session pooler the store listens, without a warning', async () => {
    const place = placeFor(where);
    const pooler = await startPgBouncer(where, 'session', 10);
    onTestFinished(() => pooler.close());
    const warnings: string[] = [];
    const pool = place.pool({ connectionString: through(where, pooler.port) });
    // Nobody looks within an hour: what is heard was notified.
    const store = await place.open({
      pool,
      pollMs: 3_600_000,
      onWarning: (message) => warnings.push(message),
    });
    let woken = 0;
    await store.listen('c', () => woken++);
    await (await place.open()).signal('c');
    await expectSoon(() => woken > 0, 2_000);
    expect(warnings).toEqual([]);
  });

  describe('the conformance kit behind a transaction pooler', () => {
    const place = new PostgresPlace(where);
    let pooler: Pooler;
    beforeAll(async () => {
      pooler = await startPgBouncer(where, 'transaction', 6);
    });
    afterAll(async () => {
      await dropSchema(where, place.schema);
      await pooler.close();
    });
    test.each(storageConformance({ operations: 1_000 }))(
      '$title',
      async ({ run }) => {
        const pool = place.pool({ connectionString: through(where, pooler.port), max: 12 });
        const open = () => place.open({ pool, pollMs: 20, timeoutMs: 20_000 });
        await expect(run({ separateHandles: true, open })).resolves.toBeUndefined();
      },
      120_000,
    );
  });
}

await describeWithService('postgres', 'PostgreSQL with one connection', ({ where }) => {
  test('a pool of one connection keeps none to listen: it polls, and says so', async () => {
    const place = placeFor(where);
    const warnings: string[] = [];
    const store = await place.open(
      { pollMs: 50, onWarning: (message) => warnings.push(message) },
      { max: 1 },
    );
    expect(warnings).toEqual([expect.stringContaining('only one connection')]);
    let woken = 0;
    await store.listen('c', () => woken++);
    await (await place.open()).signal('c');
    await expectSoon(() => woken > 0, 2_000);
    expect(await store.commit([{ put: ['p', 'a'], value }])).toHaveLength(1);
  });

  test('a connection that is given another process of the server while it listens is no longer trusted', async () => {
    const place = placeFor(where);
    const real = place.pool();
    let hasMoved = false;
    const pool: PostgresPool = {
      options: real.options,
      on: (event, listener) => real.on(event, listener),
      async connect() {
        const client = await real.connect();
        const query: PostgresClient['query'] = async (statement) =>
          hasMoved && statement.text.includes('pg_backend_pid')
            ? { rows: [{ process: '1' }] }
            : client.query(statement as QueryConfig);
        return new Proxy<PostgresClient>(client, {
          get(target, name) {
            const found: unknown = name === 'query' ? query : Reflect.get(target, name);
            return typeof found === 'function' ? found.bind(target) : found;
          },
        });
      },
    };
    const warnings: string[] = [];
    const store = await place.open({ pool, pollMs: 50, onWarning: (message) => warnings.push(message) });
    let woken = 0;
    await store.listen('c', () => woken++);
    expect(warnings).toEqual([]);
    hasMoved = true;
    await expectSoon(() => warnings.length > 0, 8_000);
    expect(warnings).toEqual([expect.stringContaining('transaction pooler')]);
    await expectSoon(() => woken > 0, 2_000);
    woken = 0;
    await (await place.open()).signal('c');
    await expectSoon(() => woken > 0, 2_000);
    await expectSoon(() => real.idleCount === real.totalCount, 2_000);
  });

  test('more signals than are kept, between two looks, wake every listener', async () => {
    const place = placeFor(where);
    const store = await place.open({ listen: 'poll', pollMs: 1_000 });
    const other = await place.open();
    let woken = 0;
    await store.listen('mine', () => woken++);
    await other.signal('mine');
    // Not all at once: how long the last one waits for a connection would depend on the machine.
    for (let sent = 0; sent < 3_000; sent += 50)
      await Promise.all(Array.from({ length: 50 }, () => other.signal('other')));
    await expectSoon(() => woken > 0, 5_000);
  });

  test('signals whose numbers begin again, as after a crash of the server, are heard', async () => {
    const place = placeFor(where);
    const store = await place.open({ listen: 'poll', pollMs: 30 });
    const other = await place.open();
    let woken = 0;
    await Promise.all(Array.from({ length: 300 }, () => other.signal('other')));
    await store.listen('mine', () => woken++);
    await place.pool({ max: 1 }).query(`TRUNCATE "${place.schema}".signals RESTART IDENTITY`);
    await expectSoon(() => woken > 0, 2_000);
    woken = 0;
    await other.signal('mine');
    await expectSoon(() => woken > 0, 2_000);
  });
});

if (program === undefined && process.env['POSTERN_REQUIRE_SERVICES'] !== '1') {
  process.stderr.write('skipped: PostgreSQL behind PgBouncer. It was not found: apt-get install pgbouncer\n');
} else {
  await describeWithService('postgres', 'PostgreSQL behind PgBouncer', ({ where }) => suite(where));
}

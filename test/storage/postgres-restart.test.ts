import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isPosternError } from '../../src/core/postern-error.ts';
import { openPostgres } from '../../src/storage/postgres/index.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

/** Debian and others keep each version's programs in a directory of its own. */
const programs = existsSync('/usr/lib/postgresql')
  ? readdirSync('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`)
  : [];
const programDirectory = programs.findLast((directory) => existsSync(join(directory, 'initdb')));

/** A server of this file alone, which may be killed. */
class OwnServer {
  readonly #directory: string = mkdtempSync(join(tmpdir(), 'postern-postgres-'));
  readonly #user: { uid: number; gid: number } | Record<string, never> = unprivileged();
  #port = 0;
  #process: ChildProcess | undefined;

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  async create(): Promise<void> {
    if ('uid' in this.#user) chownSync(this.#directory, this.#user.uid, this.#user.gid);
    this.#port = await findFreePort();
    const data = join(this.#directory, 'data');
    if (programDirectory === undefined) throw new Error('initdb was not found: apt-get install postgresql');
    execFileSync(
      join(programDirectory, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'],
      {
        ...this.#user,
        cwd: this.#directory,
        stdio: 'ignore',
        timeout: 50_000,
      },
    );
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const settings = {
      port: this.#port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: 12,
      synchronous_commit: 'off',
      wal_writer_delay: '10s',
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#process = spawn(
      join(programDirectory!, 'postgres'),
      ['-D', join(this.#directory, 'data'), ...flags],
      {
        ...this.#user,
        cwd: this.#directory,
        stdio: 'ignore',
        timeout: 170_000,
      },
    );
    for (let tries = 0; tries < 300; tries++) {
      const pool = new Pool({ connectionString: this.url, max: 1, connectionTimeoutMillis: 1_000 });
      const isUp = await pool.query('SELECT 1').then(
        () => true,
        () => false,
      );
      await pool.end();
      if (isUp) return;
      await pause(100);
    }
    throw new Error('the server does not start');
  }

  async kill(): Promise<void> {
    if (this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null)
      return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    // The processes of a killed server take a moment to see that it is gone.
    await pause(500);
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

/** PostgreSQL refuses to run as the superuser. */
function unprivileged(): { uid: number; gid: number } | Record<string, never> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function suite(): void {
  const server = new OwnServer();
  beforeAll(async () => {
    await server.create();
    await server.start();
  });
  afterAll(() => server.remove());

  function openPool(max: number): Pool {
    const pool = new Pool({ connectionString: server.url, max, connectionTimeoutMillis: 1_000 });
    pool.on('error', () => {});
    onTestFinished(() => pool.end());
    return pool;
  }

  test('after kill -9 of the server every acknowledged commit is there whole, calls work within 5 s, and listeners hear', async () => {
    const store = await openPostgres({ pool: openPool(5), timeoutMs: 2_000 });
    onTestFinished(() => store.close());
    let woken = 0;
    await store.listen('c', () => woken++);

    const acknowledged = new Map<string, string>();
    let isOver = false;
    const write = async (name: string): Promise<void> => {
      for (let turn = 0; !isOver; turn++) {
        const value = new Uint8Array(500);
        const versions = await store
          .commit([
            { put: ['left', name, `${turn}`], value },
            { put: ['left', name, `${turn}`, 'too'], value },
          ])
          .catch(() => undefined);
        if (versions === undefined) await pause(20);
        else acknowledged.set(`${name} ${turn}`, versions[1]!);
      }
    };
    const writers = ['a', 'b', 'c'].map(write);
    await pause(1_000);
    await server.kill();
    await pause(300);
    isOver = true;
    await Promise.all(writers);
    expect(acknowledged.size).toBeGreaterThan(100);

    await server.start();
    const started = performance.now();
    for (;;) {
      const isBack = await store.get(['left', 'a', '0']).then(
        () => true,
        () => false,
      );
      if (isBack) break;
      expect(performance.now() - started).toBeLessThan(5_000);
    }
    for (const [written, version] of acknowledged) {
      const [name, turn] = written.split(' ') as [string, string];
      expect((await store.get(['left', name, turn, 'too']))?.version, written).toBe(version);
      expect(await store.get(['left', name, turn]), written).toBeDefined();
    }
    for (const deadline = performance.now() + 3_000; woken === 0 && performance.now() < deadline;)
      await pause(10);
    expect(woken).toBeGreaterThan(0);
    woken = 0;
    await store.signal('c');
    for (const deadline = performance.now() + 2_000; woken === 0 && performance.now() < deadline;)
      await pause(10);
    expect(woken).toBeGreaterThan(0);
  }, 90_000);

  test('a server without a free connection is a typed error with a hint, and calls work when it has one', async () => {
    const store = await openPostgres({ pool: openPool(20), timeoutMs: 2_000, listen: 'poll' });
    onTestFinished(() => store.close());
    const greedy = openPool(20);
    const held = (await Promise.allSettled(Array.from({ length: 20 }, () => greedy.connect()))).flatMap(
      (outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []),
    );
    const errors = await Promise.all(
      Array.from({ length: 20 }, () =>
        store.get(['p', 'a']).then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    for (const client of held) client.release(true);
    const failures = errors.filter((error) => isPosternError(error, 'ERR_POSTERN_STORAGE_UNAVAILABLE'));
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.some((error) => error.hint?.includes('max_connections'))).toBe(true);
    await pause(500);
    expect(await store.get(['p', 'a'])).toBeUndefined();
  });
}

const isMissing = programDirectory === undefined && process.env['POSTERN_REQUIRE_SERVICES'] !== '1';
if (isMissing) {
  process.stderr.write(
    'skipped: PostgreSQL killed. Its programs were not found: apt-get install postgresql\n',
  );
}
describe.skipIf(isMissing)('PostgreSQL killed', () => {
  suite();
});

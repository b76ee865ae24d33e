import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { isPosternError } from '../../core/postern-error.ts';
import { openLocalStorage } from '../local.ts';
import { openSqlite, type SqliteOptions } from './index.ts';
import type { StorageBackend } from '../contract.ts';

const root = mkdtempSync(join(tmpdir(), 'postern-sqlite-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const unavailable = expect.objectContaining({
  code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
  cause: expect.any(Error),
  hint: expect.any(String),
});
const unsupported = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED' });
const value = Uint8Array.of(1);
const canary = 'CNRY_alice_77aa01';

let files = 0;
const freshPath = (): string => join(root, `store-${files++}.db`);

function open(path: string, options?: SqliteOptions): StorageBackend {
  const store = openSqlite(path, options);
  onTestFinished(() => store.close());
  return store;
}

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Another program on the same file, which does what no handle of ours would. */
function intruder(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  onTestFinished(() => database.close());
  return database;
}

const count = (path: string): number =>
  Number(intruder(path).prepare('SELECT count(*) AS n FROM entries').get()?.['n']);

describe('openSqlite', () => {
  test('database, log and index of the log are for their owner only, whatever the umask', async () => {
    const path = freshPath();
    const store = open(path);
    await store.commit([{ put: ['p', 'a'], value }]);
    for (const suffix of ['', '-wal', '-shm']) {
      expect([suffix, statSync(path + suffix).mode & 0o777]).toEqual([suffix, 0o600]);
    }
  });

  test('a path that looks like a URI is the name of a file', async () => {
    const before = process.cwd();
    const directory = join(root, 'uri');
    mkdirSync(directory);
    execFileSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `const { openSqlite } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))}); await openSqlite('file:x?mode=memory').close();`,
      ],
      { cwd: directory, timeout: 20_000 },
    );
    expect(readdirSync(directory)).toContain('file:x?mode=memory');
    expect(process.cwd()).toBe(before);
  });

  test('a store in memory says that it is neither durable nor shared', () => {
    expect(open(':memory:').capabilities).toMatchObject({ durable: false, shared: false, atRest: 'memory' });
    expect(open(freshPath()).capabilities).toMatchObject({ durable: true, shared: true, atRest: 'plain' });
  });

  test('entries and versions outlive the handle, and versions go on being new', async () => {
    const path = freshPath();
    const first = openSqlite(path);
    const [version] = (await first.commit([{ put: ['p', 'a'], value }]))!;
    await first.close();
    const second = open(path);
    expect((await second.get(['p', 'a']))?.version).toBe(version);
    await second.commit([{ delete: ['p', 'a'] }]);
    expect((await second.commit([{ put: ['p', 'a'], value }]))?.[0]).not.toBe(version);
  });

  test('a missing directory is unavailable, with cause and hint', () => {
    expect(thrownBy(() => openSqlite(join(root, 'none', 'a.db')))).toEqual(unavailable);
    expect(readdirSync(root)).not.toContain('none');
  });

  test('a directory in place of the file is unavailable', () => {
    expect(thrownBy(() => openSqlite(root))).toEqual(unavailable);
  });

  test('a file that is no database is unavailable, and left as it was', () => {
    const path = freshPath();
    writeFileSync(path, 'not a database '.repeat(100));
    expect(thrownBy(() => openSqlite(path))).toEqual(unavailable);
    expect(readFileSync(path, 'utf8')).toBe('not a database '.repeat(100));
  });

  test('a database with damaged pages is unavailable when they are read', async () => {
    const path = freshPath();
    const store = openSqlite(path);
    for (let index = 0; index < 50; index++)
      await store.commit([{ put: ['p', `${index}`], value: new Uint8Array(1_000) }]);
    await store.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4_096);
    writeFileSync(path, bytes);
    const failing =
      thrownBy(() => open(path)) ??
      (await open(path)
        .list(['p'])
        .catch((error: unknown) => error));
    expect(failing).toEqual(unavailable);
  });

  test('a newer schema is refused, and named', () => {
    const path = freshPath();
    void openSqlite(path).close();
    intruder(path).exec('PRAGMA user_version = 7');
    const error = thrownBy(() => openSqlite(path));
    expect(error).toEqual(unsupported);
    expect(isPosternError(error) && error.message).toMatch(/schema 7/u);
  });

  test('the database of another program is refused, and not changed', () => {
    const path = freshPath();
    const other = intruder(path);
    other.exec('CREATE TABLE theirs (x); PRAGMA user_version = 1');
    expect(thrownBy(() => openSqlite(path))).toEqual(unsupported);
    expect(other.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'delete' });
    expect(other.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'theirs' }]);
  });

  test('a file that stays locked is unavailable when the deadline is over, which the error names', async () => {
    const path = freshPath();
    const store = open(path, { busyTimeoutMs: 200 });
    const lock = intruder(path);
    lock.exec('BEGIN IMMEDIATE');
    const started = performance.now();
    const error = await store.commit([{ put: ['p', 'a'], value }]).catch((reason: unknown) => reason);
    expect(error).toEqual(unavailable);
    expect(isPosternError(error) && error.message).toContain('200 ms');
    expect(performance.now() - started).toBeGreaterThanOrEqual(200);
    expect(await store.get(['p', 'a'])).toBeUndefined();
    lock.exec('ROLLBACK');
    expect(await store.commit([{ put: ['p', 'a'], value }])).toHaveLength(1);
  });

  test('a wait for a lock leaves the process its other work', async () => {
    const path = freshPath();
    const store = open(path);
    const lock = intruder(path);
    lock.exec('BEGIN IMMEDIATE');
    const committed = store.commit([{ put: ['p', 'a'], value }]);
    // Only if timers run meanwhile is the lock ever given back.
    setTimeout(() => lock.exec('ROLLBACK'), 100);
    expect(await committed).toHaveLength(1);
  });

  test('writes that wait for a lock keep their order', async () => {
    const path = freshPath();
    const store = open(path);
    const lock = intruder(path);
    lock.exec('BEGIN IMMEDIATE');
    const commits = Array.from({ length: 600 }, (_, index) =>
      store.commit([{ put: ['p', 'a'], value: Uint8Array.of(index & 0xff, index >> 8) }]),
    );
    setTimeout(() => lock.exec('ROLLBACK'), 50);
    await Promise.all(commits);
    expect((await store.get(['p', 'a']))?.value).toEqual(Uint8Array.of(599 & 0xff, 599 >> 8));
  });

  test('an error of the database in the midst of a commit undoes all of it, and the store goes on afterwards', async () => {
    const path = freshPath();
    const store = open(path);
    await store.commit([{ put: ['p', 'kept'], value }]);
    const other = intruder(path);
    other.exec(
      "CREATE TRIGGER fail BEFORE INSERT ON entries WHEN new.path = 'second' BEGIN SELECT raise(ABORT, 'no'); END",
    );
    const error = await store
      .commit([
        { put: ['p', 'first'], value },
        { put: ['p', 'second'], value },
      ])
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    expect((await store.list(['p'])).map((entry) => entry.key[1])).toEqual(['kept']);
    other.exec('DROP TRIGGER fail');
    expect(await store.commit([{ put: ['p', 'second'], value }])).toHaveLength(1);
  });

  test('rows that have expired are cleared while others are written', async () => {
    let nowMs = 0;
    const path = freshPath();
    const store = open(path, { clock: () => nowMs });
    await Promise.all(
      Array.from({ length: 5_000 }, (_, index) =>
        store.commit([{ put: ['p', `${index}`], value, expiresAtMs: 1_000 }]),
      ),
    );
    await store.commit([{ put: ['live', 'a'], value }]);
    expect(count(path)).toBe(5_001);
    nowMs = 1_000;
    await Promise.all(Array.from({ length: 2_000 }, () => store.commit([{ put: ['live', 'b'], value }])));
    expect(count(path)).toBe(2);
  });

  test('old signals are cleared, and their numbers go on', async () => {
    const path = freshPath();
    const store = open(path);
    for (let turn = 0; turn < 30; turn++) {
      await Promise.all(Array.from({ length: 100 }, () => store.signal('c')));
    }
    // A signal joins the next transaction, which is this one's.
    await store.commit([{ put: ['c', 'a'], value }]);
    const row = intruder(path).prepare('SELECT count(*) AS n, max(seq) AS last FROM signals').get();
    expect(row?.['last']).toBe(3_000);
    expect(Number(row?.['n'])).toBeLessThanOrEqual(1_064);
  });

  test('a listener that missed more signals than are kept is woken all the same', async () => {
    const path = freshPath();
    const [store, other] = [open(path), open(path, { pollMs: 5 })];
    const woken = new Promise<string>((resolve) => {
      void other.listen('mine', () => resolve('woken'));
    });
    await Promise.all([store.signal('mine'), ...Array.from({ length: 3_000 }, () => store.signal('other'))]);
    expect(await woken).toBe('woken');
  });

  test('a handle that listens does not keep the process alive', () => {
    const script = `const { openSqlite } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
      await openSqlite(${JSON.stringify(freshPath())}).listen('c', () => {}); console.log('listening');`;
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect(output).toBe('listening\n');
  });
});

describe('openLocalStorage', () => {
  test('nothing in its directory holds a value in the clear, and all of it is for the owner only', async () => {
    const directory = join(root, 'local');
    const store = openLocalStorage(directory);
    for (let index = 0; index < 20; index++) {
      await store.commit([
        { put: ['p', `${index}`], value: new TextEncoder().encode(`{"token":"${canary}${index}"}`) },
      ]);
    }
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    const names = readdirSync(directory);
    expect(names).toEqual(expect.arrayContaining(['postern.db', 'postern.db-wal', 'postern.keys']));
    for (const name of names) {
      expect([name, statSync(join(directory, name)).mode & 0o777]).toEqual([name, 0o600]);
      const dump = readFileSync(join(directory, name)).toString('latin1');
      for (const form of [canary, btoa(canary).slice(0, 16), Buffer.from(canary).toString('hex')])
        expect(dump).not.toContain(form);
    }
    await store.close();
    const again = openLocalStorage(directory);
    onTestFinished(() => again.close());
    expect(new TextDecoder().decode((await again.get(['p', '7']))?.value)).toContain(`${canary}7`);
  });

  test('a database whose keyring is gone is refused, and no fresh key is made', async () => {
    const directory = join(root, 'keyless');
    await openLocalStorage(directory).close();
    unlinkSync(join(directory, 'postern.keys'));
    expect(thrownBy(() => openLocalStorage(directory))).toMatchObject({
      code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID',
    });
    expect(readdirSync(directory)).not.toContain('postern.keys');
  });

  test('a keyring that others can read is refused', async () => {
    const directory = join(root, 'readable');
    await openLocalStorage(directory).close();
    chmodSync(join(directory, 'postern.keys'), 0o644);
    expect(thrownBy(() => openLocalStorage(directory))).toMatchObject({
      code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID',
    });
  });

  test('a file in place of its directory is unavailable', () => {
    const path = freshPath();
    writeFileSync(path, '');
    expect(thrownBy(() => openLocalStorage(path))).toEqual(unavailable);
  });
});

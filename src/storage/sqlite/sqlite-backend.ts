import type { DatabaseSync } from 'node:sqlite';
import { encodeBase64Url } from '../../core/base64url.ts';
import { sleep, systemClock, type Clock } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { systemRandom } from '../../core/random.ts';
import { checkCommit, entryPathOf, type CheckedChange, type CheckedCommit } from '../checked-commit.ts';
import {
  absent,
  type Capabilities,
  type Change,
  type Entry,
  type Key,
  type Page,
  type Partitions,
  type PartitionsPage,
  type StorageBackend,
} from '../contract.ts';
import { decodePath } from '../keys.ts';
import { pageRange, partitionsLimit } from '../page-range.ts';
import { memoryPath, openDatabase } from './sqlite-database.ts';
import { isBusy, sqliteError } from './sqlite-error.ts';
import { SqliteSignals } from './sqlite-signals.ts';
import { prepareStatements, type SqliteStatements } from './sqlite-statements.ts';
import { SqliteWriteQueue } from './sqlite-write-queue.ts';

/** How a SQLite store is opened. */
export interface SqliteOptions {
  /** Judges expiry. Processes on one file must agree on it. */
  readonly clock?: Clock | undefined;
  /** How long a call waits for other processes to let go of the file. Default 5,000 ms. */
  readonly busyTimeoutMs?: number | undefined;
  /** How often a process that listens looks for the signals of others. Default 20 ms. */
  readonly pollMs?: number | undefined;
}

/** How long SQLite itself waits for a lock. It blocks the process meanwhile, so the rest of the time is spent outside. */
const blockingWaitMs = 15;

/** How often expired rows are cleared, in changes, and how many at once: faster than they can be made. */
const changesPerSweep = 16;
const rowsPerSweep = 50;

const encoder = new TextEncoder();
/** A name may begin with what a decoder takes for a byte order mark. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

interface EntryRow {
  readonly value: Uint8Array;
  readonly version: string;
  readonly expires_at: number | null;
}

/**
 * A store in one SQLite file, which the processes of one machine may share.
 *
 * A commit is on the disk when it resolves. Use {@link openSqlite} to make one.
 */
export class SqliteBackend implements StorageBackend {
  readonly capabilities: Capabilities;
  readonly #database: DatabaseSync;
  readonly #statements: SqliteStatements;
  readonly #writes: SqliteWriteQueue;
  readonly #signals: SqliteSignals;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #busyTimeoutMs: number;
  /** Of this handle alone, so that a counter makes versions no other handle or life of the file can make. */
  readonly #versionPrefix: string;
  #lastVersion = 0;
  #changesSinceSweep = 0;
  #closing: Promise<void> | undefined;

  /**
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the file cannot be opened, read or written.
   * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when another program or a newer version wrote it.
   */
  constructor(path: string, options: SqliteOptions = {}) {
    const { clock = systemClock, busyTimeoutMs = 5_000, pollMs = 20 } = options;
    this.#name = JSON.stringify(path);
    this.#clock = clock;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#versionPrefix = encodeBase64Url(systemRandom(12));
    this.#database = openDatabase(path, busyTimeoutMs);
    this.#database.exec(`PRAGMA busy_timeout = ${Math.min(blockingWaitMs, Math.ceil(busyTimeoutMs))}`);
    this.#statements = prepareStatements(this.#database);
    this.#writes = new SqliteWriteQueue(this.#database, this.#statements, {
      name: this.#name,
      busyTimeoutMs,
    });
    this.#signals = new SqliteSignals(this.#statements, pollMs);
    const isFile = path !== memoryPath;
    this.capabilities = {
      durable: isFile,
      shared: isFile,
      atRest: isFile ? 'plain' : 'memory',
      maxValueBytes: 1_048_576,
    };
  }

  async get(key: Key): Promise<Entry | undefined> {
    const path = entryPathOf(key);
    const row = (await this.#read(() =>
      this.#statements.get.get({ partition: key[0], path, now: this.#clock() }),
    )) as EntryRow | undefined;
    return row && entryOf([...key], row);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    const range = pageRange(prefix, page);
    const rows = (await this.#read(() =>
      this.#statements.list.all({ ...range, now: this.#clock() }),
    )) as unknown as (EntryRow & { readonly path: string })[];
    return rows.map((row) => entryOf([range.partition, ...decodePath(row.path)], row));
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    const size = partitionsLimit(page);
    const { after = '' } = page;
    const rows = (await this.#read(() =>
      this.#statements.partitions.all({ after: encoder.encode(after), limit: size + 1 }),
    )) as unknown as { readonly partition: Uint8Array }[];
    const partitions = rows.slice(0, size).map(({ partition }) => decoder.decode(partition));
    return { partitions, ...(rows.length > size && { next: partitions.at(-1) }) };
  }

  now(): Promise<number> {
    return Promise.resolve(this.#clock());
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#mustBeOpen();
    const checked = copyValues(checkCommit(changes, this.capabilities.maxValueBytes));
    if (checked.changes.length === 0) return [];
    return this.#writes.run(() => this.#apply(checked));
  }

  async signal(channel: string): Promise<void> {
    this.#mustBeOpen();
    this.#signals.wake(channel);
    if (this.capabilities.shared) this.#writes.join(() => this.#signals.write(channel));
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    const unlisten = await this.#read(() => this.#signals.listen(channel, wake));
    return async () => unlisten();
  }

  /** Ends the writes that were asked for, then closes the file. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#signals.close();
    await this.#writes.drained();
    this.#database.close();
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) {
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${this.#name} was closed`);
    }
  }

  /** Readers never wait for writers, but now and then for a process that opens, closes or repairs the file. */
  async #read<T>(read: () => T): Promise<T> {
    const deadline = performance.now() + this.#busyTimeoutMs;
    for (;;) {
      this.#mustBeOpen();
      try {
        return read();
      } catch (error) {
        if (!isBusy(error)) throw sqliteError(`${this.#name} could not be read`, error);
        if (performance.now() >= deadline) {
          throw sqliteError(`${this.#name} stayed locked for ${this.#busyTimeoutMs} ms`, error);
        }
      }
      await sleep(5);
    }
  }

  #apply({ partition, changes }: CheckedCommit): string[] | undefined {
    const now = this.#clock();
    // Others share the transaction: what was written before an expectation failed is undone by itself.
    const needsUndo = changes.length > 1 && changes.some((change) => change.expect !== undefined);
    const { savepoint, rollbackToSavepoint, releaseSavepoint } = this.#statements;
    if (needsUndo) savepoint.run();
    const versions: string[] = [];
    for (const change of changes) {
      const version = this.#change(partition, change, now);
      if (version === undefined) {
        if (needsUndo) {
          rollbackToSavepoint.run();
          releaseSavepoint.run();
        }
        return undefined;
      }
      versions.push(version);
    }
    if (needsUndo) releaseSavepoint.run();
    this.#sweepNowAndThen(changes.length, now);
    return versions;
  }

  /** The new version, or `undefined` when the expectation failed. Each check is part of the statement that writes. */
  #change(partition: string, change: CheckedChange, now: number): string | undefined {
    const { path, value, expect } = change;
    const statements = this.#statements;
    if (value === undefined) {
      if (expect === undefined) {
        statements.delete.run({ partition, path });
        return '';
      }
      if (expect === absent) {
        statements.deleteExpired.run({ partition, path, now });
        return statements.get.get({ partition, path, now }) === undefined ? '' : undefined;
      }
      const { changes } = statements.deleteVersion.run({ partition, path, expect, now });
      return Number(changes) === 1 ? '' : undefined;
    }
    const version = `${this.#versionPrefix}.${(++this.#lastVersion).toString(36)}`;
    const row = { partition, path, value, version, expires: change.expiresAtMs ?? null };
    if (expect === undefined) {
      statements.put.run(row);
      return version;
    }
    const { changes } =
      expect === absent
        ? statements.putAbsent.run({ ...row, now })
        : statements.putVersion.run({ ...row, expect, now });
    return Number(changes) === 1 ? version : undefined;
  }

  #sweepNowAndThen(changes: number, now: number): void {
    this.#changesSinceSweep += changes;
    if (this.#changesSinceSweep < changesPerSweep) return;
    const limit = Math.max(rowsPerSweep, this.#changesSinceSweep * 2);
    this.#changesSinceSweep = 0;
    this.#statements.sweep.run({ now, limit });
  }
}

/** The caller may reuse its arrays before the transaction comes. */
function copyValues({ partition, changes }: CheckedCommit): CheckedCommit {
  return {
    partition,
    changes: changes.map((change) =>
      change.value === undefined ? change : { ...change, value: new Uint8Array(change.value) },
    ),
  };
}

function entryOf(key: Key, { value, version, expires_at: expiresAtMs }: EntryRow): Entry {
  return expiresAtMs === null ? { key, value, version } : { key, value, version, expiresAtMs };
}

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PosternError } from '../../core/postern-error.ts';
import { createPrivateFile } from '../create-private-file.ts';
import { isBusy, sqliteError } from './sqlite-error.ts';

/** The layout this version reads and writes. */
const schemaVersion = 1;

/** Marks the file as ours: `Pstr`. */
const applicationId = 0x50737472;

/** With row ids: without them SQLite puts most of a value of 1 KiB on a page of its own, and every read takes two. */
const schema = `
  CREATE TABLE entries (
    partition TEXT NOT NULL,
    path TEXT NOT NULL,
    value BLOB NOT NULL,
    version TEXT NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (partition, path)
  ) STRICT;
  CREATE INDEX entries_by_expiry ON entries (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE signals (seq INTEGER PRIMARY KEY, channel TEXT NOT NULL) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/** The name of a database that is in memory and ends with its handle. */
export const memoryPath = ':memory:';

/**
 * Opens a database file of ours for reading and writing, and creates it when it is missing, for its owner only.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when it cannot be opened, read or written,
 * or stays locked for `busyTimeoutMs`.
 * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when another program or a newer version wrote it.
 */
export function openDatabase(path: string, busyTimeoutMs: number): DatabaseSync {
  if (typeof path !== 'string' || path === '') throw new TypeError('the path of a database is a text');
  const name = JSON.stringify(path);
  let database: DatabaseSync | undefined;
  try {
    // Absolute, so that SQLite never takes a name that starts with `file:` for a URI.
    const file = path === memoryPath ? path : resolve(path);
    if (file !== memoryPath && !existsSync(file)) createPrivateFile(file, '');
    database = new DatabaseSync(file);
    database.exec(`PRAGMA busy_timeout = ${Math.ceil(busyTimeoutMs)}`);
    mustBeOurs(database, name);
    useWriteAheadLog(database, performance.now() + busyTimeoutMs);
    createSchema(database, name);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof PosternError) throw error;
    throw isBusy(error)
      ? sqliteError(`${name} stayed locked for ${busyTimeoutMs} ms while it was being opened`, error)
      : sqliteError(`${name} could not be opened for reading and writing`, error);
  }
}

function mustBeOurs(database: DatabaseSync, name: string): void {
  const { found, version, isEmpty } = readMarks(database);
  if (isEmpty && version === 0 && (found === 0 || found === applicationId)) return;
  if (found !== applicationId) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED',
      `${name} is the database of another program`,
      { hint: 'Give Postern a file of its own.' },
    );
  }
  if (version !== schemaVersion) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED',
      `${name} has schema ${String(version)}; this version of Postern knows up to ${schemaVersion}`,
      { hint: 'Use at least the version of Postern that last wrote this file.' },
    );
  }
}

/** In one transaction: another process may be making the tables, and between two reads it would look like a stranger's file. */
function readMarks(database: DatabaseSync): { found: unknown; version: unknown; isEmpty: boolean } {
  database.exec('BEGIN');
  try {
    return {
      isEmpty: database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined,
      found: pragma(database, 'application_id'),
      version: pragma(database, 'user_version'),
    };
  } finally {
    rollBack(database);
  }
}

function useWriteAheadLog(database: DatabaseSync, deadline: number): void {
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL');
      break;
    } catch (error) {
      // SQLite does not wait here by itself when two processes switch a new file at once.
      if (!isBusy(error) || performance.now() >= deadline) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
  }
  database.exec('PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF');
}

function createSchema(database: DatabaseSync, name: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const version = pragma(database, 'user_version');
    if (version === 0) database.exec(schema);
    // It is a write: whoever may only read the file is told so now and not at the first commit.
    if (version === schemaVersion) database.exec(`PRAGMA user_version = ${schemaVersion}`);
    // Which needs not reach the disk, and would be waited for.
    database.exec(version === schemaVersion ? 'ROLLBACK' : 'COMMIT');
  } catch (error) {
    rollBack(database);
    throw error;
  }
  mustBeOurs(database, name);
}

/** Ends a transaction that failed. */
export function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // Some errors, a full disk among them, have already ended it.
  }
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`PRAGMA ${name}`).get()?.[name];
}

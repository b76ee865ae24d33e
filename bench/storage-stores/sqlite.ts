import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { filled } from './driver-side.ts';
import {
  listLength,
  value,
  valueBytes,
  type FilledStore,
  type Side,
  type StoreUnderBench,
} from './store-under-bench.ts';

/** SQLite files in a directory. */
export async function openSqliteStore(directory: string): Promise<StoreUnderBench> {
  const path = join(directory, 'postern.db');
  const handles = [openSqlite(path), openSqlite(path)] as const;
  const raw = new DatabaseSync(join(directory, 'raw.db'));
  return {
    label: 'SQLite',
    notes: [
      'SQLite: both sides WAL and synchronous=FULL in one directory. Writes of the driver that wait at the same time share a flush; the bare client has one for each.',
    ],
    handles,
    raw: { side: rawSide(raw) },
    pollMs: 20,
    sizes: [100, 1_000, 10_000, 100_000],
    openFilled: (namespaces) => openFilled(join(directory, `${namespaces}.db`), namespaces),
    async close() {
      raw.close();
      await Promise.all(handles.map((handle) => handle.close()));
    },
  };
}

function rawSide(database: DatabaseSync): Side {
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;
    CREATE TABLE record (path TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  const put = database.prepare('INSERT OR REPLACE INTO record VALUES (?, ?, ?)');
  const replace = database.prepare('UPDATE record SET value = ?, version = ? WHERE path = ? AND version = ?');
  const get = database.prepare('SELECT value, version FROM record WHERE path = ?');
  const list = database.prepare(
    'SELECT path, value, version FROM record WHERE path > ? AND path < ? ORDER BY path LIMIT 100',
  );
  const take = database.prepare('DELETE FROM record WHERE path = ? RETURNING value');
  const versions = new Map<number, number>();
  let last = 0;

  for (let index = 0; index < listLength; index++) put.run(`list:${index + 100}`, value, 0);
  return {
    async put(at) {
      versions.set(at, ++last);
      return put.run(`record:${at}`, value, last).changes === 1;
    },
    async replace(at) {
      const { changes } = replace.run(value, ++last, `record:${at}`, versions.get(at) ?? null);
      versions.set(at, last);
      return changes === 1;
    },
    get: async (at) => lengthOf(get.get(`record:${at}`)) === valueBytes,
    list: async () => list.all('list:', 'list;').length === listLength,
    take: async (at) => lengthOf(take.get(`record:${at}`)) === valueBytes,
  };
}

function openFilled(path: string, namespaces: number): Promise<FilledStore> {
  const backend = openSqlite(path);
  const bare = new DatabaseSync(path, { readOnly: true });
  const get = bare.prepare('SELECT value, version FROM entries WHERE partition = ? AND path = ?');
  return filled(backend, namespaces, {
    bareGet: async (namespace) => lengthOf(get.get(namespace, 'record')) === valueBytes,
    close: () => bare.close(),
  });
}

function lengthOf(row: Record<string, unknown> | undefined): number | undefined {
  return (row?.['value'] as Uint8Array | undefined)?.byteLength;
}

import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Everything the driver says to SQLite while it is open, prepared once. */
export interface SqliteStatements {
  readonly get: StatementSync;
  readonly list: StatementSync;
  readonly partitions: StatementSync;
  readonly put: StatementSync;
  readonly putAbsent: StatementSync;
  readonly putVersion: StatementSync;
  readonly delete: StatementSync;
  readonly deleteExpired: StatementSync;
  readonly deleteVersion: StatementSync;
  readonly sweep: StatementSync;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
  readonly savepoint: StatementSync;
  readonly rollbackToSavepoint: StatementSync;
  readonly releaseSavepoint: StatementSync;
  readonly addSignal: StatementSync;
  readonly pruneSignals: StatementSync;
  readonly signalsAfter: StatementSync;
  readonly lastSignal: StatementSync;
  readonly dataVersion: StatementSync;
}

const put = `INSERT INTO entries (partition, path, value, version, expires_at)
  VALUES (:partition, :path, :value, :version, :expires)
  ON CONFLICT (partition, path) DO UPDATE
  SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at`;

const key = 'partition = :partition AND path = :path';
const isLive = '(expires_at IS NULL OR expires_at > :now)';

export function prepareStatements(database: DatabaseSync): SqliteStatements {
  const prepare = (sql: string): StatementSync => database.prepare(sql);
  return {
    get: prepare(`SELECT value, version, expires_at FROM entries WHERE ${key} AND ${isLive}`),
    // A range, never LIKE: no segment means anything to it, and the primary key answers it in order.
    list: prepare(`SELECT path, value, version, expires_at FROM entries
      WHERE partition = :partition AND path > :after AND path < :before AND ${isLive} ORDER BY path LIMIT :limit`),
    // From one partition to the next, each found by the primary key: DISTINCT would read every row. As bytes, for a text
    // of ours may hold a NUL.
    partitions: prepare(`WITH RECURSIVE found (partition) AS (
      SELECT min(partition) FROM entries WHERE partition > CAST(:after AS TEXT)
      UNION ALL SELECT (SELECT min(partition) FROM entries WHERE partition > found.partition) FROM found
        WHERE found.partition IS NOT NULL
    ) SELECT CAST(partition AS BLOB) AS partition FROM found WHERE partition IS NOT NULL LIMIT :limit`),
    put: prepare(put),
    putAbsent: prepare(`${put} WHERE entries.expires_at <= :now`),
    putVersion: prepare(`UPDATE entries SET value = :value, version = :version, expires_at = :expires
      WHERE ${key} AND version = :expect AND ${isLive}`),
    delete: prepare(`DELETE FROM entries WHERE ${key}`),
    deleteExpired: prepare(`DELETE FROM entries WHERE ${key} AND expires_at <= :now`),
    deleteVersion: prepare(`DELETE FROM entries WHERE ${key} AND version = :expect AND ${isLive}`),
    sweep: prepare(`DELETE FROM entries WHERE (partition, path) IN
      (SELECT partition, path FROM entries WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit)`),
    begin: prepare('BEGIN IMMEDIATE'),
    commit: prepare('COMMIT'),
    savepoint: prepare('SAVEPOINT one_commit'),
    rollbackToSavepoint: prepare('ROLLBACK TO one_commit'),
    releaseSavepoint: prepare('RELEASE one_commit'),
    addSignal: prepare('INSERT INTO signals (channel) VALUES (:channel)'),
    pruneSignals: prepare('DELETE FROM signals WHERE seq <= (SELECT max(seq) FROM signals) - :kept'),
    signalsAfter: prepare('SELECT seq, channel FROM signals WHERE seq > :seq ORDER BY seq LIMIT :limit'),
    lastSignal: prepare('SELECT coalesce(max(seq), 0) AS seq FROM signals'),
    dataVersion: prepare('PRAGMA data_version'),
  };
}

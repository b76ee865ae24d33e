/** What the driver needs of a statement: `D1PreparedStatement` of Cloudflare Workers. */
export interface D1Statement {
  bind(...values: readonly unknown[]): D1Statement;
}

/** What the driver needs of a database: the binding, a `D1Database` of Cloudflare Workers. */
export interface D1Database {
  prepare(sql: string): D1Statement;
  /** One transaction. */
  batch(statements: D1Statement[]): Promise<readonly { readonly results?: readonly unknown[] | undefined }[]>;
}

/**
 * The tables of a store, each statement by itself: for `wrangler d1 migrations`, joined by `;`. Repeating them changes
 * nothing.
 */
export const d1Schema: readonly string[] = [
  `CREATE TABLE IF NOT EXISTS postern_entries (
  partition TEXT NOT NULL,
  path TEXT NOT NULL,
  value TEXT NOT NULL,
  version TEXT NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (partition, path)
) WITHOUT ROWID`,
  'CREATE INDEX IF NOT EXISTS postern_expiry ON postern_entries (expires_at) WHERE expires_at IS NOT NULL',
  'CREATE TABLE IF NOT EXISTS postern_commits (id TEXT PRIMARY KEY) WITHOUT ROWID',
  'CREATE TABLE IF NOT EXISTS postern_signals (id TEXT PRIMARY KEY, number TEXT NOT NULL, signalled_at INTEGER NOT NULL) WITHOUT ROWID',
];

/** Makes the tables where they are missing: for tests and first starts. A deployment has them by a migration. */
export async function ensureD1Tables(database: D1Database): Promise<void> {
  await database.batch(d1Schema.map((sql) => database.prepare(sql)));
}

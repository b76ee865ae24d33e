import { constants, DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import type { QueryAnswer } from './sql-driver.ts';

export interface SqliteQuery {
  readonly path: string;
  readonly sql: string;
  readonly maxRows: number;
}

export type SqliteReply = { readonly answer: QueryAnswer } | { readonly refused: string };

const { SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE, SQLITE_OK, SQLITE_DENY } = constants;
const reading: ReadonlySet<number> = new Set([SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE]);

process.once('message', (query: SqliteQuery) => {
  process.send?.(answer(query) satisfies SqliteReply);
});

function answer({ path, sql, maxRows }: SqliteQuery): SqliteReply {
  try {
    using file = new DatabaseSync(path, { readOnly: true });
    // Read-only alone would still let ATTACH open other files.
    file.setAuthorizer((action, table) =>
      reading.has(action) && table !== 'login' ? SQLITE_OK : SQLITE_DENY,
    );
    const statement = file.prepare(sql);
    const columns = statement.columns().map(({ name }) => name);
    const rows: string[][] = [];
    for (const row of statement.iterate()) {
      rows.push(columns.map((column) => textOfCell(row[column])));
      if (rows.length > maxRows) break;
    }
    return { answer: { columns, rows: rows.slice(0, maxRows), truncated: rows.length > maxRows } };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : '' };
  }
}

function textOfCell(value: SQLOutputValue | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  const text = value instanceof Uint8Array ? `${value.length} bytes` : String(value);
  return text.length > 1_000 ? `${text.slice(0, 1_000)}…` : text;
}

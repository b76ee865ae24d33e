import type { SecretVerdict } from '../../src/oob/index.ts';
import type { DatabaseLogin } from './login.ts';

export interface QueryLimits {
  /** Rows beyond these are not fetched. */
  readonly maxRows: number;
  readonly timeoutMs: number;
}

export interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Whether there were more rows than were asked for. */
  readonly truncated: boolean;
}

/** Why a database did not answer a query. */
export class QueryError extends Error {
  override readonly name: string = 'QueryError';
  readonly reason: 'login-refused' | 'unreachable' | 'too-slow' | 'refused';

  /** @param detail what the database says about the SQL text; never about the login. */
  constructor(reason: QueryError['reason'], detail = '') {
    super(detail);
    this.reason = reason;
  }
}

/** One kind of database. */
export interface SqlDriver {
  readonly engine: 'PostgreSQL' | 'SQLite';
  /** Tries a login. Throws when that is not possible just now; ends when the signal aborts. */
  ping(login: DatabaseLogin, signal: AbortSignal): Promise<SecretVerdict>;
  /** Runs one statement that reads. Nothing it does lasts. @throws {QueryError} */
  query(login: DatabaseLogin, sql: string, limits: QueryLimits): Promise<QueryAnswer>;
}

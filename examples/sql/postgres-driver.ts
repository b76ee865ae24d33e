import { Client, DatabaseError, type QueryArrayConfig } from 'pg';
import type { SecretVerdict } from '../../src/oob/index.ts';
import type { DatabaseLogin } from './login.ts';
import { QueryError, type QueryAnswer, type QueryLimits, type SqlDriver } from './sql-driver.ts';

/** A wrong password, a role that may not log in, a database that does not exist. */
const refusedLogins: ReadonlySet<string | undefined> = new Set(['28P01', '28000', '3D000', '42501']);
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** PostgreSQL, over a connection of its own for each call. */
export const postgresDriver: SqlDriver = {
  engine: 'PostgreSQL',

  async ping(login, signal): Promise<SecretVerdict> {
    const client = createClient(login, 10_000);
    const stop = (): void => void client.end().catch(() => {});
    signal.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      await client.query('SELECT 1');
      return 'accepted';
    } catch (error) {
      if (error instanceof DatabaseError && refusedLogins.has(error.code)) return 'rejected';
      throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  },

  async query(login, sql, limits): Promise<QueryAnswer> {
    const client = createClient(login, limits.timeoutMs);
    try {
      await client.connect();
    } catch (error) {
      const refused = error instanceof DatabaseError && refusedLogins.has(error.code);
      throw new QueryError(refused ? 'login-refused' : 'unreachable');
    }
    try {
      return await read(client, sql, limits);
    } catch (error) {
      throw queryError(error);
    } finally {
      await client.end().catch(() => {});
    }
  },
};

function createClient(login: DatabaseLogin, timeoutMs: number): Client {
  const client = new Client({
    ...login,
    connectionTimeoutMillis: timeoutMs,
    // The database ends it first; this is for one that has stopped answering.
    query_timeout: timeoutMs + 2_000,
    application_name: 'postern-example',
    ssl: !loopback.has(login.host),
  });
  // What a broken connection says, the query that waits on it says too.
  client.on('error', () => {});
  return client;
}

/**
 * Reads through a cursor in a transaction that cannot write.
 *
 * The extended protocol takes one statement, and a cursor one that returns rows: a text that closes the transaction
 * and goes on in another has no way through.
 */
async function read(client: Client, sql: string, { maxRows, timeoutMs }: QueryLimits): Promise<QueryAnswer> {
  await client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${Math.round(timeoutMs)}`);
  // The type does not know the option.
  const declare = { text: `DECLARE answer NO SCROLL CURSOR FOR ${sql}`, queryMode: 'extended' };
  await client.query(declare);
  const fetching: QueryArrayConfig = {
    text: `FETCH ${maxRows + 1} FROM answer`,
    rowMode: 'array',
    // Every value as the database writes it.
    types: { getTypeParser: () => (text: string) => text },
  };
  const { fields, rows } = await client.query<(string | null)[]>(fetching);
  await client.query('ROLLBACK');
  return {
    columns: fields.map(({ name }) => name),
    rows: rows.slice(0, maxRows).map((row) => row.map(textOfCell)),
    truncated: rows.length > maxRows,
  };
}

function textOfCell(value: string | null): string {
  if (value === null) return 'NULL';
  return value.length > 1_000 ? `${value.slice(0, 1_000)}…` : value;
}

function queryError(error: unknown): QueryError {
  if (!(error instanceof DatabaseError)) return new QueryError('unreachable');
  if (error.code === '57014') return new QueryError('too-slow');
  return new QueryError('refused', error.message);
}

import { randomBytes } from 'node:crypto';
import { Client } from 'pg';

/**
 * A database of its own on the PostgreSQL of this machine (`POSTGRES_URL`), dropped at the end; where there is none, nothing,
 * and the guide's reader works on SQLite.
 *
 * @throws {Error} when there is none and `POSTERN_REQUIRE_SERVICES` is 1.
 */
export async function openOwnDatabase(): Promise<
  AsyncDisposable & { readonly env: Readonly<Record<string, string>> }
> {
  const connectionString = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
  const client = new Client({ connectionString, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
  } catch (error) {
    if (process.env['POSTERN_REQUIRE_SERVICES'] === '1') throw error;
    process.stderr.write('no PostgreSQL answers: the operator works on SQLite\n');
    return { env: {}, [Symbol.asyncDispose]: async () => {} };
  }
  const name = `postern_users_${randomBytes(6).toString('hex')}`;
  await client.query(`CREATE DATABASE ${name}`);
  const url = new URL(connectionString);
  url.pathname = `/${name}`;
  return {
    env: { DATABASE_URL: url.href },
    async [Symbol.asyncDispose]() {
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await client.end();
    },
  };
}

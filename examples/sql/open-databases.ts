import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { DatabaseLogin } from './login.ts';
import { postgresDriver } from './postgres-driver.ts';
import { findPostgresPrograms, startPostgres } from './start-postgres.ts';
import type { SqlDriver } from './sql-driver.ts';
import { changeSqlitePassword, createSqliteDatabase, sqliteDriver } from './sqlite-driver.ts';

/** Databases to try the server with. */
export interface Databases extends AsyncDisposable {
  readonly driver: SqlDriver;
  /** One login for each database; their people know the passwords, and nobody else. */
  readonly logins: Readonly<Record<'shop' | 'library', DatabaseLogin>>;
  /** Changes it at the database, as its person would. `logins` stay as they were. */
  changePassword(login: DatabaseLogin, password: string): Promise<void>;
}

const tables = {
  shop: "CREATE TABLE orders (id INTEGER, item TEXT); INSERT INTO orders VALUES (1, 'kettle'), (2, 'teapot'), (3, 'samovar');",
  library:
    "CREATE TABLE books (id INTEGER, title TEXT); INSERT INTO books VALUES (1, 'Emma'), (2, 'Dracula');",
};

/** PostgreSQL, with passwords that are checked, in a cluster of its own; SQLite where its programs are not installed. */
export async function openDatabases(
  options: { readonly engine?: SqlDriver['engine'] | undefined } = {},
): Promise<Databases> {
  const programs = options.engine === 'SQLite' ? undefined : findPostgresPrograms();
  if (programs === undefined) return openSqliteDatabases();
  const server = await startPostgres(programs);
  try {
    const loginTo = (name: string): DatabaseLogin => ({
      host: '127.0.0.1',
      port: server.port,
      database: name,
      user: `${name}_reader`,
      password: newPassword(),
    });
    const logins = { shop: loginTo('shop'), library: loginTo('library') };
    const { password } = server;
    const as = (database: string): Client =>
      new Client({ host: '127.0.0.1', port: server.port, user: 'postgres', password, database });
    for (const name of ['shop', 'library'] as const) {
      const { user, password: its } = logins[name];
      await run(as('postgres'), [
        `CREATE ROLE ${user} LOGIN PASSWORD '${its}'`,
        `CREATE DATABASE ${name}`,
        `REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`,
        `GRANT CONNECT ON DATABASE ${name} TO ${user}`,
      ]);
      // It could write, so that what keeps it from that is the server's read-only transaction.
      await run(as(name), [tables[name], `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${user}`]);
    }
    return {
      driver: postgresDriver,
      logins,
      changePassword: (login, changed) =>
        run(new Client({ ...login }), [`ALTER ROLE ${login.user} PASSWORD '${changed}'`]),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function openSqliteDatabases(): Promise<Databases> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-sqlite-'));
  const loginTo = (name: string): DatabaseLogin => ({
    host: 'localhost',
    port: 1,
    database: name,
    user: `${name}_reader`,
    password: newPassword(),
  });
  const logins = { shop: loginTo('shop'), library: loginTo('library') };
  for (const name of ['shop', 'library'] as const)
    createSqliteDatabase(directory, logins[name], tables[name]);
  return {
    driver: sqliteDriver(directory),
    logins,
    changePassword: async (login, password) => changeSqlitePassword(directory, { ...login, password }),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

function newPassword(): string {
  return randomBytes(12).toString('hex');
}

async function run(client: Client, statements: readonly string[]): Promise<void> {
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

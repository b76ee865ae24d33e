import { fork } from 'node:child_process';
import { scryptSync, timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { DatabaseLogin } from './login.ts';
import { QueryError, type QueryAnswer, type SqlDriver } from './sql-driver.ts';
import type { SqliteQuery, SqliteReply } from './sqlite-process.ts';

/**
 * SQLite where there is no PostgreSQL: a file for each database, and beside its tables one of logins, which SQLite
 * itself does not have.
 */
export function sqliteDriver(directory: string): SqlDriver {
  const accepts = ({ database, user, password }: DatabaseLogin): boolean => {
    const path = pathOf(directory, database);
    if (!existsSync(path)) return false;
    using file = new DatabaseSync(path, { readOnly: true });
    const row = file.prepare('SELECT salt, hash FROM login WHERE user = ?').get(user);
    if (row === undefined) return false;
    return timingSafeEqual(hashPassword(password, row['salt'] as Uint8Array), row['hash'] as Uint8Array);
  };
  return {
    engine: 'SQLite',
    ping: async (login) => (accepts(login) ? 'accepted' : 'rejected'),
    async query(login, sql, { maxRows, timeoutMs }) {
      if (!accepts(login)) throw new QueryError('login-refused');
      // A process of its own can be ended; a thread cannot, while SQLite computes in it.
      const reader = fork(new URL('./sqlite-process.ts', import.meta.url), { execArgv: ['--no-warnings'] });
      const { promise, resolve, reject } = Promise.withResolvers<QueryAnswer>();
      const timer = setTimeout(() => reject(new QueryError('too-slow')), timeoutMs);
      reader.once('message', (message: SqliteReply) => {
        if ('answer' in message) resolve(message.answer);
        else reject(new QueryError('refused', message.refused));
      });
      reader.once('error', () => reject(new QueryError('unreachable')));
      reader.once('exit', () => reject(new QueryError('unreachable')));
      try {
        reader.send({ path: pathOf(directory, login.database), sql, maxRows } satisfies SqliteQuery);
        return await promise;
      } finally {
        clearTimeout(timer);
        reader.kill('SIGKILL');
      }
    },
  };
}

/** A database with one login. */
export function createSqliteDatabase(directory: string, login: DatabaseLogin, sql: string): void {
  using file = new DatabaseSync(pathOf(directory, login.database));
  file.exec('CREATE TABLE login (user TEXT PRIMARY KEY, salt BLOB, hash BLOB)');
  file.exec(sql);
  changeSqlitePassword(directory, login);
}

/** Sets the password of a login. */
export function changeSqlitePassword(directory: string, { database, user, password }: DatabaseLogin): void {
  using file = new DatabaseSync(pathOf(directory, database));
  const salt = crypto.getRandomValues(new Uint8Array(16));
  file.prepare('INSERT OR REPLACE INTO login VALUES (?, ?, ?)').run(user, salt, hashPassword(password, salt));
}

function hashPassword(password: string, salt: Uint8Array): Uint8Array {
  return scryptSync(password, salt, 32);
}

function pathOf(directory: string, database: string): string {
  // A name that is a path would reach files that are no databases of this server.
  return join(directory, /^[\w-]{1,63}$/u.test(database) ? `${database}.db` : 'none');
}

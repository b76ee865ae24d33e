import { secretForm } from '../../src/oob/index.ts';
import {
  startProtectedServer,
  type ProtectedServer,
  type ProtectedServerOptions,
} from '../protected-server/start-protected-server.ts';
import { loginForm } from './login.ts';
import type { SqlDriver } from './sql-driver.ts';
import { createSqlServer } from './sql-tools.ts';

export type SqlExample = ProtectedServer;

export interface SqlExampleOptions extends ProtectedServerOptions {
  readonly driver: SqlDriver;
  /** How long a database has to answer when a password is tried. Default 5,000 ms. */
  readonly pingTimeoutMs?: number | undefined;
  readonly queryTimeoutMs?: number | undefined;
}

/** Starts the authorization server and the MCP server that it protects. */
export function startSqlExample(options: SqlExampleOptions): Promise<SqlExample> {
  const { driver, pingTimeoutMs = 5_000, queryTimeoutMs } = options;
  return startProtectedServer('SQL tools', options, (oob) => {
    const form = oob.flow(
      'database-login',
      secretForm(loginForm, {
        title: 'Database password',
        message: (resource) =>
          `Enter the password for the connection “${resource}”. It goes to the database below, and to nobody else`,
        test: (values, { signal }) => driver.ping(values, signal),
        testTimeoutMs: pingTimeoutMs,
      }),
    );
    return () => createSqlServer({ oob, driver, form, queryTimeoutMs });
  });
}

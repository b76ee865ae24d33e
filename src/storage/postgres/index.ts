import type { StorageBackend } from '../contract.ts';
import { PosternError } from '../../core/postern-error.ts';
import { PostgresBackend } from './postgres-backend.ts';
import { PostgresCalls } from './postgres-calls.ts';
import type { PostgresPool } from './postgres-connection.ts';
import { migratePostgres } from './postgres-migration.ts';
import { routeOf } from './postgres-pooler.ts';
import { PostgresSignals } from './postgres-signals.ts';

export type { PostgresClient, PostgresPool } from './postgres-connection.ts';

/** How a PostgreSQL store is opened. */
export interface PostgresOptions {
  /**
   * A `Pool` of `pg` 8. It stays the caller's, who ends it after the store is closed. Give it a
   * `connectionTimeoutMillis`, and a connection more than the work needs: one is kept to listen.
   */
  readonly pool: PostgresPool;
  /** Lower-case letters, digits and `_`, at most 48. Created when it is missing. Default `postern`. */
  readonly schema?: string | undefined;
  /**
   * When a call that the server has not answered fails. Default 5,000 ms. To create or upgrade the schema
   * there is a minute, or this where it is longer.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How signals of other processes are heard: by LISTEN on one connection of the pool, or by looking every `pollMs`.
   * Default `auto`: LISTEN wherever it reaches, and looking behind a transaction pooler.
   */
  readonly listen?: 'auto' | 'notify' | 'poll' | undefined;
  /** How often a process that cannot LISTEN looks for signals, while anybody waits for one. Default 250 ms. */
  readonly pollMs?: number | undefined;
  /** Told what an operator should know. Default: a warning of the process. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/**
 * Opens a store in one schema of a PostgreSQL database; creates the schema, or brings it up to date.
 *
 * Processes that open it at the same moment wait for one another. Values are kept as they are given: put `encrypted`
 * around it.
 *
 * @throws {TypeError} when an option is not what it must be.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the server does not answer in time, refuses, or is a standby.
 * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when another program or a newer version made the schema.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when `listen` is `notify` and LISTEN cannot work.
 */
export async function openPostgres(options: PostgresOptions): Promise<StorageBackend> {
  const { pool, schema = 'postern', timeoutMs = 5_000, listen = 'auto', pollMs = 250 } = options;
  const { onWarning = warnProcess } = options;
  if (!/^[a-z_][a-z0-9_]{0,47}$/u.test(schema)) {
    throw new TypeError('schema must be at most 48 lower-case letters, digits and `_`');
  }
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31))
    throw new TypeError('timeoutMs must be a number of milliseconds');
  if (!(pollMs >= 1 && pollMs < 2 ** 31)) throw new TypeError('pollMs must be at least 1 ms');
  if (pool.options !== undefined && !pool.options.connectionTimeoutMillis) {
    onWarning(
      'The PostgreSQL pool has no connectionTimeoutMillis: a server that accepts connections and never answers would hold all of them for ever.',
    );
  }

  const calls = new PostgresCalls(pool, timeoutMs);
  const cannotListen = (await routeOf(calls)) === 'transaction' ? behindPooler : reasonOf(pool);
  await migratePostgres(calls, schema);
  if (cannotListen !== undefined && listen === 'notify') {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `${cannotListen}, so LISTEN cannot work`, {
      hint: 'Connect past the pooler, let it pool sessions, or set `listen` to `auto` or `poll`.',
    });
  }
  const fallBack = (reason: string): void => {
    onWarning(`${reason}, so LISTEN cannot work. Postern looks for signals every ${pollMs} ms instead.`);
  };
  if (cannotListen !== undefined && listen === 'auto') fallBack(cannotListen);
  const source = listen === 'poll' || cannotListen !== undefined ? 'poll' : 'notify';
  const signals = new PostgresSignals({
    calls,
    schema,
    source,
    pollMs,
    onFallback: () => fallBack(behindPooler),
  });
  return new PostgresBackend(calls, signals, schema);
}

const behindPooler = 'The connections go through a transaction pooler (PgBouncer or its like)';

/** Why a connection cannot be spared to listen, if so. */
function reasonOf(pool: PostgresPool): string | undefined {
  const max = pool.options?.max;
  return max !== undefined && max < 2 ? 'The PostgreSQL pool has only one connection' : undefined;
}

function warnProcess(message: string): void {
  process.emitWarning(message, 'PosternWarning');
}

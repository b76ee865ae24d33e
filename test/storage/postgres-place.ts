import { Pool, type PoolConfig } from 'pg';
import { onTestFinished } from 'vitest';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openPostgres, type PostgresOptions } from '../../src/storage/postgres/index.ts';

/** A schema name that no other run has. */
function freshSchema(): string {
  return `test_${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`;
}

export async function dropSchema(where: string, schema: string): Promise<void> {
  const pool = new Pool({ connectionString: where, max: 1, connectionTimeoutMillis: 5_000 });
  await pool.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
  await pool.end();
}

/** A schema of this test alone, dropped when the test is over. */
export function placeFor(where: string): PostgresPlace {
  const place = new PostgresPlace(where);
  onTestFinished(() => dropSchema(where, place.schema));
  return place;
}

/** One schema, and what a test opens on it. All is closed when the test is over. */
export class PostgresPlace {
  readonly where: string;
  readonly schema: string = freshSchema();

  constructor(where: string) {
    this.where = where;
  }

  pool(config: PoolConfig = {}): Pool {
    const pool = new Pool({ connectionString: this.where, connectionTimeoutMillis: 2_000, ...config });
    onTestFinished(() => pool.end());
    return pool;
  }

  /** A store on a pool of its own. Its warnings go nowhere, unless they are asked for. */
  async open(options: Partial<PostgresOptions> = {}, config: PoolConfig = {}): Promise<StorageBackend> {
    const pool = options.pool ?? this.pool(config);
    const store = await openPostgres({ schema: this.schema, onWarning: () => {}, ...options, pool });
    onTestFinished(() => store.close());
    return store;
  }
}

/** The same server behind another port. */
export function through(where: string, port: number): string {
  const url = new URL(where);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url.href;
}

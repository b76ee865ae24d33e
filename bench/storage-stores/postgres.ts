import { Pool } from 'pg';
import { openPostgres } from '../../src/storage/postgres/index.ts';
import { filled } from './driver-side.ts';
import {
  freshName,
  listLength,
  namespaceOf,
  value,
  valueBytes,
  type AbsentStore,
  type Bell,
  type FilledStore,
  type Side,
  type StoreUnderBench,
} from './store-under-bench.ts';

const connectionString = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** A PostgreSQL server, by pools of `pg`. */
export async function openPostgresStore(): Promise<StoreUnderBench | AbsentStore> {
  const bare = newPool(18);
  try {
    await bare.query('SELECT 1');
  } catch {
    await bare.end();
    const how = 'run `service postgresql start`, or set POSTGRES_URL to the URL of a running one';
    return { absent: `PostgreSQL was not found: ${how}.` };
  }
  const schema = freshName();
  const pools = [newPool(18), newPool(4)] as const;
  const open = async (pool: Pool) => openPostgres({ pool, schema, onWarning: () => {} });
  const handles = [await open(pools[0]), await open(pools[1])] as const;
  return {
    label: 'PostgreSQL',
    notes: [
      `PostgreSQL: synchronous_commit ${await settingOf(bare, 'synchronous_commit')}, fsync ${await settingOf(bare, 'fsync')} for both sides. A put of the bare client is one INSERT … ON CONFLICT, a replacement one UPDATE, a take one DELETE … RETURNING.`,
    ],
    handles,
    raw: { side: await rawSide(bare, `${schema}_raw`), bell: rawBell(bare, schema) },
    pollMs: 0,
    sizes: [100, 1_000, 10_000, 100_000],
    openFilled: (namespaces) => openFilled(schema, namespaces),
    async close() {
      await Promise.all(handles.map((handle) => handle.close()));
      await bare.query(`DROP SCHEMA ${schema} CASCADE; DROP SCHEMA ${schema}_raw CASCADE`);
      await Promise.all([bare, ...pools].map((pool) => pool.end()));
    },
  };
}

function newPool(max: number): Pool {
  return new Pool({ connectionString, max, connectionTimeoutMillis: 3_000 });
}

async function rawSide(pool: Pool, schema: string): Promise<Side> {
  const table = `${schema}.record`;
  await pool.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${table} (
    partition text COLLATE "C", path text COLLATE "C", value bytea NOT NULL, version text NOT NULL,
    PRIMARY KEY (partition, path)); ALTER TABLE ${table} ALTER COLUMN value SET STORAGE EXTERNAL`);
  const versions = new Map<number, string>();
  let last = 0;
  const bytes = Buffer.from(value);
  const partitionOf = (at: number): string => `client:user:${at % 64}`;
  const insert = `INSERT INTO ${table} VALUES ($1, $2, $3, $4)
    ON CONFLICT (partition, path) DO UPDATE SET value = excluded.value, version = excluded.version`;

  for (let at = 0; at < listLength; at++) await pool.query(insert, ['list', String(at + 100), bytes, '0']);
  return {
    async put(at) {
      const version = String(++last);
      versions.set(at, version);
      const { rowCount } = await pool.query(insert, [partitionOf(at), String(at), bytes, version]);
      return rowCount === 1;
    },
    async replace(at) {
      const version = String(++last);
      const before = versions.get(at);
      versions.set(at, version);
      const { rowCount } = await pool.query(
        `UPDATE ${table} SET value = $3, version = $4 WHERE partition = $1 AND path = $2 AND version = $5`,
        [partitionOf(at), String(at), bytes, version, before],
      );
      return rowCount === 1;
    },
    async get(at) {
      const { rows } = await pool.query(
        `SELECT value, version FROM ${table} WHERE partition = $1 AND path = $2`,
        [partitionOf(at), String(at)],
      );
      return isWhole(rows[0]);
    },
    async list() {
      const { rows } = await pool.query(
        `SELECT path, value, version FROM ${table}
          WHERE partition = $1 AND path > $2 AND path < $3 ORDER BY path LIMIT 100`,
        ['list', '', '~'],
      );
      return rows.filter(isWhole).length === listLength;
    },
    async take(at) {
      const { rows } = await pool.query(
        `DELETE FROM ${table} WHERE partition = $1 AND path = $2 RETURNING value`,
        [partitionOf(at), String(at)],
      );
      return isWhole(rows[0]);
    },
  };
}

function rawBell(pool: Pool, channel: string): Bell {
  return {
    ring: () => pool.query('SELECT pg_notify($1, $2)', [channel, 'payload']),
    async listen(wake) {
      const client = await pool.connect();
      client.on('notification', wake);
      await client.query(`LISTEN ${channel}`);
      return async () => client.release(true);
    },
  };
}

async function openFilled(base: string, namespaces: number): Promise<FilledStore> {
  const schema = `${base}_${namespaces}`;
  const pool = newPool(4);
  const backend = await openPostgres({ pool, schema, onWarning: () => {} });
  const select = `SELECT value, version FROM ${schema}.entries WHERE partition = $1 AND path = $2`;
  const store = await filled(backend, 1, {
    bareGet: async (namespace) => isWhole((await pool.query(select, [namespace, 'record'])).rows[0]),
    async close() {
      await pool.query(`DROP SCHEMA ${schema} CASCADE`);
      await pool.end();
    },
  });
  // A hundred thousand commits of their own would take longer than all that is measured.
  await pool.query(
    `INSERT INTO ${schema}.entries SELECT replace($1, '0', '') || i, path, value, version, expires_at
      FROM ${schema}.entries, generate_series(1, $2::integer) AS i`,
    [namespaceOf(0), namespaces - 1],
  );
  await pool.query(`VACUUM ANALYZE ${schema}.entries`);
  return store;
}

function isWhole(row: unknown): boolean {
  return (row as { value: Buffer } | undefined)?.value.byteLength === valueBytes;
}

async function settingOf(pool: Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ value: string }>('SELECT current_setting($1) AS value', [name]);
  return rows[0]?.value ?? '';
}

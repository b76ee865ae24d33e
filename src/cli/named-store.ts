import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PosternError } from '../core/postern-error.ts';
import { codeOf } from '../core/system-code.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { openKeyringFile } from '../storage/keyring-file.ts';
import type { Keyring } from '../storage/keyring.ts';
import { databaseName, keysName } from '../storage/local-folder.ts';
import { openSqlite } from '../storage/sqlite/index.ts';

/** A store as its driver gives it, sealed, and how to let go of it. */
export interface OpenedStore extends AsyncDisposable {
  readonly driver: StorageBackend;
  /** The keyring that lies beside it, of a local store. */
  readonly keyring?: Keyring | undefined;
}

const timeoutMs = 10_000;

/**
 * Opens a store that exists, by its address: a folder of a local store, a file of SQLite, `redis://`, `postgres://`, or
 * `dynamodb:<table>`, whose region and credentials the environment has.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when there is none, or the package for it is not installed; what
 * its driver throws. An address with a password in it is never quoted.
 */
export async function openNamedStore(address: string): Promise<OpenedStore> {
  const scheme = /^(?<scheme>[a-z]+):/iu.exec(address)?.groups?.['scheme']?.toLowerCase();
  switch (scheme) {
    case 'redis':
    case 'rediss':
      return openRedisStore(address);
    case 'postgres':
    case 'postgresql':
      return openPostgresStore(address);
    case 'dynamodb':
      return openDynamoDbStore(address.slice('dynamodb:'.length).replace(/^\/\//u, ''));
    default:
      return openFileStore(address);
  }
}

/** Opens the driver of a local store, and its keyring. */
function openFileStore(path: string): OpenedStore {
  if (!existsSync(path)) throw none(path);
  const folder = statSync(path).isDirectory() ? path : undefined;
  const database = folder === undefined ? path : join(folder, databaseName);
  if (!existsSync(database)) throw none(database);
  const keys = folder === undefined ? undefined : join(folder, keysName);
  const driver = openSqlite(database);
  return {
    driver,
    ...(keys !== undefined && existsSync(keys) && { keyring: openKeyringFile(keys, { create: false }) }),
    [Symbol.asyncDispose]: () => driver.close(),
  };
}

async function openRedisStore(url: string): Promise<OpenedStore> {
  const { createClient } = await load('redis', () => import('redis'));
  const { openRedis } = await import('../storage/redis/index.ts');
  const client = createClient({ url, socket: { connectTimeout: timeoutMs, reconnectStrategy: false } });
  // Whoever calls it hears of it.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    throw unavailable('Redis', cause);
  }
  const driver = await openRedis({ client, timeoutMs });
  return { driver, [Symbol.asyncDispose]: () => closeBoth(driver, () => client.close()) };
}

async function openPostgresStore(connectionString: string): Promise<OpenedStore> {
  const { Pool } = (await load('pg', () => import('pg'))).default;
  const { openPostgres } = await import('../storage/postgres/index.ts');
  const pool = new Pool({ connectionString, connectionTimeoutMillis: timeoutMs, max: 3 });
  pool.on('error', () => {});
  const driver = await openPostgres({ pool, timeoutMs }).catch(async (error: unknown) => {
    await pool.end();
    throw error;
  });
  return { driver, [Symbol.asyncDispose]: () => closeBoth(driver, () => pool.end()) };
}

async function openDynamoDbStore(tableName: string): Promise<OpenedStore> {
  const { DynamoDBClient } = await load('@aws-sdk/client-dynamodb', () => import('@aws-sdk/client-dynamodb'));
  const { createDynamoDbBackend } = await import('../storage/dynamodb/index.ts');
  const client = new DynamoDBClient();
  const driver = createDynamoDbBackend({ client, tableName, timeoutMs });
  return { driver, [Symbol.asyncDispose]: () => closeBoth(driver, async () => client.destroy()) };
}

async function closeBoth(driver: StorageBackend, close: () => Promise<unknown>): Promise<void> {
  await driver.close();
  await close();
}

/** A package that whoever has such a store has. */
async function load<T>(name: string, loading: () => Promise<T>): Promise<T> {
  try {
    return await loading();
  } catch (cause) {
    if (codeOf(cause) !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `the package ${name} is not installed`, {
      cause,
      hint: `Install it beside this program: npm install ${name}`,
    });
  }
}

function none(path: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    `there is no store at ${JSON.stringify(path)}`,
    {
      hint: 'Give a folder, a file of SQLite, redis://, postgres:// or dynamodb:<table>.',
    },
  );
}

function unavailable(what: string, cause: unknown): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${what} could not be reached`, {
    cause,
    hint: 'Check the address, and that the server runs.',
  });
}

import { PosternError } from '../../src/core/postern-error.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import type { Keyring } from '../../src/storage/keyring.ts';

export interface OpenStorageOptions {
  /** Seals every value. Needed for everything but memory. */
  readonly keyring?: Keyring | undefined;
  /** When a call that the store has not answered fails. Default 5,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** Told what an operator should know. Default: a warning of the process. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

type Opener = (url: URL, text: string, options: OpenStorageOptions) => Promise<StorageBackend>;

const openers: Readonly<Record<string, Opener>> = {
  'memory:': openMemory,
  'sqlite:': openSqliteUrl,
  'redis:': openRedisUrl,
  'rediss:': openRedisUrl,
  'postgres:': openPostgresUrl,
  'postgresql:': openPostgresUrl,
  'dynamodb:': openDynamoDbUrl,
};

const forms =
  'memory:, sqlite:<path>, redis://<host>, postgres://<user>@<host>/<database> or dynamodb:<table>?region=<region>';

/**
 * Opens the store a URL names, for commands and examples; programs make their own clients and hand them to a driver.
 *
 * Everything but memory is sealed with the keyring. Closing the store closes the client that was made for it.
 * `redis:` takes `?prefix=`, `postgres:` takes `?schema=`, `dynamodb:` takes `?region=`, `&endpoint=` and
 * `&create=true`, which makes the table when it is missing.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the URL names no store, the keyring is missing, or the
 * store's client library is not installed.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the store does not answer, and what else its driver throws.
 */
export async function openStorageUrl(
  text: string,
  options: OpenStorageOptions = {},
): Promise<StorageBackend> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const opener = url && openers[url.protocol];
  if (url === undefined || opener === undefined) {
    // The text is not repeated: it may hold a password.
    throw misconfigured('the storage URL names no store that is known', `Give ${forms}.`);
  }
  if (url.protocol === 'memory:') return opener(url, text, options);
  if (options.keyring === undefined) {
    throw misconfigured(
      `a ${JSON.stringify(url.protocol)} store needs a keyring`,
      'Give the keys its values are to be sealed with.',
    );
  }
  return encrypted(await opener(url, text, options), options.keyring);
}

async function openMemory(): Promise<StorageBackend> {
  const { MemoryBackend } = await import('../../src/storage/memory-backend.ts');
  return new MemoryBackend();
}

async function openSqliteUrl(
  url: URL,
  text: string,
  { timeoutMs }: OpenStorageOptions,
): Promise<StorageBackend> {
  // Taken from the text: a path is relative to the working directory, which a URL cannot say.
  const path = decodeURIComponent(text.slice(text.indexOf(':') + 1).replace(/^\/\/(?=\/|[^/])/u, ''));
  if (path === '' || url.search !== '') throw misconfigured('a sqlite URL is a path', 'Give sqlite:<path>.');
  const { openSqlite } = await import('../../src/storage/sqlite/index.ts');
  return openSqlite(path, { busyTimeoutMs: timeoutMs });
}

async function openRedisUrl(url: URL, _text: string, options: OpenStorageOptions): Promise<StorageBackend> {
  const [{ createClient }, { openRedis }] = await Promise.all([
    peer('redis', () => import('redis')),
    import('../../src/storage/redis/index.ts'),
  ]);
  const { timeoutMs = 5_000, onWarning } = options;
  const prefix = takeParameter(url, 'prefix');
  let state: 'opening' | 'open' | 'closed' = 'opening';
  const client = createClient({
    url: url.href,
    // A command that cannot be sent fails; what waits in a queue could be carried out long after its caller was told so.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: timeoutMs,
      reconnectStrategy: (retries) =>
        state === 'open' ? Math.min(1_000, 20 * 2 ** Math.min(retries, 10)) : false,
    },
  });
  // Every call tells its own caller; without a listener the process would end.
  client.on('error', () => {});
  let watch: NodeJS.Timeout | undefined;
  const connectAnew = (): void => {
    if (state !== 'open') return;
    if (client.isOpen) client.destroy();
    client.connect().catch(() => {});
    watchConnecting();
  };
  // The library waits without end for a server that accepts a connection and says nothing.
  const watchConnecting = (): void => {
    clearTimeout(watch);
    watch = setTimeout(() => client.isReady || connectAnew(), timeoutMs);
    watch.unref();
  };
  client.on('reconnecting', watchConnecting);
  const end = async (): Promise<void> => {
    state = 'closed';
    clearTimeout(watch);
    if (client.isOpen) client.destroy();
  };
  const opened = await opening(`Redis at ${JSON.stringify(url.host)}`, end, async () => {
    await within(timeoutMs, client.connect());
    return openRedis({
      client,
      prefix,
      timeoutMs,
      onWarning,
      onSilence: () => client.isReady && connectAnew(),
    });
  });
  state = 'open';
  return opened;
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function openPostgresUrl(
  url: URL,
  _text: string,
  options: OpenStorageOptions,
): Promise<StorageBackend> {
  const [{ Pool }, { openPostgres }] = await Promise.all([
    peer('pg', async () => (await import('pg')).default),
    import('../../src/storage/postgres/index.ts'),
  ]);
  const { timeoutMs = 5_000, onWarning } = options;
  const schema = takeParameter(url, 'schema');
  const pool = new Pool({ connectionString: url.href, connectionTimeoutMillis: timeoutMs });
  // An idle connection that breaks is replaced at the next call.
  pool.on('error', () => {});
  return opening(
    `PostgreSQL at ${JSON.stringify(url.host)}`,
    () => pool.end(),
    () => openPostgres({ pool, schema, timeoutMs, onWarning }),
  );
}

async function openDynamoDbUrl(
  url: URL,
  _text: string,
  { timeoutMs }: OpenStorageOptions,
): Promise<StorageBackend> {
  const [{ DynamoDBClient }, { createDynamoDbBackend, ensureDynamoDbTable }] = await Promise.all([
    peer('@aws-sdk/client-dynamodb', () => import('@aws-sdk/client-dynamodb')),
    import('../../src/storage/dynamodb/index.ts'),
  ]);
  const tableName = url.host || url.pathname;
  const region = takeParameter(url, 'region');
  const endpoint = takeParameter(url, 'endpoint');
  const isToBeMade = takeParameter(url, 'create') === 'true';
  if (!/^[\w.-]{3,255}$/u.test(tableName) || (endpoint !== undefined && !URL.canParse(endpoint))) {
    throw misconfigured(
      'a dynamodb URL names a table, and no endpoint or one that is a URL',
      'Give dynamodb:<table>?region=<region>.',
    );
  }
  const client = new DynamoDBClient({ ...(region && { region }), ...(endpoint && { endpoint }) });
  const end = async (): Promise<void> => client.destroy();
  return opening(`the DynamoDB table ${JSON.stringify(tableName)}`, end, async () => {
    if (isToBeMade) await ensureDynamoDbTable(client, tableName);
    return createDynamoDbBackend({ client, tableName, timeoutMs });
  });
}

/** A store that ends its client when it is closed, or could not be opened. */
async function opening(
  name: string,
  end: () => Promise<void>,
  open: () => Promise<StorageBackend>,
): Promise<StorageBackend> {
  let backend: StorageBackend;
  try {
    backend = await open();
  } catch (cause) {
    await end().catch(() => {});
    // What the driver says, but for that: it does not know the address.
    if (cause instanceof TypeError) throw cause;
    if (cause instanceof PosternError && cause.code !== 'ERR_POSTERN_STORAGE_UNAVAILABLE') throw cause;
    throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${name} could not be opened`, {
      cause,
      hint: 'Does it run there, and do the user and password, or the credentials, fit?',
    });
  }
  return {
    capabilities: backend.capabilities,
    get: (key) => backend.get(key),
    list: (prefix, page) => backend.list(prefix, page),
    commit: (changes) => backend.commit(changes),
    signal: (channel) => backend.signal(channel),
    ...(backend.now && { now: () => backend.now!() }),
    listen: (channel, wake) => backend.listen(channel, wake),
    async close() {
      await backend.close();
      await end();
    },
  };
}

async function peer<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', `the package ${name} could not be loaded`, {
      cause,
      hint: `Install it beside postern: npm install ${name}`,
    });
  }
}

/** What is meant for us is not for the client library. */
function takeParameter(url: URL, name: string): string | undefined {
  const value = url.searchParams.get(name);
  url.searchParams.delete(name);
  return value === null || value === '' ? undefined : value;
}

function misconfigured(message: string, hint: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message, { hint });
}

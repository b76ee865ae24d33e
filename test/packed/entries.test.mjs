// Runs inside a folder into which the packed package was installed.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

/** Every entry of the package, with names a reader of the documentation relies on. */
const entries = {
  postern: [
    'Collection',
    'Continuations',
    'MemoryBackend',
    'NamespacedStorage',
    'Pendings',
    'PosternError',
    'Secret',
    'createKeyring',
    'createNamespace',
    'encrypted',
    'errorCodes',
    'isPosternError',
    'keyringFromEnv',
    'storageOf',
    'waitFor',
  ],
  'postern/storage/sqlite': ['SqliteBackend', 'openSqlite'],
  'postern/storage/local': ['openKeyringFile', 'openLocalStorage', 'openSqlite'],
  'postern/storage/redis': ['openRedis'],
  'postern/storage/postgres': ['openPostgres'],
  'postern/storage/dynamodb': ['createDynamoDbBackend', 'dynamoDbTable', 'ensureDynamoDbTable'],
  'postern/storage/conformance': ['storageConformance'],
  'postern/oauth': [
    'createAttempt',
    'createOAuthHttp',
    'discover',
    'exchangeCode',
    'identifyClient',
    'parseChallenge',
    'refreshGrant',
    'revokeGrant',
    'validateCallback',
  ],
  'postern/oob': ['PendingManager', 'createOob', 'deviceCode', 'oauthRedirect', 'secretForm', 'withPending'],
  'postern/client': [
    'Client',
    'ClientManager',
    'LocalAuthCoordinator',
    'RemoteAuthCoordinator',
    'isAuthorizationRequired',
  ],
};

const manifest = JSON.parse(readFileSync('node_modules/postern/package.json', 'utf8'));

test('this list names every entry that the manifest declares, and no other', () => {
  const declared = Object.keys(manifest.exports)
    .filter((subpath) => subpath !== './package.json')
    .map((subpath) => subpath.replace('.', 'postern'));
  assert.deepEqual(Object.keys(entries).toSorted(), declared.toSorted());
});

for (const [entry, names] of Object.entries(entries)) {
  test(`${entry} loads and has its names`, async () => {
    const module = await import(entry);
    assert.deepEqual(
      names.filter((name) => module[name] === undefined),
      [],
    );
    assert.equal(module.default, undefined);
  });
}

test('a file that is not an entry cannot be imported', async () => {
  await assert.rejects(import('postern/core/secret.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  await assert.rejects(import('postern/dist/core/secret.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

test('the tarball holds no tests', () => {
  const files = readdirSync('node_modules/postern', { recursive: true }).map(String);
  assert.ok(files.includes(join('dist', 'index.js')));
  assert.deepEqual(
    files.filter((file) => /\.test\./.test(file)),
    [],
  );
});

test('what one handle on a local store writes, the next one reads', async () => {
  const { createNamespace } = await import('postern');
  const { openLocalStorage } = await import('postern/storage/local');
  const folder = await mkdtemp(join(tmpdir(), 'postern-entries-'));
  try {
    const key = [createNamespace('client', 'user:alice').partition, 'note'];
    const first = openLocalStorage(folder);
    assert.equal((await first.commit([{ put: key, value: new Uint8Array([1, 2, 3]) }]))?.length, 1);
    await first.close();
    const second = openLocalStorage(folder);
    assert.deepEqual((await second.get(key))?.value, new Uint8Array([1, 2, 3]));
    await second.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the root tells an error that another entry threw by its code', async () => {
  const { isPosternError } = await import('postern');
  const { openSqlite } = await import('postern/storage/sqlite');
  const missing = join(tmpdir(), 'postern-no-such-folder', 'postern.db');
  const attempt = async () => openSqlite(missing).get(['partition', 'key']);
  await assert.rejects(
    attempt,
    (error) => isPosternError(error) && error.code === 'ERR_POSTERN_STORAGE_UNAVAILABLE',
  );
});

test('the published conformance cases run against the published memory backend', async () => {
  const { MemoryBackend } = await import('postern');
  const { storageConformance } = await import('postern/storage/conformance');
  const cases = storageConformance();
  assert.ok(cases.length > 10);
  const store = new MemoryBackend();
  await cases[0].run({ open: async () => store });
});

test('a challenge is parsed without a network', async () => {
  const { parseChallenge } = await import('postern/oauth');
  const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="calendar:read"' };
  const challenge = parseChallenge(new Response(null, { status: 403, headers }));
  assert.equal(challenge?.error, 'insufficient_scope');
});

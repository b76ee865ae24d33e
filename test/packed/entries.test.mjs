// Runs inside a folder into which the packed package was installed.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';

/** Every entry of the package, with names a reader of the documentation relies on. */
const entries = {
  postern: [
    'MemoryBackend',
    'PosternError',
    'Secret',
    'createNamespace',
    'encrypted',
    'errorCodes',
    'explain',
    'fixedNamespace',
    'generateKeyText',
    'isPosternError',
    'keyringFromEnv',
    'stderrLogger',
    'verifiedClaims',
  ],
  'postern/kernel': [
    'Collection',
    'Continuations',
    'NamespacedStorage',
    'Pendings',
    'acquireLease',
    'storageOf',
    'waitFor',
  ],
  'postern/pages': ['english', 'german'],
  'postern/storage/sqlite': ['SqliteBackend', 'openSqlite'],
  'postern/storage/local': ['openKeyringFile', 'openLocalStorage', 'openSqlite', 'openUserStorage'],
  'postern/storage/redis': ['openRedis'],
  'postern/storage/postgres': ['openPostgres'],
  'postern/storage/dynamodb': ['createDynamoDbBackend', 'dynamoDbTable', 'ensureDynamoDbTable'],
  'postern/storage/d1': ['createD1Backend', 'd1Schema', 'ensureD1Tables'],
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
  'postern/oob': ['PendingManager', 'Oob', 'deviceCode', 'oauthRedirect', 'secretForm', 'withPending'],
  'postern/node': ['fastifyPages', 'honoPages', 'nodeListener'],
  'postern/browser-sign-in': ['browserSignIn'],
  'postern/atproto': [
    'AtprotoNetwork',
    'atprotoAgent',
    'atprotoAppPassword',
    'atprotoSignIn',
    'webApplication',
  ],
  'postern/agents': ['AgentRuns', 'inSlack', 'needs', 'onConsole', 'throughModel'],
  'postern/agents/openai': ['openAIRuns', 'openAITurn'],
  'postern/agents/ai-sdk': ['aiSdkRuns', 'aiSdkTurn'],
  'postern/agents/langchain': ['langChainRuns', 'langChainTurn'],
  'postern/agents/mastra': ['mastraRuns', 'mastraTurn'],
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

test('what several entries export under one name is one and the same', async () => {
  const first = new Map();
  const others = [];
  let shared = 0;
  for (const entry of Object.keys(entries)) {
    for (const [name, value] of Object.entries(await import(entry))) {
      if (!first.has(name)) first.set(name, value);
      else if (first.get(name) === value) shared++;
      else others.push(`${name} of ${entry}`);
    }
  }
  assert.ok(shared > 0);
  assert.deepEqual(others, []);
});

test('what one entry makes, another takes for an instance of its own class', async () => {
  const { PosternError } = await import('postern');
  const { openSqlite } = await import('postern/storage/sqlite');
  const { createOAuthHttp } = await import('postern/oauth');
  const { ClientManager } = await import('postern/client');
  const { Oob } = await import('postern/oob');
  const missing = join(tmpdir(), 'postern-no-such-folder', 'postern.db');
  const failures = [
    () => openSqlite(missing).get(['partition', 'key']),
    () => createOAuthHttp().checkUrl('ftp://auth.example/'),
    () => new ClientManager({ a: { url: 'ftp://mcp.example/' } }, {}),
    () => new Oob({}),
  ];
  for (const fail of failures) {
    await assert.rejects(
      async () => fail(),
      (error) => error instanceof PosternError,
    );
  }
});

const home = 'node_modules/postern';
/** Each entry's file, by its name. */
const fileOf = new Map(
  Object.keys(entries).map((entry) => [
    entry,
    join(home, manifest.exports[entry.replace('postern', '.')].default),
  ]),
);

/** What a file imports at once, and what only when an `import()` is reached. */
function importsOf(file) {
  const code = readFileSync(file, 'utf8');
  const resolve = (specifier) => (specifier.startsWith('.') ? join(dirname(file), specifier) : specifier);
  const all = (pattern) => [...code.matchAll(pattern)].map((found) => resolve(found[1]));
  return {
    atOnce: all(/^(?:import|export)\b[^;'"]*?['"]([^'"]+)['"];$/gm),
    late: all(/\bimport\(['"]([^'"]+)['"]\)/g),
  };
}

/** The files and packages that load with a file, or, where `late` is set, that may be loaded after it. */
function loadedWith(file, { late = false } = {}) {
  const loaded = new Set([file]);
  for (const name of loaded) {
    if (!name.startsWith(home)) continue;
    const imports = importsOf(name);
    for (const imported of late ? [...imports.atOnce, ...imports.late] : imports.atOnce) loaded.add(imported);
  }
  return [...loaded];
}

for (const entry of [
  'postern',
  'postern/kernel',
  'postern/oauth',
  'postern/client',
  'postern/oob',
  'postern/pages',
  'postern/atproto',
  'postern/browser-sign-in',
  'postern/agents',
  'postern/node',
  'postern/storage/conformance',
  'postern/storage/d1',
  'postern/storage/dynamodb',
]) {
  test(`${entry} names no built-in of Node, at once or late, but by a name that a bundler for Workers finds a refusal under`, () => {
    const loaded = loadedWith(fileOf.get(entry), { late: true });
    assert.ok(loaded.length > 1);
    assert.deepEqual(
      loaded.filter((name) => name.startsWith('node:')),
      [],
    );
  });
}

test('postern/client loads few files, and what it needs late is in none of them', () => {
  const loaded = loadedWith(fileOf.get('postern/client')).filter((name) => name.startsWith(home));
  assert.ok(loaded.length <= 8, loaded.join(' '));
  const late = loaded.flatMap((file) => importsOf(file).late).filter((name) => name.startsWith(home));
  assert.ok(late.length > 3);
  assert.deepEqual(
    late.filter((file) => loaded.includes(file) || !existsSync(file)),
    [],
  );
});

test('a first connection loads no package but the protocol and the schema library, and one more file', () => {
  const atOnce = loadedWith(fileOf.get('postern/client'));
  const late = atOnce.filter((name) => name.startsWith(home)).flatMap((file) => importsOf(file).late);
  const connection = late.find((file) => file.endsWith('/asking-client.js'));
  assert.deepEqual(
    loadedWith(connection).filter((name) => !atOnce.includes(name)),
    [connection, '@modelcontextprotocol/client'],
  );
});

test('a storage driver loads neither the protocol nor the schema library', () => {
  for (const entry of ['sqlite', 'redis', 'postgres', 'dynamodb']) {
    const packages = loadedWith(fileOf.get(`postern/storage/${entry}`)).filter(
      (name) => !name.startsWith(home) && !name.startsWith('node:'),
    );
    assert.deepEqual(packages, [], entry);
  }
});

test('the library for signatures loads with the first that is checked, and not with the root', () => {
  const loaded = loadedWith(fileOf.get('postern'));
  assert.ok(loaded.length > 1);
  assert.ok(!loaded.includes('jose'));
});

test('a SQLite store loads what starts no programs', () => {
  const loaded = loadedWith(fileOf.get('postern/storage/sqlite'));
  assert.ok(loaded.includes('node:sqlite'));
  // Each as a module has names that load more: of node:crypto, all of the web's cryptography.
  assert.deepEqual(
    ['node:child_process', 'node:module', 'node:crypto'].filter((name) => loaded.includes(name)),
    [],
  );
});

test('a source map leads from every written file to sources that are in the package', () => {
  const scripts = readdirSync(join(home, 'dist'), { recursive: true })
    .map((name) => join(home, 'dist', String(name)))
    .filter((name) => name.endsWith('.js'));
  assert.ok(scripts.length > fileOf.size);
  let named = 0;
  for (const script of scripts) {
    const code = readFileSync(script, 'utf8');
    // A file that only re-exports, and the bundler's own, come from no source.
    if (!/^\/\/# sourceMappingURL=.+\.js\.map$/m.test(code)) {
      if (code.startsWith('// \\0@oxc-project+runtime')) continue;
      assert.doesNotMatch(code, /^(?:async function|function|class) /m);
      continue;
    }
    const { sources, sourcesContent } = JSON.parse(readFileSync(`${script}.map`, 'utf8'));
    assert.equal(sourcesContent, undefined);
    for (const source of sources) {
      const path = relative(home, join(dirname(script), source));
      assert.ok(path.startsWith('src') && existsSync(join(home, path)), `${script}: ${source}`);
      named++;
    }
  }
  assert.ok(named > 100);
});

test('a file that is not an entry cannot be imported', async () => {
  await assert.rejects(import('postern/core/secret.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
  await assert.rejects(import('postern/dist/core/secret.js'), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' });
});

test('the program runs as npm has installed it, and loads few files before it knows what it is asked', () => {
  const { status, stdout } = spawnSync(process.execPath, ['node_modules/.bin/postern', '--version'], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  assert.deepEqual([status, stdout], [0, `${manifest.version}\n`]);
  const loaded = loadedWith(join(home, manifest.bin.postern));
  assert.deepEqual(
    loaded.slice(1).filter((name) => !name.startsWith('node:')),
    [],
  );
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

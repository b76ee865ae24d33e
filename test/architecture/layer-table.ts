/**
 * The layers of `src/`, lowest first. A folder may import the folders named
 * beside it and itself, and nothing else. A folder that does not exist yet
 * is bound as soon as it does.
 */
export const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  http: ['core'],
  wire: ['core'],
  storage: ['core'],
  namespace: ['core', 'http', 'storage'],
  sync: ['core', 'http', 'storage', 'namespace'],
  pending: ['core', 'storage', 'namespace', 'sync'],
  oauth: ['core', 'http', 'storage'],
  resume: ['core', 'storage', 'namespace', 'sync', 'pending'],
  web: ['core', 'storage', 'namespace', 'sync', 'pending'],
  node: ['core', 'web'],
  interaction: ['core', 'http', 'storage', 'namespace', 'sync', 'pending', 'oauth', 'resume', 'web', 'node'],
  'browser-sign-in': ['core', 'http', 'storage', 'namespace', 'sync', 'oauth', 'web', 'interaction'],
  client: [
    'core',
    'wire',
    'http',
    'storage',
    'namespace',
    'sync',
    'pending',
    'oauth',
    'resume',
    'web',
    'interaction',
  ],
  oob: ['core', 'http', 'storage', 'namespace', 'sync', 'pending', 'oauth', 'resume', 'web', 'interaction'],
  atproto: ['core', 'oauth', 'web', 'interaction'],
  bridge: ['core', 'http', 'storage', 'namespace', 'sync', 'pending', 'interaction', 'client', 'wire'],
  doctor: ['core', 'http', 'oauth', 'client', 'wire'],
  expose: [
    'core',
    'http',
    'storage',
    'namespace',
    'sync',
    'oauth',
    'web',
    'node',
    'interaction',
    'browser-sign-in',
    'oob',
    'wire',
  ],
  cli: ['core', 'storage', 'namespace', 'oauth', 'interaction', 'client', 'bridge', 'doctor', 'expose'],
  agents: ['core', 'http', 'storage', 'namespace', 'sync', 'pending', 'resume', 'interaction', 'client'],
};

/** What `src/index.ts`, the entry `postern`, is made of. */
export const rootLayers: readonly string[] = ['core', 'namespace', 'storage', 'sync', 'pending', 'resume'];

/** Files that talk to a particular store or machine, as paths under `src/` without their ending. Nobody but `storage` imports them. */
export const driver =
  /^storage\/(?:(?:sqlite|redis|postgres|dynamodb|d1)\/|(?:local|local-folder|keyring-file|keychain|key-place|create-private-file|user-folder)$)/;

/** Files outside `storage` that load a driver, when it is needed, as paths under `src/` without their ending. */
export const driverChoosers: readonly string[] = [
  'client/persisted-storage',
  'cli/own-store',
  'cli/named-store',
  'cli/change-keys',
  'bridge/credentials',
  'cli/serve-expose',
];

/** The folders besides `storage` itself that may fall back to memory when no storage was given. */
export const memoryChoosers: readonly string[] = ['client'];

/** Files that may import `node:` modules, as paths under `src/` without their ending. All others run on web standards alone. */
export const nodeOnly =
  /^(?:storage\/(?:sqlite\/|(?:local|local-folder|keyring-file|keychain|key-place|create-private-file|user-folder)$)|http\/node\/|node\/|interaction\/this-machine\/|wire\/lines$|bridge\/|expose\/|cli\/|doctor\/tls-probe$)/;

/** What opens connections, or asks for names. */
export const connecting =
  /^(?:node:)?(?:https?|http2|net|tls|dgram|dns|dns\/promises|inspector)$|^(?:undici|ws|eventsource|node-fetch|axios|got)(?:\/|$)/;

/** The way out, drivers, and what looks at a certificate that the way out would refuse: all that may load {@link connecting}, as paths under `src/` without their ending. */
export const waysOut = /^(?:http\/node\/|storage\/|doctor\/tls-probe$)/;

/** What others may take of it: they listen. */
export const listening: ReadonlySet<string> = new Set(['createServer']);

/** Packages that cannot load without `node:` modules; a portable file reaches them by `import()`, when it needs them. */
export const nodeBound = /^(?:@modelcontextprotocol\/client\/stdio|@atproto\/oauth-client-node)$/;

/** Packages that one part of the tree keeps to itself. */
export const ownedPackages: readonly {
  readonly package: RegExp;
  readonly owners: readonly string[];
  readonly why: string;
}[] = [
  {
    package: /^oauth4webapi$/,
    owners: ['oauth'],
    why: 'every request to an authorization server is made by src/oauth',
  },
  {
    package: /^@modelcontextprotocol\//,
    owners: ['client', 'oob', 'agents', 'expose'],
    why: 'only the two faces know the protocol, what gives frameworks a server’s tools, and the server that stands in for a child that waits for its secrets',
  },
  {
    package: /^commander$/,
    owners: ['cli'],
    why: 'only the command line reads one',
  },
  {
    package: /^@atproto\//,
    owners: ['atproto'],
    why: 'an optional peer, which whoever logs in elsewhere does not have',
  },
];

/** The entries that promise to load on every runtime, so nothing that loads with them may import `node:`. */
export const portableEntries: readonly string[] = [
  'index.ts',
  'oauth/index.ts',
  'client/index.ts',
  'oob/index.ts',
  'web/index.ts',
  'browser-sign-in/index.ts',
  'atproto/index.ts',
  'agents/index.ts',
  'agents/openai/index.ts',
  'agents/ai-sdk/index.ts',
  'agents/langchain/index.ts',
  'storage/d1/index.ts',
  'agents/mastra/index.ts',
  'storage/conformance/index.ts',
];

/** The longest that a source may be, tests aside. */
export const maxLines = 400;

/** Sources that are one table, which is read by searching it. */
export const tables: readonly string[] = ['core/error-codes.ts', 'oauth/profiles/providers.ts'];

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { encrypted } from '../src/storage/encrypted.ts';
import { generateKeyText, keyringFromEnv } from '../src/storage/keyring.ts';
import { openSqlite } from '../src/storage/sqlite/index.ts';
import { buildIfNeeded } from './build-if-needed.ts';
import { contextId, openGranted, publicUrl } from './clients/postern.ts';
import { median, middleHalf, ratios } from './stats.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const aims = { import: 1.15, firstAnswer: 1 };

/** What a fresh process measures of itself. */
interface Start {
  readonly importMs: number;
  readonly rssMiB: number;
  readonly totalMs: number;
  /** From before the import to the first answer of a server, for each way of {@link ways}. */
  readonly firstAnswerMs: Partial<Record<Way, number>>;
}

/** How a server is called for the first time. */
const ways = ['2025-11-25', '2026-07-28', 'a sign-in kept in sealed SQLite'] as const;
type Way = (typeof ways)[number];

/** One subject, and the programs that have it called for the first time. */
interface Subject {
  readonly label: string;
  readonly specifier: string;
  readonly calls?: Readonly<Record<Way, string>>;
}

const bareCall = (mode: 'legacy' | 'auto'): string =>
  `const client = new it.Client({ name: 'bench', version: '1' }, { versionNegotiation: { mode: '${mode}' } });
await client.connect(new it.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
await client.listTools(); await client.callTool({ name: 'echo', arguments: { text: 'a' } });`;

const posternCall = (mode: 'legacy' | 'auto'): string =>
  `const client = new it.Client({ bench: { url, headers } }, { versionNegotiation: '${mode}' });
await client.callTool('echo', { text: 'a' });`;

const keptCall = `const { encrypted, keyringFromEnv } = await import('postern');
const { openSqlite } = await import('postern/storage/sqlite');
const storage = encrypted(openSqlite(path), keyringFromEnv(process.env));
const coordinator = new it.RemoteAuthCoordinator({ storage, publicUrl: '${publicUrl}', verifyUser: () => '${contextId}' });
const manager = new it.ClientManager({ bench: { url } }, { coordinator, versionNegotiation: 'legacy' });
await (await manager.getClient('${contextId}')).callTool('echo', { text: 'a' });`;

const subjects: readonly Subject[] = [
  {
    label: 'bare SDK client',
    specifier: '@modelcontextprotocol/client',
    calls: {
      '2025-11-25': bareCall('legacy'),
      '2026-07-28': bareCall('auto'),
      // It keeps nothing itself: with its token in its header.
      'a sign-in kept in sealed SQLite': bareCall('legacy'),
    },
  },
  {
    label: 'Postern, postern/client',
    specifier: 'postern/client',
    calls: {
      '2025-11-25': posternCall('legacy'),
      '2026-07-28': posternCall('auto'),
      'a sign-in kept in sealed SQLite': keptCall,
    },
  },
  { label: 'Postern, the kernel alone', specifier: 'postern' },
  { label: 'nothing', specifier: 'node:process' },
];

/** How long a cold process takes to import Postern, as built. */
export const importTime: Bench = { name: 'import-time', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  buildIfNeeded('import-time', options);
  const rounds = options.rounds ?? (options.quick ? 3 : 15);
  const starts = subjects.map((): Start[] => []);
  return withTemporaryDirectory(async (directory) => {
    await using server = await startBenchServer();
    const servers = await serversFor(server, join(directory, 'bench.db'));
    for (let round = -1; round < rounds; round++) {
      options.progress(round < 0 ? 'import-time: warm-up' : `import-time: round ${round + 1} of ${rounds}`);
      // There and back again, so that none always starts in the wake of the same other one.
      const turns = [...subjects.entries()];
      for (const [index, subject] of round % 2 === 0 ? turns : turns.toReversed()) {
        const start = await startProcess(subject, servers);
        if (round >= 0) starts[index]?.push(start);
      }
    }
    return {
      title: `import in a cold process, ${rounds} rounds`,
      figures: subjects.flatMap(({ label }, index) =>
        describe(label, starts[index] ?? [], starts[0] ?? [], index),
      ),
      notes: [
        'The baseline is the bare SDK client. Postern is imported as built, from dist.',
        'Postern loads the SDK with its first connection; so the first answer of a server is timed, too, in processes of their own: connect, list the tools, call one.',
        'For the sign-in that is kept, Postern opens the store, and finds, unseals and sends the credential of its person; the baseline is given its token.',
      ],
    };
  });
}

/** What the programs are told of the server, and of a store in which a person is signed in. */
async function serversFor(server: BenchServer, path: string): Promise<NodeJS.ProcessEnv> {
  const { access_token: token } = await server.issueGrant();
  const POSTERN_KEYS = generateKeyText();
  const keyring = keyringFromEnv({ POSTERN_KEYS });
  const granted = await openGranted(server, encrypted(openSqlite(path), keyring));
  await granted.close();
  const given = { url: server.mcpUrl, headers: { authorization: `Bearer ${token}` }, path };
  return { POSTERN_KEYS, SERVER: JSON.stringify(given) };
}

function describe(label: string, own: readonly Start[], baseline: readonly Start[], index: number): Figure[] {
  type Read = (start: Start) => number;
  const absolute = (what: string, read: Read, unit: 'ms' | 'MiB' = 'ms'): Figure => ({
    label: `${label}, ${what}`,
    value: median(own.map(read)),
    unit,
    spread: middleHalf(own.map(read)),
  });
  const ratio = (what: string, read: Read, aim?: number): Figure => {
    const all = ratios(own.map(read), baseline.map(read));
    return {
      label: `${label}, ${what} / baseline`,
      value: median(all),
      unit: 'ratio',
      spread: middleHalf(all),
      ...(aim !== undefined && { aim }),
    };
  };
  const answered = ways.map((way) => ({
    what: `import to first answer, ${way}`,
    read: ({ firstAnswerMs }: Start) => firstAnswerMs[way] ?? Number.NaN,
  }));
  const importMs: Read = (start) => start.importMs;
  return [
    ...(index === 1 || index === 2 ? [ratio('import', importMs, index === 1 ? aims.import : undefined)] : []),
    ...(index === 1 ? answered.map(({ what, read }) => ratio(what, read, aims.firstAnswer)) : []),
    ...(index < 2 ? answered.map(({ what, read }) => absolute(what, read)) : []),
    absolute('import', importMs),
    absolute('whole process', ({ totalMs }) => totalMs),
    absolute('RSS afterwards', ({ rssMiB }) => rssMiB, 'MiB'),
  ];
}

async function startProcess({ specifier, calls }: Subject, env: NodeJS.ProcessEnv): Promise<Start> {
  const before = performance.now();
  const imported = await measureIn(`await import(${JSON.stringify(specifier)});`, env);
  const totalMs = performance.now() - before;
  const firstAnswerMs: Partial<Record<Way, number>> = {};
  for (const way of calls === undefined ? [] : ways) {
    const program = `const { url, headers, path } = JSON.parse(process.env.SERVER); const it = await import(${JSON.stringify(specifier)});
${calls?.[way]}`;
    firstAnswerMs[way] = (await measureIn(program, env)).ms;
  }
  return { importMs: imported.ms, rssMiB: imported.rssMiB, totalMs, firstAnswerMs };
}

/** How long a fresh process takes for some statements. */
async function measureIn(
  statements: string,
  env: NodeJS.ProcessEnv,
): Promise<{ ms: number; rssMiB: number }> {
  const script = `const t = performance.now(); ${statements}
console.log(JSON.stringify({ ms: performance.now() - t, rssMiB: process.memoryUsage.rss() / 1048576 })); process.exit();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  return JSON.parse(stdout) as { ms: number; rssMiB: number };
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { startBenchServer, type BenchServer } from './servers/start-bench-server.ts';
import { buildIfNeeded } from './build-if-needed.ts';
import { median, middleHalf, ratios } from './stats.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const aim = 1.15;

/** What a fresh process measures of itself. */
interface Start {
  readonly importMs: number;
  /** From before the import to the first answer of a server. */
  readonly firstCallMs?: number;
  readonly rssMiB: number;
  readonly totalMs: number;
}

/** One subject, and the program that has it called for the first time. */
interface Subject {
  readonly label: string;
  readonly specifier: string;
  readonly call?: string;
}

const subjects: readonly Subject[] = [
  {
    label: 'bare SDK client',
    specifier: '@modelcontextprotocol/client',
    call: `const client = new it.Client({ name: 'bench', version: '1' });
await client.connect(new it.StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
await client.listTools(); await client.callTool({ name: 'echo', arguments: { text: 'a' } });`,
  },
  {
    label: 'Postern, postern/client',
    specifier: 'postern/client',
    call: `const client = new it.Client({ bench: { url, headers } }, { versionNegotiation: 'legacy' });
await client.callTool('echo', { text: 'a' });`,
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
  await using server = await startBenchServer();
  for (let round = -1; round < rounds; round++) {
    options.progress(round < 0 ? 'import-time: warm-up' : `import-time: round ${round + 1} of ${rounds}`);
    // There and back again, so that none always starts in the wake of the same other one.
    const turns = [...subjects.entries()];
    for (const [index, subject] of round % 2 === 0 ? turns : turns.toReversed()) {
      const start = await startProcess(subject, server);
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
    ],
  };
}

function describe(label: string, own: readonly Start[], baseline: readonly Start[], index: number): Figure[] {
  const column = (starts: readonly Start[], unit: keyof Start): number[] =>
    starts.map((start) => start[unit] ?? Number.NaN);
  const absolute = (unit: keyof Start, what: string, of: 'ms' | 'MiB'): Figure => ({
    label: `${label}, ${what}`,
    value: median(column(own, unit)),
    unit: of,
    spread: middleHalf(column(own, unit)),
  });
  const importRatios = ratios(column(own, 'importMs'), column(baseline, 'importMs'));
  const ratio: Figure = {
    label: `${label}, import / baseline`,
    value: median(importRatios),
    unit: 'ratio',
    spread: middleHalf(importRatios),
    ...(index === 1 && { aim }),
  };
  const firstCalls = ratios(column(own, 'firstCallMs'), column(baseline, 'firstCallMs'));
  const first: Figure = {
    label: `${label}, import to first answer / baseline`,
    value: median(firstCalls),
    unit: 'ratio',
    spread: middleHalf(firstCalls),
  };
  return [
    ...(index === 1 || index === 2 ? [ratio] : []),
    ...(index === 1 ? [first] : []),
    ...(index < 2 ? [absolute('firstCallMs', 'import to first answer', 'ms')] : []),
    absolute('importMs', 'import', 'ms'),
    absolute('totalMs', 'whole process', 'ms'),
    absolute('rssMiB', 'RSS afterwards', 'MiB'),
  ];
}

async function startProcess({ specifier, call }: Subject, server: BenchServer): Promise<Start> {
  const before = performance.now();
  const imported = await measureIn(`await import(${JSON.stringify(specifier)});`);
  const totalMs = performance.now() - before;
  if (call === undefined) return { importMs: imported.ms, rssMiB: imported.rssMiB, totalMs };
  const { access_token: token } = await server.issueGrant();
  const first = await measureIn(
    `const it = await import(${JSON.stringify(specifier)}); const { url, headers } = JSON.parse(process.env.SERVER); ${call}`,
    JSON.stringify({ url: server.mcpUrl, headers: { authorization: `Bearer ${token}` } }),
  );
  return { importMs: imported.ms, rssMiB: imported.rssMiB, totalMs, firstCallMs: first.ms };
}

/** How long a fresh process takes for some statements. */
async function measureIn(statements: string, server = ''): Promise<{ ms: number; rssMiB: number }> {
  const script = `const t = performance.now(); ${statements}
console.log(JSON.stringify({ ms: performance.now() - t, rssMiB: process.memoryUsage.rss() / 1048576 })); process.exit();`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, SERVER: server },
    timeout: 60_000,
  });
  return JSON.parse(stdout) as { ms: number; rssMiB: number };
}

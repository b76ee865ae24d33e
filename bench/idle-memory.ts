import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { startPlainServer } from './servers/start-plain-server.ts';
import { median, middleHalf } from './stats.ts';
import type { IdleKind, IdleReport } from './workers/idle-contexts.ts';

const run = promisify(execFile);
const contexts = 10_000;
const connected = 500;
const aimKiB = 4;

interface Subject {
  readonly kind: IdleKind;
  readonly label: string;
  /** How many are made. */
  readonly count: number;
  readonly aim?: number;
}

const subjects: readonly Subject[] = [
  { kind: 'idle', label: 'a context without a session', count: contexts, aim: aimKiB },
  { kind: 'disconnected', label: 'a context with one disconnected session', count: contexts },
  { kind: 'bare', label: 'a bare SDK client with its transport, not connected', count: contexts },
  { kind: 'connected', label: 'a context with one session that has been used', count: connected },
  { kind: 'bare-connected', label: 'a bare SDK client that has been used', count: connected },
];

/** What a context costs that nobody is using, and what one costs that is connected. */
export const idleMemory: Bench = { name: 'idle-memory', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  await using server = await startPlainServer();
  const rounds = options.rounds ?? (options.quick ? 1 : 5);
  const reports = subjects.map((): IdleReport[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, subject] of subjects.entries()) {
      const { label } = subject;
      options.progress(`idle-memory: ${label}, round ${round + 1} of ${rounds}`);
      reports[index]?.push(await measureProcess(subject, `${server.origin}/mcp`));
    }
  }
  return {
    title: `memory of ${contexts} idle contexts and of ${connected} connected ones, each in one process, ${rounds} rounds`,
    figures: subjects.flatMap((subject, index) => describe(subject, reports[index] ?? [])),
    notes: [
      'Growth of heap and RSS over a process that has made 100 of them before, after collecting garbage.',
    ],
  };
}

function describe({ label, aim, count }: Subject, reports: readonly IdleReport[]): Figure[] {
  const figure = (unit: keyof IdleReport, what: string): Figure => {
    const values = reports.map((report) => report[unit] / count / 1024);
    return {
      label: `${label}, ${what}`,
      value: median(values),
      unit: 'KiB',
      spread: middleHalf(values),
      aim,
    };
  };
  return [figure('heapBytes', 'heap'), figure('rssBytes', 'RSS')];
}

async function measureProcess({ kind, count }: Subject, url: string): Promise<IdleReport> {
  const script = fileURLToPath(new URL('./workers/idle-contexts.ts', import.meta.url));
  const { stdout } = await run(process.execPath, ['--expose-gc', script, kind, String(count), url], {
    timeout: 120_000,
  });
  return JSON.parse(stdout) as IdleReport;
}

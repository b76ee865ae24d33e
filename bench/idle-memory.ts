import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { median, middleHalf } from './stats.ts';
import type { IdleKind, IdleReport } from './workers/idle-contexts.ts';

const run = promisify(execFile);
const contexts = 10_000;
const aimKiB = 4;

const subjects: readonly { kind: IdleKind; label: string; aim?: number }[] = [
  { kind: 'idle', label: 'a context without a session', aim: aimKiB },
  { kind: 'disconnected', label: 'a context with one disconnected session' },
  { kind: 'bare', label: 'a bare SDK client with its transport, not connected' },
];

/** What a context costs that nobody is using. */
export const idleMemory: Bench = { name: 'idle-memory', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  const rounds = options.rounds ?? (options.quick ? 1 : 5);
  const reports = subjects.map((): IdleReport[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { kind, label }] of subjects.entries()) {
      options.progress(`idle-memory: ${label}, round ${round + 1} of ${rounds}`);
      reports[index]?.push(await measureProcess(kind));
    }
  }
  return {
    title: `memory of ${contexts} idle contexts in one process, ${rounds} rounds`,
    figures: subjects.flatMap(({ label, aim }, index) => describe(label, aim, reports[index] ?? [])),
    notes: [
      'Growth of heap and RSS over a process that has made 100 of them before, after collecting garbage.',
    ],
  };
}

function describe(label: string, aim: number | undefined, reports: readonly IdleReport[]): Figure[] {
  const figure = (unit: keyof IdleReport, what: string): Figure => {
    const values = reports.map((report) => report[unit] / contexts / 1024);
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

async function measureProcess(kind: IdleKind): Promise<IdleReport> {
  const script = fileURLToPath(new URL('./workers/idle-contexts.ts', import.meta.url));
  const { stdout } = await run(process.execPath, ['--expose-gc', script, kind, String(contexts)], {
    timeout: 120_000,
  });
  return JSON.parse(stdout) as IdleReport;
}

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { buildIfNeeded } from './build-if-needed.ts';
import { median, middleHalf, ratios } from './stats.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);
const aim = 1.15;

/** What a fresh process measures of itself. */
interface Start {
  readonly importMs: number;
  readonly rssMiB: number;
  readonly totalMs: number;
}

const subjects = [
  { label: 'bare SDK client', specifier: '@modelcontextprotocol/client' },
  { label: 'Postern, postern/client', specifier: 'postern/client' },
  { label: 'Postern, the kernel alone', specifier: 'postern' },
  { label: 'nothing', specifier: 'node:process' },
] as const;

/** How long a cold process takes to import Postern, as built. */
export const importTime: Bench = { name: 'import-time', run: measure };

async function measure(options: BenchOptions): Promise<BenchResult> {
  buildIfNeeded('import-time', options);
  const rounds = options.rounds ?? (options.quick ? 3 : 15);
  const starts = subjects.map((): Start[] => []);
  for (let round = -1; round < rounds; round++) {
    options.progress(round < 0 ? 'import-time: warm-up' : `import-time: round ${round + 1} of ${rounds}`);
    // There and back again, so that none always starts in the wake of the same other one.
    const turns = [...subjects.entries()];
    for (const [index, { specifier }] of round % 2 === 0 ? turns : turns.toReversed()) {
      const start = await startProcess(specifier);
      if (round >= 0) starts[index]?.push(start);
    }
  }
  return {
    title: `import in a cold process, ${rounds} rounds`,
    figures: subjects.flatMap(({ label }, index) =>
      describe(label, starts[index] ?? [], starts[0] ?? [], index),
    ),
    notes: ['The baseline is the import of the bare SDK client. Postern is imported as built, from dist.'],
  };
}

function describe(label: string, own: readonly Start[], baseline: readonly Start[], index: number): Figure[] {
  const column = (starts: readonly Start[], unit: keyof Start): number[] =>
    starts.map((start) => start[unit]);
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
  return [
    ...(index === 1 || index === 2 ? [ratio] : []),
    absolute('importMs', 'import', 'ms'),
    absolute('totalMs', 'whole process', 'ms'),
    absolute('rssMiB', 'RSS afterwards', 'MiB'),
  ];
}

async function startProcess(specifier: string): Promise<Start> {
  const script = `const t = performance.now(); await import(${JSON.stringify(specifier)});
console.log(JSON.stringify({ importMs: performance.now() - t, rssMiB: process.memoryUsage.rss() / 1048576 }));`;
  const before = performance.now();
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    timeout: 60_000,
  });
  const totalMs = performance.now() - before;
  return { ...(JSON.parse(stdout) as Omit<Start, 'totalMs'>), totalMs };
}

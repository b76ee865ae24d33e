/**
 * Tries the parsers on very many cases, and prints what held.
 *
 *   npm run properties                      a hundred thousand cases, spread over all properties
 *   npm run properties -- --cases 1000000   that many
 *   npm run properties -- --only TEXT       the properties whose name has the text in it
 *   npm run properties -- --seed 7          the same cases again; otherwise the seed is taken from the time, and printed
 *   npm run properties -- --json            ends with the counts as one object
 *
 * The exit code is 1 when a property fails, when a case does not end within a minute, or when nothing was tried. No run is
 * longer than two hours.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { parserProperties } from './parser-properties.ts';
import type { PropertyFailure } from './parser-property.ts';

interface Report {
  readonly name: string;
  readonly cases: number;
  readonly ms: number;
  readonly failure?: (Omit<PropertyFailure, 'why'> & { readonly why: string }) | undefined;
}

/** What the worker is given. `progress` counts finished cases, so that one that hangs is seen from outside. */
interface Work {
  readonly cases: number;
  readonly seed: number;
  readonly names: readonly string[];
  readonly progress: Int32Array;
}

const stalledAfterMs = 60_000;
const longestMs = 2 * 60 * 60_000;
/** A run has its awkward values at its beginning, so many short ones find more than one long one. */
const chunk = 5_000;

/** Where an error was made is no part of what is looked at, and takes most of the time that making one takes. */
const frames = 1;

if (isMainThread) await supervise();
else await work(workerData as Work);

async function supervise(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      cases: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Date.now() % 0x7fffffff) },
      only: { type: 'string', default: '' },
      json: { type: 'boolean', default: false },
    },
  });
  const names = parserProperties.map(({ name }) => name).filter((name) => name.includes(flags.only));
  const [cases, seed] = [Number(flags.cases), Number(flags.seed)];
  if (!Number.isSafeInteger(cases) || cases < 1 || !Number.isSafeInteger(seed) || names.length === 0)
    throw new RangeError('--cases and --seed take whole numbers, and --only a part of a name');
  process.stdout.write(`${names.length} properties, ${cases} cases, seed ${seed}\n`);

  const progress = new Int32Array(new SharedArrayBuffer(4));
  const data: Work = { cases: Math.ceil(cases / names.length), seed, names, progress };
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data });
  const reports: Report[] = [];
  worker.on('message', (report: Report) => {
    reports.push(report);
    process.stdout.write(lineOf(report));
  });
  const hung = await watch(worker, progress);
  const failed = reports.filter(({ failure }) => failure !== undefined).length;
  const tried = reports.reduce((sum, report) => sum + report.cases, 0);
  if (hung !== undefined) process.stdout.write(`${hung}; it was trying: ${names[reports.length]}\n`);
  const isGood = hung === undefined && failed === 0 && reports.length === names.length && tried > 0;
  process.stdout.write(`Properties: ${reports.length - failed} held, ${failed} failed, ${tried} cases\n`);
  if (flags.json)
    process.stdout.write(
      `${JSON.stringify({ properties: names.length, held: reports.length - failed, failed, cases: tried, seed, hung: hung !== undefined })}\n`,
    );
  process.exitCode = isGood ? 0 : 1;
}

/** Resolves when the worker has ended, or was ended: to why. */
async function watch(worker: Worker, progress: Int32Array): Promise<string | undefined> {
  let why: string | undefined;
  let seen = 0;
  let movedAt = performance.now();
  const startedAt = movedAt;
  const timer = setInterval(() => {
    const now = performance.now();
    const done = Atomics.load(progress, 0);
    if (done !== seen) movedAt = now;
    seen = done;
    if (now - movedAt > stalledAfterMs) why ??= 'a case has not ended within a minute';
    else if (now - startedAt > longestMs) why ??= 'the run has taken two hours';
    if (why !== undefined) void worker.terminate();
  }, 1_000);
  // It rejects with what the worker threw.
  const broke = await once(worker, 'exit').then(
    () => undefined,
    (error: unknown) => `the run broke: ${String(error)}`,
  );
  clearInterval(timer);
  return why ?? broke;
}

async function work({ cases, seed, names, progress }: Work): Promise<void> {
  Error.stackTraceLimit = frames;
  for (const property of parserProperties.filter(({ name }) => names.includes(name))) {
    const startedAt = performance.now();
    let done = 0;
    let failure: PropertyFailure | undefined;
    const onCase = (): void => {
      done++;
      Atomics.add(progress, 0, 1);
    };
    for (let next = seed; done < cases && failure === undefined; next++)
      failure = await property.run({ cases: Math.min(chunk, cases - done), seed: next, onCase });
    const report: Report = {
      name: property.name,
      cases: done,
      ms: Math.round(performance.now() - startedAt),
      ...(failure && {
        failure: {
          ...failure,
          why: (failure.why instanceof Error && failure.why.stack) || String(failure.why),
        },
      }),
    };
    parentPort?.postMessage(report);
  }
}

function lineOf({ name, cases, ms, failure }: Report): string {
  const seconds = (ms / 1000).toFixed(1);
  if (failure === undefined) return `✓ ${name}: ${cases} cases in ${seconds} s\n`;
  const { seed, path, counterexample, why } = failure;
  return `✗ ${name}: after ${cases} cases, seed ${seed}, path ${path}\n  ${counterexample}\n  ${why.replaceAll('\n', '\n  ')}\n`;
}

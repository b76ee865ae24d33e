import type { BenchOptions, Figure } from './bench.ts';
import { median, middleHalf, p95, ratios } from './stats.ts';

const inFlight = 32;
/** Of the wall time, where there is an aim at all. */
const wallAim = 1.05;

/** Whose calls are timed. */
export interface Contender {
  readonly label: string;
  readonly call: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

/** Cost of a call in one slice of a round. */
interface Slice {
  readonly wallUs: number;
  readonly cpuUs: number;
  /** What 95 in 100 calls took at most, by themselves. */
  readonly p95Us: number;
}

export function sizesOf({ rounds, quick }: BenchOptions): {
  rounds: number;
  callsInTurn: number;
  callsAtOnce: number;
} {
  return {
    rounds: rounds ?? (quick ? 5 : 30),
    callsInTurn: quick ? 50 : 100,
    callsAtOnce: quick ? 64 : 320,
  };
}

/** Times contenders by turns; the first is the baseline. */
export async function race(
  { label, aim }: { readonly label: string; readonly aim?: number },
  contenders: readonly Contender[],
  options: BenchOptions,
): Promise<Figure[]> {
  const { rounds, callsInTurn, callsAtOnce } = sizesOf(options);
  options.progress(`${label}: warm-up`);
  for (const contender of contenders) {
    await callInTurn(contender, options.quick ? 100 : 500);
    await callAtOnce(contender, inFlight * 4);
  }
  const inTurn = contenders.map((): Slice[] => []);
  const atOnce = contenders.map((): Slice[] => []);
  for (let round = 0; round < rounds; round++) {
    if (round % 10 === 0) options.progress(`${label}: round ${round + 1} of ${rounds}`);
    for (let place = 0; place < contenders.length; place++) {
      // Another one begins each round, so that none always follows the same neighbour's garbage.
      const index = (round + place) % contenders.length;
      const contender = contenders[index];
      if (contender === undefined) continue;
      inTurn[index]?.push(
        await timed(callsInTurn, (latenciesUs) => callInTurn(contender, callsInTurn, latenciesUs)),
      );
      atOnce[index]?.push(
        await timed(callsAtOnce, (latenciesUs) => callAtOnce(contender, callsAtOnce, latenciesUs)),
      );
    }
  }
  const series: readonly Series[] = [
    { how: `${label}, one at a time`, slices: inTurn, ...(aim !== undefined && { aim }) },
    { how: `${label}, ${inFlight} in flight`, slices: atOnce, ...(aim !== undefined && { aim }) },
  ];
  return [
    ...series.flatMap((one) => relativeFigures(contenders, one)),
    ...series.flatMap((one) => absoluteFigures(contenders, one)),
  ];
}

interface Series {
  readonly how: string;
  /** For each contender, its slice of each round. */
  readonly slices: readonly (readonly Slice[])[];
  readonly aim?: number;
}

function relativeFigures(contenders: readonly Contender[], { how, slices, aim: wanted }: Series): Figure[] {
  const [baseline = []] = slices;
  return contenders.slice(1).flatMap(({ label }, index) =>
    (['cpuUs', 'wallUs'] as const).map((unit): Figure => {
      const values = ratios(column(slices[index + 1] ?? [], unit), column(baseline, unit));
      return {
        label: `${label} / baseline, ${how}, ${names[unit]}`,
        value: median(values),
        unit: 'ratio',
        spread: middleHalf(values),
        ...(label.startsWith('Postern') &&
          wanted !== undefined && { aim: unit === 'cpuUs' ? wanted : wallAim }),
      };
    }),
  );
}

function absoluteFigures(contenders: readonly Contender[], { how, slices }: Series): Figure[] {
  return contenders.flatMap(({ label }, index) =>
    (['cpuUs', 'wallUs', 'p95Us'] as const).map((unit): Figure => {
      const values = column(slices[index] ?? [], unit);
      return {
        label: `${label}, ${how}, ${names[unit]}`,
        value: median(values),
        unit: 'µs',
        spread: middleHalf(values),
      };
    }),
  );
}

const names = {
  cpuUs: 'CPU per call',
  wallUs: 'wall time per call',
  p95Us: '95th percentile of a call',
} as const;

function column(slices: readonly Slice[], unit: keyof Slice): number[] {
  return slices.map((slice) => slice[unit]);
}

async function timed(calls: number, work: (latenciesUs: number[]) => Promise<void>): Promise<Slice> {
  const latenciesUs: number[] = [];
  const cpuBefore = process.cpuUsage();
  const before = performance.now();
  await work(latenciesUs);
  const wallUs = ((performance.now() - before) * 1000) / calls;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallUs, cpuUs: (user + system) / calls, p95Us: p95(latenciesUs) };
}

async function callInTurn(contender: Contender, calls: number, latenciesUs: number[] = []): Promise<void> {
  for (let call = 0; call < calls; call++) {
    const before = performance.now();
    await contender.call();
    latenciesUs.push((performance.now() - before) * 1000);
  }
}

async function callAtOnce(contender: Contender, calls: number, latenciesUs: number[] = []): Promise<void> {
  const each = Math.ceil(calls / inFlight);
  await Promise.all(Array.from({ length: inFlight }, () => callInTurn(contender, each, latenciesUs)));
}

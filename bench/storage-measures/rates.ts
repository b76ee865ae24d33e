import type { Figure } from '../bench.ts';
import { median, middleHalf, ratios } from '../stats.ts';
import { operations, type Operation, type Side } from '../storage-stores/store-under-bench.ts';
import { countFor, timeOperations } from './time-operations.ts';

/** What one commit of the driver may cost, in statements of the bare client. */
const commitAim = 1.5;

/** Records that are written and read over and over: more than are in flight, so that no two calls meet. */
const records = 128;

/** What is taken lies beyond them. */
const firstTaken = 1_000;

export const atOnce = 16;

/** One operation at one number in flight: microseconds for each call, by round. */
export interface RateSeries {
  readonly operation: Operation;
  readonly inFlight: number;
  readonly driver: number[];
  readonly raw: number[];
}

/** Times every operation of both sides, one at a time and many in flight, in turns. */
export async function measureRates(
  driver: Side,
  raw: Side | undefined,
  { rounds, sliceMs }: { rounds: number; sliceMs: number },
): Promise<RateSeries[]> {
  const sides = [driver, ...(raw === undefined ? [] : [raw])];
  for (const side of sides) await timeOperations((at) => side.put(at), records, atOnce);
  const series = operations.flatMap((operation) =>
    [1, atOnce].map((inFlight): Counted => ({ operation, inFlight, count: 64, driver: [], raw: [] })),
  );
  for (let round = -2; round < rounds; round++) {
    for (const one of series) {
      // Each round another side begins, so that neither always follows the other's garbage.
      for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
        const us = await timeSlice(side, one);
        if (round >= 0) (side === driver ? one.driver : one.raw).push(us);
        else if (round === -1 && side === driver) one.next = countFor(us, sliceMs, [2 * one.inFlight, 1_024]);
      }
      one.count = one.next ?? one.count;
    }
  }
  return series;
}

interface Counted extends RateSeries {
  count: number;
  next?: number;
}

async function timeSlice(side: Side, { operation, inFlight, count }: Counted): Promise<number> {
  if (operation === 'take') {
    await timeOperations((at) => side.put(firstTaken + at), count, atOnce);
    return timeOperations((at) => side.take(firstTaken + at), count, inFlight);
  }
  return timeOperations((at) => side[operation](at % records), count, inFlight);
}

/** Those that have an aim: commits, beside the bare client's statement. */
export function rateFigures(label: string, series: readonly RateSeries[]): Figure[] {
  return series
    .filter(({ operation, raw }) => (operation === 'put' || operation === 'replace') && raw.length > 0)
    .map(({ operation, inFlight, driver, raw }) => {
      const values = ratios(driver, raw);
      return {
        label: `${label}, commit of a ${operation} / bare client, ${howOf(inFlight)}`,
        value: median(values),
        unit: 'ratio',
        spread: middleHalf(values),
        aim: commitAim,
      };
    });
}

export const rateColumns = [
  'store',
  'operation',
  'Postern µs',
  'bare µs',
  'ratio',
  `Postern 1/s, ${atOnce} in flight`,
  'bare 1/s',
  'ratio of times',
] as const;

/** A row for each operation: alone, then in flight. */
export function rateRows(label: string, series: readonly RateSeries[]): string[][] {
  const cells = (values: readonly number[], of: (us: number) => number): string =>
    values.length === 0 ? '–' : String(Math.round(of(median(values))));
  const ratioOf = ({ driver, raw }: RateSeries): string =>
    raw.length === 0 ? '–' : median(ratios(driver, raw)).toFixed(2);
  return operations.map((operation) => {
    const [alone, together] = series.filter((one) => one.operation === operation) as [RateSeries, RateSeries];
    const perSecond = (us: number): number => 1e6 / us;
    return [
      label,
      operation,
      cells(alone.driver, Number),
      cells(alone.raw, Number),
      ratioOf(alone),
      cells(together.driver, perSecond),
      cells(together.raw, perSecond),
      ratioOf(together),
    ];
  });
}

function howOf(inFlight: number): string {
  return inFlight === 1 ? 'one at a time' : `${inFlight} in flight`;
}

import type { Figure } from '../bench.ts';
import { median, middleHalf, ratios } from '../stats.ts';
import {
  namespaceOf,
  value,
  valueBytes,
  type FilledStore,
  type StoreUnderBench,
} from '../storage-stores/store-under-bench.ts';
import { countFor, timeOperations } from './time-operations.ts';

/** What an operation may cost among any number of namespaces, compared with the fewest. */
const aim = 1.2;

/** With what each is called in a figure. A bare get shows what of the cost grows below the driver. */
const kinds = { get: 'get', commit: 'commit', bareGet: 'bare get' } as const;

type Kind = keyof typeof kinds;
const allKinds = Object.keys(kinds) as Kind[];

/** Microseconds for each call, by round, at one number of namespaces. */
export interface SizeSeries {
  readonly namespaces: number;
  readonly get: number[];
  readonly commit: number[];
  readonly bareGet: number[];
}

/** Times calls on namespaces drawn at random, among few and among many of them, in turns. */
export async function measureFlatness(
  store: StoreUnderBench,
  { rounds, sliceMs, sizes }: { rounds: number; sliceMs: number; sizes: readonly number[] },
): Promise<SizeSeries[]> {
  const subjects: { series: SizeSeries; filled: FilledStore }[] = [];
  try {
    for (const namespaces of sizes) {
      const series: SizeSeries = { namespaces, get: [], commit: [], bareGet: [] };
      subjects.push({ series, filled: await store.openFilled(namespaces) });
    }
    const counts = { get: 64, commit: 64, bareGet: 64 };
    for (let round = -2; round < rounds; round++) {
      for (const kind of allKinds) {
        for (let place = 0; place < subjects.length; place++) {
          // Another one begins each round, so that none always follows the same neighbour.
          const { series, filled } = subjects[(round + 2 + place) % subjects.length]!;
          const us = await timeOperations(operationOf(kind, filled, series.namespaces), counts[kind], 1);
          if (round >= 0) series[kind].push(us);
          else if (place === subjects.length - 1) counts[kind] = countFor(us, sliceMs, [16, 2_048]);
        }
      }
    }
    return subjects.map(({ series }) => series);
  } finally {
    for (const { filled } of subjects) await filled.close();
  }
}

function operationOf(
  kind: Kind,
  { backend, bareGet }: FilledStore,
  namespaces: number,
): () => Promise<boolean> {
  const any = (): string => namespaceOf(Math.floor(Math.random() * namespaces));
  const key = () => [any(), 'record'] as const;
  switch (kind) {
    case 'get':
      return async () => (await backend.get(key()))?.value.byteLength === valueBytes;
    case 'commit':
      return async () => (await backend.commit([{ put: key(), value }])) !== undefined;
    case 'bareGet':
      return () => bareGet(any());
  }
}

export function flatnessFigures(label: string, series: readonly SizeSeries[]): Figure[] {
  const [fewest, ...more] = series;
  if (fewest === undefined) return [];
  return allKinds.flatMap((kind): Figure[] => [
    {
      label: `${label}, ${kinds[kind]} among ${fewest.namespaces} namespaces`,
      value: median(fewest[kind]),
      unit: 'µs',
      spread: middleHalf(fewest[kind]),
    },
    ...more.map((one): Figure => {
      const values = ratios(one[kind], fewest[kind]);
      return {
        label: `${label}, ${kinds[kind]} among ${one.namespaces} / among ${fewest.namespaces}`,
        value: median(values),
        unit: 'ratio',
        spread: middleHalf(values),
        ...(kind !== 'bareGet' && { aim }),
      };
    }),
  ]);
}

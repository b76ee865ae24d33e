import type { Bench, BenchOptions, BenchResult, Figure } from './bench.ts';
import { flatnessFigures, measureFlatness } from './storage-measures/flatness.ts';
import { atOnce, measureRates, rateColumns, rateFigures, rateRows } from './storage-measures/rates.ts';
import { measureWakeUps, wakeUpFigures } from './storage-measures/wake-ups.ts';
import { driverSide } from './storage-stores/driver-side.ts';
import type { AbsentStore, StoreUnderBench } from './storage-stores/store-under-bench.ts';
import { withTemporaryDirectory } from './temporary-directory.ts';

/** What one store costs, in the form of the result. */
interface StoreResult {
  readonly figures: readonly Figure[];
  readonly rows: readonly (readonly string[])[];
}

/** What each driver adds to the bare client of its store, and whether many namespaces make it slower. */
export const storage: Bench = {
  name: 'storage',
  run: (options) => withTemporaryDirectory((directory) => measure(directory, options)),
};

async function measure(directory: string, options: BenchOptions): Promise<BenchResult> {
  const rounds = options.rounds ?? (options.quick ? 3 : 21);
  const figures: Figure[] = [];
  const rows: (readonly string[])[] = [];
  const notes: string[] = [];
  for (const open of await stores(directory)) {
    const store = await open();
    if ('absent' in store) {
      notes.push(store.absent);
      continue;
    }
    try {
      const result = await measureStore(store, rounds, options);
      figures.push(...result.figures);
      rows.push(...result.rows);
      notes.push(...store.notes);
    } finally {
      await store.close();
    }
  }
  return {
    title: `each driver beside the bare client of the same server, values of 1 KiB, ${rounds} rounds`,
    figures,
    table: { columns: rateColumns, rows },
    notes: [
      `A ratio is the median of those of each round, of the time for one call; ${atOnce} in flight it is the time of all by their number.`,
      'The driver keeps what the bare client does not: an order to list by, an expiry, versions that never come back, a deadline. Its take is a read and a conditional delete, as the contract has it: two round trips, where the bare client has one.',
      'Namespaces hold one record each, and the calls are on some drawn at random.',
      ...notes,
    ],
  };
}

/** Loaded only here, so that the clients' libraries do not weigh on the other benches. */
async function stores(directory: string): Promise<readonly (() => Promise<StoreUnderBench | AbsentStore>)[]> {
  const [memory, sqlite, redis, postgres, dynamoDb] = await Promise.all([
    import('./storage-stores/memory.ts'),
    import('./storage-stores/sqlite.ts'),
    import('./storage-stores/redis.ts'),
    import('./storage-stores/postgres.ts'),
    import('./storage-stores/dynamodb.ts'),
  ]);
  return [
    memory.openMemoryStore,
    () => sqlite.openSqliteStore(directory),
    redis.openRedisStore,
    postgres.openPostgresStore,
    dynamoDb.openDynamoDbStore,
  ];
}

async function measureStore(
  store: StoreUnderBench,
  rounds: number,
  { quick, progress }: BenchOptions,
): Promise<StoreResult> {
  const { label, raw, handles, pollMs } = store;
  const sliceMs = quick ? 5 : 20;
  progress(`storage: ${label}, rates`);
  const rates = await measureRates(await driverSide(handles[0]), raw?.side, { rounds, sliceMs });
  progress(`storage: ${label}, wake-ups`);
  const wakeUps = await measureWakeUps(store, wakeUpSamples(pollMs, quick));
  const sizes = quick ? store.sizes.filter((size) => size <= 10_000) : store.sizes;
  progress(`storage: ${label}, ${sizes.join(', ')} namespaces`);
  const flatness = await measureFlatness(store, { rounds, sliceMs, sizes });
  return {
    figures: [
      ...rateFigures(label, rates),
      ...wakeUpFigures(store, wakeUps),
      ...flatnessFigures(label, flatness),
    ],
    rows: rateRows(label, rates),
  };
}

/** Those that poll take so much longer that fewer must do. */
function wakeUpSamples(pollMs: number, quick: boolean): number {
  if (pollMs === 0) return quick ? 100 : 1_000;
  if (pollMs < 100) return quick ? 10 : 200;
  return quick ? 3 : 20;
}

import { sleep } from '../../src/core/clock.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import type { Figure } from '../bench.ts';
import { median } from '../stats.ts';
import { driverBell } from '../storage-stores/driver-side.ts';
import { value, type Bell, type Side, type StoreUnderBench } from '../storage-stores/store-under-bench.ts';
import { atOnce } from './rates.ts';

/** What a wake-up may take, in those of the bare client. */
const ratioAim = 3;

/** How long after a commit its waiter may be woken, at the 99th percentile, where the server pushes signals. */
const wokenAimMs = 50;

/** A signal that takes longer than this is lost, and the bench fails. */
const lostMs = 10_000;

/** Wake-ups of one store, by sample, in milliseconds. */
export interface WakeUps {
  readonly driver: number[];
  readonly raw: number[];
  readonly committed: number[];
  readonly rawCommitted: number[];
  readonly committedUnderLoad: number[];
}

/** Times, in turns: a signal until another handle is woken, the bare client's, and a commit until its waiter has read it. */
export async function measureWakeUps(store: StoreUnderBench, samples: number): Promise<WakeUps> {
  const { raw, handles, pollMs } = store;
  await using driver = await Ear.open(driverBell(handles));
  await using bare = raw?.bell && (await Ear.open(raw.bell));
  const waiter = commitWaiter(handles);
  const found: WakeUps = { driver: [], raw: [], committed: [], rawCommitted: [], committedUnderLoad: [] };
  // At a random moment between two looks of those that poll, else each would begin just after one.
  const pause = (): Promise<void> => sleep(Math.random() * pollMs);
  for (let sample = -Math.ceil(samples / 20); sample < samples; sample++) {
    await pause();
    const driverMs = await driver.hear(() => driver.bell.ring());
    const rawMs = bare === undefined ? undefined : await bare.hear(() => bare.bell.ring());
    await pause();
    const committedMs = await driver.hear(waiter.commit, waiter.read);
    const rawCommittedMs =
      raw?.bell === undefined || bare === undefined
        ? undefined
        : await bare.hear(
            () => commitBare(raw.side, bare.bell),
            () => raw.side.get(0),
          );
    if (sample < 0) continue;
    found.driver.push(driverMs);
    if (rawMs !== undefined) found.raw.push(rawMs);
    found.committed.push(committedMs);
    if (rawCommittedMs !== undefined) found.rawCommitted.push(rawCommittedMs);
  }
  if (pollMs > 0) return found;
  await underLoad(handles[0], async () => {
    for (let sample = 0; sample < samples / 2; sample++) {
      found.committedUnderLoad.push(await driver.hear(waiter.commit, waiter.read));
    }
  });
  return found;
}

/** A listener that is asked for one wake-up at a time. */
class Ear implements AsyncDisposable {
  readonly bell: Bell;
  #wake: () => void = () => {};
  #stop: () => Promise<unknown> = async () => {};

  private constructor(bell: Bell) {
    this.bell = bell;
  }

  static async open(bell: Bell): Promise<Ear> {
    const ear = new Ear(bell);
    ear.#stop = await bell.listen(() => ear.#wake());
    return ear;
  }

  /** Milliseconds from the beginning of `act` to the wake-up after which `isThere` is true. */
  async hear(
    act: () => Promise<unknown>,
    isThere: () => Promise<boolean> = async () => true,
  ): Promise<number> {
    const before = performance.now();
    const over = new AbortController();
    const heard = new Promise<number>((resolve, reject) => {
      this.#wake = () => {
        isThere().then((is) => is && resolve(performance.now() - before), reject);
      };
      sleep(lostMs, { signal: over.signal }).then(
        () => reject(new Error(`no wake-up within ${lostMs} ms`)),
        () => {},
      );
    });
    try {
      const [ms] = await Promise.all([heard, act()]);
      return ms;
    } finally {
      over.abort();
      this.#wake = () => {};
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}

/** Commits with one handle, signals, and looks with the other whether it is there. */
function commitWaiter([from, to]: readonly [StorageBackend, StorageBackend]): {
  commit: () => Promise<void>;
  read: () => Promise<boolean>;
} {
  const key = ['client:waiter', 'record'] as const;
  const bell = driverBell([from, to]);
  let committed: string | undefined;
  return {
    async commit() {
      committed = undefined;
      [committed] = (await from.commit([{ put: key, value }])) ?? [];
      await bell.ring();
    },
    read: async () => (await to.get(key))?.version === committed,
  };
}

async function commitBare(side: Side, bell: Bell): Promise<void> {
  await side.put(0);
  await bell.ring();
}

/** Does something while many other commits are on their way. */
async function underLoad(backend: StorageBackend, work: () => Promise<void>): Promise<void> {
  let isOver = false;
  const writers = Array.from({ length: atOnce }, async (_, index) => {
    while (!isOver) await backend.commit([{ put: [`client:user:${index}`, 'load'], value }]);
  });
  try {
    await work();
  } finally {
    isOver = true;
    await Promise.all(writers);
  }
}

export function wakeUpFigures({ label, pollMs }: StoreUnderBench, found: WakeUps): Figure[] {
  const figures: Figure[] = [];
  if (found.raw.length > 0) {
    figures.push({
      label: `${label}, signal → woken / bare publish → message, median`,
      value: median(found.driver) / median(found.raw),
      unit: 'ratio',
      aim: ratioAim,
    });
  }
  const both = (what: string, values: readonly number[], aim?: number): void => {
    if (values.length === 0) return;
    figures.push(
      { label: `${label}, ${what}, median`, value: median(values), unit: 'ms' },
      { label: `${label}, ${what}, p99`, value: p99(values), unit: 'ms', aim },
    );
  };
  const pushes = pollMs === 0 && found.raw.length > 0;
  both('signal → woken', found.driver);
  both('bare publish → message', found.raw);
  both('commit → waiter woken, and has read it', found.committed, pushes ? wokenAimMs : undefined);
  both('bare write → message, and has read it', found.rawCommitted);
  both(
    `commit → waiter woken, beside ${atOnce} writers`,
    found.committedUnderLoad,
    pushes ? wokenAimMs : undefined,
  );
  return figures;
}

/** What 99 in 100 values do not exceed. */
function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
}

import { systemClock, type Clock } from '../core/clock.ts';
import { hashId } from '../core/random.ts';
import type { Pending, PendingKind } from '../pending/pending.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { tryAcquireLease } from '../sync/lease.ts';
import { storeTime } from '../sync/store-time.ts';

/** How often a request is tried while the pending lives that it waits for, where only a try shows that a person is done. */
export interface TryPolicy {
  /** The pause before the first try; it grows with the age of the pending, to at most a minute. Default 5,000 ms. */
  readonly tryMs?: number | undefined;
}

const longestMs = 60_000;

/** The pause before the next try: as long as the pending has lived by now, so it doubles with each. */
export function tryPauseMs(ageMs: number, { tryMs = 5_000 }: TryPolicy = {}): number {
  return Math.min(Math.max(ageMs, tryMs), Math.max(longestMs, tryMs));
}

/** Whose turn it is to be tried: of all requests that wait for one pending, one in all processes, and that now and then. */
export class Tries {
  readonly #policy: TryPolicy;
  readonly #clock: Clock;
  readonly #isTriedMeanwhile: (kind: PendingKind) => boolean;

  constructor(
    options: TryPolicy & {
      readonly clock?: Clock | undefined;
      readonly isTriedMeanwhile?: ((kind: PendingKind) => boolean) | undefined;
    },
  ) {
    this.#policy = { tryMs: options.tryMs };
    this.#clock = options.clock ?? systemClock;
    this.#isTriedMeanwhile = options.isTriedMeanwhile ?? (() => false);
  }

  /** Whether requests that wait for it are tried at all while it lives. */
  mayBecomeDue({ kind }: Pending): boolean {
    return this.#isTriedMeanwhile(kind);
  }

  /** Takes the turn; it is not given back, and is over when the next one may take it. */
  async takeTurn(storage: NamespacedStorage, { id, createdAtMs }: Pending): Promise<boolean> {
    const ageMs = (await storeTime(storage.backend, this.#clock)) - createdAtMs;
    const { tryMs } = this.#policy;
    const pauseMs = tryPauseMs(ageMs, { tryMs });
    if (ageMs < tryPauseMs(0, { tryMs })) return false;
    const options = { leaseMs: pauseMs, clock: this.#clock };
    return (await tryAcquireLease(storage, ['trying', await hashId(id)], options)) !== undefined;
  }
}

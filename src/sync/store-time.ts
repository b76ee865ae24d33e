import type { Clock } from '../core/clock.ts';
import type { StorageBackend } from '../storage/contract.ts';

/** How long a look at the store's clock is good for. */
const lookMs = 60_000;
/** What two clocks that are right may differ by. Within it, the own clock is used as it is. */
const toleranceMs = 250;
/** How far a clock may run from the monotonic one before it counts as having been set. */
const driftMs = 100;

interface Look {
  readonly atMs: number;
  readonly clockMs: number;
  /** By how much the own clock is behind the store's. */
  readonly behindMs: Promise<number>;
}

/** What is known of a store's clock, compared with one's own. */
interface Known {
  look: Look | undefined;
  /** As of the last look that was answered. */
  behindMs: number;
}

const known = new WeakMap<StorageBackend, WeakMap<Clock, Known>>();

/**
 * The time by which a store judges expiry: that of `clock`, put right where the store's own differs from it.
 *
 * A process whose clock is wrong, or was set a moment ago, would otherwise write leases and pendings that have ended
 * already, or never will. The store is asked once a minute, and whenever the clock was set.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export async function storeTime(backend: StorageBackend, clock: Clock): Promise<number> {
  if (backend.now === undefined) return clock();
  const found = knownOf(backend, clock);
  let { look } = found;
  if (look === undefined || !isGood(look, clock)) {
    const begun: Look = { atMs: performance.now(), clockMs: clock(), behindMs: ask(backend, clock) };
    found.look = look = begun;
    begun.behindMs.then(
      (behindMs) => (found.behindMs = behindMs),
      () => {
        if (found.look === begun) found.look = undefined;
      },
    );
  }
  const behindMs = await look.behindMs;
  return clock() + behindMs;
}

/** The store's time as of the last look at it by {@link storeTime}, for work that cannot wait for another. */
export function storeClock(backend: StorageBackend, clock: Clock): Clock {
  if (backend.now === undefined) return clock;
  const found = knownOf(backend, clock);
  return () => clock() + found.behindMs;
}

function knownOf(backend: StorageBackend, clock: Clock): Known {
  let ofBackend = known.get(backend);
  if (ofBackend === undefined) known.set(backend, (ofBackend = new WeakMap()));
  let found = ofBackend.get(clock);
  if (found === undefined) ofBackend.set(clock, (found = { look: undefined, behindMs: 0 }));
  return found;
}

function isGood({ atMs, clockMs }: Look, clock: Clock): boolean {
  const passedMs = performance.now() - atMs;
  return passedMs < lookMs && Math.abs(clock() - clockMs - passedMs) < driftMs;
}

async function ask(backend: StorageBackend, clock: Clock): Promise<number> {
  const askedMs = performance.now();
  const clockMs = clock();
  const storeMs = (await backend.now?.()) ?? clockMs;
  const tookMs = performance.now() - askedMs;
  // Ahead by one round trip at most, and never behind: nothing ends too early by this.
  const behindMs = storeMs - clockMs;
  return behindMs > -toleranceMs && behindMs < toleranceMs + tookMs ? 0 : behindMs;
}

import { systemClock, type Clock } from '../core/clock.ts';
import type { FetchLike } from '../core/fetch-like.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { systemRandom, type RandomBytes } from '../core/random.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { logUnreadable, type OnUnreadable } from '../storage/unreadable.ts';
import { storeClock, storeTime } from './store-time.ts';

/** What everything above the kernel stands in: made once, where a face is made, and handed down whole. */
export interface Surroundings {
  readonly storage: StorageBackend;
  /** This process's own time. Good for its own waiting, never for what others judge. */
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
  /** Is told of each stored record that is set aside because it cannot be read, and logs each once. */
  readonly onUnreadable: OnUnreadable;
  /** For requests to authorization servers. Left out: the global `fetch`, looked up at each call. */
  readonly fetch: FetchLike | undefined;
  /** The store's time, by which whatever is stored begins and ends. */
  readonly now: () => Promise<number>;
  /** The store's time as of the last `now()`, or of the last lease: for work that is begun under one. */
  readonly storeClock: Clock;
}

/** What a host may give; the rest is the system's own. */
export interface SurroundingsOptions {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  readonly fetch?: FetchLike | undefined;
}

export function createSurroundings(options: SurroundingsOptions): Surroundings {
  const { storage, clock = systemClock, random = systemRandom, logger = stderrLogger, fetch } = options;
  return {
    storage,
    clock,
    random,
    logger,
    onUnreadable: logUnreadable(logger),
    fetch,
    now: () => storeTime(storage, clock),
    storeClock: storeClock(storage, clock),
  };
}

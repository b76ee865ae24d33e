import { systemClock, type Clock } from '../core/clock.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import type { Network, NetworkOptions } from '../http/network-options.ts';
import { openNetwork } from '../http/network.ts';
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
  /** Where requests leave the process. */
  readonly network: Network;
  /** For requests to authorization servers: the network's, or the host's own. */
  readonly fetch: FetchLike;
  /** Whether that shows a certificate to an issuer. Left out: the host's own knows. */
  readonly hasCertificateFor?: ((issuer: string) => boolean) | undefined;
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
  readonly network?: NetworkOptions | undefined;
}

export function createSurroundings(options: SurroundingsOptions): Surroundings {
  const { storage, clock = systemClock, random = systemRandom, logger = stderrLogger } = options;
  const network = openNetwork(options.network);
  return {
    storage,
    clock,
    random,
    logger,
    onUnreadable: logUnreadable(logger),
    network,
    fetch: options.fetch ?? network.fetch,
    ...(options.fetch === undefined && { hasCertificateFor: network.hasCertificateFor }),
    now: () => storeTime(storage, clock),
    storeClock: storeClock(storage, clock),
  };
}

import { sleep } from '../../core/clock.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import { storageOf } from '../../namespace/namespace.ts';
import type { Pending } from '../../pending/pending.ts';
import { tryAcquireLease } from '../../sync/lease.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import type { Flow, FlowHands, InteractionData } from '../flow.ts';

export interface BackgroundWorkOptions {
  readonly find: (pending: Pending<InteractionData>) => Promise<Pending<InteractionData> | undefined>;
  readonly handsFor: (pending: Pending<InteractionData>) => FlowHands;
  readonly leaseMs: number;
}

/**
 * The background work of interactions: one process does it, the others that know of it stand by.
 *
 * Who does it holds a lease. When that process dies, the lease runs out and the next one goes on, from what is stored.
 */
export class BackgroundWork {
  readonly #surroundings: Surroundings;
  readonly #options: BackgroundWorkOptions;

  constructor(surroundings: Surroundings, options: BackgroundWorkOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Does the work, or stands by, until the signal aborts or the pending has ended. */
  async attend(pending: Pending<InteractionData>, flow: Flow, stop: AbortSignal): Promise<void> {
    const { logger, now } = this.#surroundings;
    const { leaseMs } = this.#options;
    const path = ['watch', await hashId(pending.id)];
    while (!stop.aborted) {
      try {
        const hadTurn = await this.#takeTurn(pending, flow, path, stop);
        if (hadTurn === 'nothing left' || stop.aborted || (await now()) >= pending.expiresAtMs) return;
        const pauseMs = hadTurn ? leaseMs : await this.#untilTakeoverMs(pending, path);
        await sleep(pauseMs, { signal: stop, keepAlive: false });
      } catch (error) {
        const code = findPosternError(error)?.code;
        if (code === 'ERR_POSTERN_PENDING_ALREADY_FINISHED' || code === 'ERR_POSTERN_PENDING_NOT_FOUND')
          return;
        logger.warn('the background work of an interaction failed', { kind: pending.kind, code });
        await sleep(leaseMs, { signal: stop, keepAlive: false });
      }
    }
  }

  /** The present holder's lease ends then, unless it is renewed. */
  async #untilTakeoverMs({ namespace }: Pending, path: readonly string[]): Promise<number> {
    const held = await storageOf(this.#surroundings.storage, namespace).get(...path);
    const leftMs = (held?.expiresAtMs ?? 0) - (await this.#surroundings.now());
    return Math.min(Math.max(leftMs, 20), this.#options.leaseMs);
  }

  async #takeTurn(
    pending: Pending<InteractionData>,
    flow: Flow,
    path: readonly string[],
    stop: AbortSignal,
  ): Promise<boolean | 'nothing left'> {
    const { storage, clock, logger, storeClock } = this.#surroundings;
    const { find, handsFor, leaseMs } = this.#options;
    const hasNothingLeft = ({ data }: Pending<InteractionData>): boolean =>
      data !== undefined && flow.hasWork?.(data.data) === false;
    const lease = await tryAcquireLease(storageOf(storage, pending.namespace), path, { leaseMs, clock });
    if (lease === undefined) return false;
    const stopRenewing = lease.keepAlive();
    const signal = AbortSignal.any([stop, lease.signal]);
    try {
      const current = await find(pending);
      if (current?.status !== 'pending') return true;
      if (hasNothingLeft(current)) return 'nothing left';
      await flow.watch?.({
        pending: current,
        signal,
        clock: storeClock,
        logger,
        pause: (ms) => sleep(ms, { signal, keepAlive: false }),
        ...handsFor(current),
      });
      const after = flow.hasWork === undefined ? current : await find(pending);
      return after !== undefined && hasNothingLeft(after) ? 'nothing left' : true;
    } finally {
      stopRenewing();
      await lease.release().catch(() => {});
    }
  }
}

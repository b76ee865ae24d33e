import { sleep, type Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { findPosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Pending } from '../pending/pending.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { tryAcquireLease } from '../sync/lease.ts';
import type { Flow, FlowPendingData, FlowWatch } from './flow.ts';

export interface InteractionWatchOptions {
  readonly storageOf: (pending: Pending<FlowPendingData>) => NamespacedStorage;
  readonly find: (pending: Pending<FlowPendingData>) => Promise<Pending<FlowPendingData> | undefined>;
  /** Resolves when the pending has ended, or the signal aborts. */
  readonly untilEnd: (pending: Pending<FlowPendingData>, signal: AbortSignal) => Promise<unknown>;
  readonly work: (pending: Pending<FlowPendingData>) => Pick<FlowWatch, 'finish' | 'fail' | 'update'>;
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Beyond this, a process leaves background work to the others, and to the next time somebody asks. */
const maxWatched = 1_000;

/**
 * The background work of interactions: one process does it, the others that know of it stand by.
 *
 * Who does it holds a lease. When that process dies, the lease runs out and the next one goes on, from what is stored.
 */
export class InteractionWatch {
  readonly #options: InteractionWatchOptions;
  readonly #watched = new Map<string, { stop: AbortController; running: Promise<void> }>();
  #closed = false;

  constructor(options: InteractionWatchOptions) {
    this.#options = options;
  }

  /** Does the work, or stands by, until the pending has ended. */
  start(pending: Pending<FlowPendingData>, flow: Flow): void {
    if (this.#closed || flow.watch === undefined || this.#watched.has(pending.id)) return;
    if (this.#watched.size >= maxWatched) return;
    const stop = new AbortController();
    void this.#options.untilEnd(pending, stop.signal).then(
      () => stop.abort(),
      () => {},
    );
    const running = this.#standBy(pending, flow, stop.signal).finally(() => {
      stop.abort();
      this.#watched.delete(pending.id);
    });
    this.#watched.set(pending.id, { stop, running });
  }

  /** Ends the work on a pending here: it has ended. */
  stop(id: string): void {
    this.#watched.get(id)?.stop.abort();
  }

  /** Stops all of it; other processes go on. */
  async close(): Promise<void> {
    this.#closed = true;
    const watched = [...this.#watched.values()];
    for (const { stop } of watched) stop.abort();
    await Promise.allSettled(watched.map(({ running }) => running));
  }

  async #standBy(pending: Pending<FlowPendingData>, flow: Flow, stop: AbortSignal): Promise<void> {
    const { logger, clock, leaseMs } = this.#options;
    while (!stop.aborted) {
      try {
        const path = ['watch', await hashId(pending.id)];
        const hadTurn = await this.#takeTurn(pending, flow, path, stop);
        if (stop.aborted || clock() >= pending.expiresAtMs) return;
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
  async #untilTakeoverMs(pending: Pending<FlowPendingData>, path: readonly string[]): Promise<number> {
    const { storageOf, clock, leaseMs } = this.#options;
    const held = await storageOf(pending).get(...path);
    const leftMs = (held?.expiresAtMs ?? 0) - clock();
    return Math.min(Math.max(leftMs, 20), leaseMs);
  }

  async #takeTurn(
    pending: Pending<FlowPendingData>,
    flow: Flow,
    path: readonly string[],
    stop: AbortSignal,
  ): Promise<boolean> {
    const { storageOf, find, work, leaseMs, clock, logger } = this.#options;
    const lease = await tryAcquireLease(storageOf(pending), path, { leaseMs, clock });
    if (lease === undefined) return false;
    const stopRenewing = lease.keepAlive();
    const signal = AbortSignal.any([stop, lease.signal]);
    try {
      const current = await find(pending);
      if (current?.status !== 'pending') return true;
      await flow.watch?.({
        pending: current,
        signal,
        clock,
        logger,
        pause: (ms) => sleep(ms, { signal, keepAlive: false }),
        ...work(current),
      });
      return true;
    } finally {
      stopRenewing();
      await lease.release().catch(() => {});
    }
  }
}

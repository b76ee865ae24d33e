import { failureFields } from '../core/failure-fields.ts';
import { levelOfEnd } from '../core/level-of-end.ts';
import { sleep, type Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { findPosternError } from '../core/postern-error.ts';
import type { Stored } from '../storage/collection.ts';
import { tryAcquireLease, type Lease } from '../sync/lease.ts';
import { storeTime } from '../sync/store-time.ts';
import type { ContinuationIndex, ContinuationPointer } from './continuation-index.ts';
import type { ContinuationStore, LivePending, PendingEnd } from './continuation-store.ts';
import type { Continuation, ContinuationHandler, ContinuationRecord } from './continuation.ts';
import type { TryPolicy, Tries } from './tries.ts';

/** How often, and how patiently, a parked request is tried. */
export interface ResumePolicy extends TryPolicy {
  /** Runs of a handler that fails, or that its process does not survive. Default 5. */
  readonly maxAttempts?: number | undefined;
  /**
   * The pause after the first failure; it doubles each time, to at most an hour. Default 1,000 ms. Longer where the failure
   * says until when nothing is to be tried again.
   */
  readonly backoffMs?: number | undefined;
  /** After this long without a sign of life, a run counts as crashed and another process starts it again. Default 30,000 ms. */
  readonly claimMs?: number | undefined;
  /** How often the list of what is ready is read although no signal came. It is short. Default 1,000 ms. */
  readonly readyMs?: number | undefined;
  /** How often the waiting list is read as a whole. Default 5,000 ms. */
  readonly sweepMs?: number | undefined;
  /** Requests run at once in this process. Default 16. */
  readonly concurrency?: number | undefined;
}

export interface ContinuationRunnerOptions {
  readonly index: ContinuationIndex;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly waitsFor: (error: unknown) => string | undefined;
  readonly tries: Tries;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly claimMs: number;
}

/** One attempt, under its claim. */
interface Attempt {
  readonly store: ContinuationStore;
  readonly handler: ContinuationHandler;
  readonly claim: Lease;
  readonly running: Stored<ContinuationRecord>;
  readonly continuation: Continuation;
}

const longestPauseMs = 60 * 60_000;
/** How long a pointer may be there before its request is. */
const parkingMs = 60_000;

const endCodes: Record<Exclude<PendingEnd['outcome'], 'completed'>, string> = {
  cancelled: 'ERR_POSTERN_PENDING_CANCELLED',
  failed: 'ERR_POSTERN_PENDING_FAILED',
  expired: 'ERR_POSTERN_PENDING_EXPIRED',
};

const isOver = ({ status }: ContinuationRecord): boolean => status === 'done' || status === 'abandoned';

/** Runs one parked request at a time: claims it, calls its handler, and writes down what came of it. */
export class ContinuationRunner {
  readonly #options: ContinuationRunnerOptions;

  constructor(options: ContinuationRunnerOptions) {
    this.#options = options;
  }

  /** Runs a request if it is due and nobody else has it. Returns whether its handler ran. */
  async run(
    store: ContinuationStore,
    to: ContinuationPointer & { readonly id: string },
    handlerNamed: (name: string) => ContinuationHandler | undefined,
  ): Promise<boolean> {
    const { index, logger, claimMs, clock, tries } = this.#options;
    const { id } = to;
    const found = await store.find(id);
    if (found === undefined) {
      await this.#dropStale(store, to);
      return false;
    }
    if (isOver(found.value)) {
      await index.remove(id);
      return false;
    }
    const fate = await store.fateOf(found.value.waitingFor);
    if (fate.outcome === 'pending' && !tries.mayBecomeDue(fate.pending)) return false;
    const handler = handlerNamed(found.value.handler);
    if (handler === undefined) {
      logger.debug('a parked request is left to a process that knows its handler', {
        handler: found.value.handler,
      });
      return false;
    }
    if (fate.outcome === 'pending' && !(await tries.takeTurn(store.storage, fate.pending))) return false;
    const claim = await tryAcquireLease(store.storage, ['claim', id], { leaseMs: claimMs, clock });
    if (claim === undefined) return false;
    const stopRenewing = claim.keepAlive();
    try {
      // Read again under the claim: whoever held it before may have finished, failed, or parked it anew.
      const now = await store.find(id);
      if (now?.version !== found.version) return false;
      return await this.#attempt(store, now, fate, handler, claim);
    } finally {
      stopRenewing();
      await claim.release();
    }
  }

  /** A pointer that finds nothing. One that was written a moment ago is ahead of its request. */
  async #dropStale(
    store: ContinuationStore,
    to: ContinuationPointer & { readonly id: string },
  ): Promise<void> {
    const { index, logger, clock } = this.#options;
    if ((await storeTime(store.storage.backend, clock)) - to.sinceMs < parkingMs) return;
    await index.remove(to.id);
    // Whoever parks looks at the pointer after writing the request: so one of the two sees the other, however slow it was.
    if ((await store.find(to.id)) !== undefined) await index.ready(to.id, { ...to, dueAtMs: 0 });
    else logger.warn('a parked request is gone: it was cleared, outlived its time, or was never written');
  }

  async #attempt(
    store: ContinuationStore,
    found: Stored<ContinuationRecord>,
    fate: PendingEnd | LivePending,
    handler: ContinuationHandler,
    claim: Lease,
  ): Promise<boolean> {
    const attempts = found.value.attempts + 1;
    const running = await store.change(found, { status: 'running', attempts });
    if (running === undefined) return false;
    const continuation: Continuation = {
      idempotencyKey: running.value.id,
      namespace: store.namespace,
      payload: running.value.payload,
      waitedFor: running.value.waitingFor,
      outcome: fate.outcome,
      attempt: attempts,
      signal: claim.signal,
    };
    const attempt = { store, handler, claim, running, continuation };
    if (fate.outcome !== 'completed' && fate.outcome !== 'pending') {
      await this.#abandon(attempt, fate.code ?? endCodes[fate.outcome]);
    } else if (attempts > this.#options.maxAttempts) {
      // No attempt lived to report a failure. It is not tried for ever: it may be what ends the processes.
      await this.#abandon(attempt, 'ERR_POSTERN_RESUME_GAVE_UP');
    } else {
      await this.#resume(attempt);
    }
    return true;
  }

  async #resume(attempt: Attempt): Promise<void> {
    try {
      await attempt.handler.resume(attempt.continuation);
    } catch (error) {
      await this.#afterFailure(attempt, error);
      return;
    }
    await this.#finish(attempt, { status: 'done', payload: null });
  }

  async #afterFailure(attempt: Attempt, error: unknown): Promise<void> {
    const { index, clock, logger, waitsFor, maxAttempts, backoffMs } = this.#options;
    const { store, running } = attempt;
    const { value } = running;
    const now = await storeTime(store.storage.backend, clock);
    const to = {
      partition: store.namespace.partition,
      dueAtMs: now,
      sinceMs: value.createdAtMs,
    };
    const waitingFor = waitsFor(error);
    const wasTry = attempt.continuation.outcome === 'pending';
    if (waitingFor !== undefined && (wasTry || waitingFor !== value.waitingFor)) {
      // A second consent was needed, or the first is not there yet: that is no failure of the request.
      const change = { status: 'waiting' as const, waitingFor, attempts: value.attempts - 1 };
      if (!(await this.#change(attempt, change))) return;
      await index.wait(value.id, to);
      if (await store.hasEnded(waitingFor)) await index.ready(value.id, to);
      return;
    }
    if (value.attempts >= maxAttempts) {
      await this.#abandon(attempt, 'ERR_POSTERN_RESUME_GAVE_UP');
      return;
    }
    const known = findPosternError(error);
    // Whoever asked to be left alone until then would only refuse again, and use up the attempts.
    const askedMs = (known?.evidence?.retryAtMs ?? now) - now;
    const pauseMs = Math.min(Math.max(backoffMs * 2 ** (value.attempts - 1), askedMs), longestPauseMs);
    logger.warn('a parked request failed and is tried again', {
      handler: value.handler,
      attempt: value.attempts,
      pauseMs,
      ...failureFields(error),
    });
    if (!(await this.#change(attempt, { status: 'waiting', failure: known?.code }))) return;
    await index.ready(value.id, { ...to, dueAtMs: now + pauseMs });
    const timer = setTimeout(() => void index.storage.signal('ready').catch(() => {}), pauseMs);
    if (typeof timer === 'object') timer.unref();
  }

  async #abandon(attempt: Attempt, code: string): Promise<void> {
    const { logger, maxAttempts } = this.#options;
    const { handler, continuation, running } = attempt;
    logger[levelOfEnd(code, 'error')]('a parked request was given up', {
      handler: running.value.handler,
      code,
    });
    // The same rule for those who are told as for those who resume: what ends processes is not called for ever.
    if (running.value.attempts <= 2 * maxAttempts) {
      try {
        await handler.abandon?.(continuation, code);
      } catch (error) {
        logger.error('the handler of an abandoned request failed', failureFields(error));
      }
    }
    await this.#finish(attempt, { status: 'abandoned', failure: code, payload: null });
  }

  /** Writes the end down, for as long as the claim holds: what is not written down happens again. */
  async #finish(attempt: Attempt, change: Partial<ContinuationRecord>): Promise<void> {
    const { index, claimMs } = this.#options;
    const deadline = performance.now() + claimMs;
    for (let pauseMs = 50; ; pauseMs *= 2) {
      try {
        if (!(await this.#change(attempt, change))) return;
        break;
      } catch (error) {
        if (attempt.claim.signal.aborted || performance.now() + pauseMs > deadline) throw error;
      }
      await sleep(pauseMs, { signal: attempt.claim.signal });
    }
    await index.remove(attempt.running.value.id);
  }

  async #change({ store, running }: Attempt, change: Partial<ContinuationRecord>): Promise<boolean> {
    if ((await store.change(running, change)) !== undefined) return true;
    this.#options.logger.warn('another process has taken a parked request over', {
      handler: running.value.handler,
    });
    return false;
  }
}

import { systemClock, type Clock } from '../core/clock.ts';
import { silentLogger, type Logger } from '../core/logger.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { randomId, systemRandom, type RandomBytes } from '../core/random.ts';
import { namespaceOf, storageOf, type Namespace } from '../namespace/namespace.ts';
import { PendingStore } from '../pending/pending-store.ts';
import type { PendingStatus } from '../pending/pending.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { tryAcquireLease, type Lease } from '../sync/lease.ts';
import { ContinuationIndex, type ContinuationPointer } from './continuation-index.ts';
import {
  continuationRecord,
  type Continuation,
  type ContinuationHandler,
  type ContinuationRecord,
} from './continuation.ts';

/** How often, and how patiently, a parked request is tried. */
export interface ResumePolicy {
  /** Runs of a handler that fails. Default 5. */
  readonly maxAttempts?: number | undefined;
  /** The pause after the first failure; it doubles each time, to at most an hour. Default 1,000 ms. */
  readonly backoffMs?: number | undefined;
  /** After this long without a sign of life, a run counts as crashed and another process starts it again. Default 30,000 ms. */
  readonly claimMs?: number | undefined;
  /** How often the waiting list is read as a whole. Default 5,000 ms. */
  readonly sweepMs?: number | undefined;
  /** Requests run at once in this process. Default 16. */
  readonly concurrency?: number | undefined;
}

export interface ContinuationsOptions extends ResumePolicy {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** The pending an error of a handler asks to wait for, when it asks for one: the request is then parked again. */
  readonly waitsFor?: ((error: unknown) => string | undefined) | undefined;
}

const maxPayloadBytes = 256 * 1024;
const pageSize = 100;
/** How long a request is kept after the time its pending had, or after its last run. */
const keepMs = 24 * 60 * 60_000;

type Outcome = Exclude<PendingStatus, 'pending'>;

/**
 * Parked requests: durable, resumed by whichever process is alive when their pending ends.
 *
 * A request runs at least once. It runs exactly once unless a process dies, or freezes past `claimMs`, inside the handler;
 * for that case the handler gets an idempotency key.
 */
export class Continuations {
  readonly #storage: StorageBackend;
  readonly #index: ContinuationIndex;
  readonly #handlers = new Map<string, ContinuationHandler>();
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #logger: Logger;
  readonly #waitsFor: (error: unknown) => string | undefined;
  readonly #maxAttempts: number;
  readonly #backoffMs: number;
  readonly #claimMs: number;
  readonly #sweepMs: number;
  readonly #concurrency: number;
  readonly #active = new Map<string, Promise<boolean>>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  #worker: { stop: () => Promise<void> } | undefined;

  constructor(options: ContinuationsOptions) {
    this.#storage = options.storage;
    this.#index = new ContinuationIndex(options.storage);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = options.logger ?? silentLogger;
    this.#waitsFor = options.waitsFor ?? (() => undefined);
    this.#maxAttempts = options.maxAttempts ?? 5;
    this.#backoffMs = options.backoffMs ?? 1_000;
    this.#claimMs = options.claimMs ?? 30_000;
    this.#sweepMs = options.sweepMs ?? 5_000;
    this.#concurrency = options.concurrency ?? 16;
  }

  /** Says what is done with parked requests of a name. Every process that is to resume them registers it. */
  register<P>(name: string, handler: ContinuationHandler<P>): void {
    this.#handlers.set(name, handler as ContinuationHandler);
  }

  /**
   * Writes a request down, to be resumed when a pending of the same namespace ends. Durable when it returns.
   *
   * @throws {PosternError} ERR_POSTERN_RESUME_PAYLOAD_INVALID when the payload is no JSON, or over 256 KiB.
   */
  async park(
    namespace: Namespace,
    request: { handler: string; payload: unknown; waitingFor: string },
  ): Promise<{ id: string }> {
    assertPayload(request.payload);
    const { handler, payload, waitingFor } = request;
    const id = randomId(this.#random);
    const records = this.#records(namespace);
    const pending = await this.#pendings(namespace).get(waitingFor);
    const now = this.#clock();
    const dueAtMs = Math.max(pending?.expiresAtMs ?? now, now);
    const to = { partition: namespace.partition, dueAtMs, sinceMs: now };
    // The record first: a pointer that finds none is stale, whoever reads it and whatever their clock says.
    await records.put(
      [id],
      { id, handler, payload, waitingFor, status: 'waiting', attempts: 0, createdAtMs: now },
      { expect: absent, expiresAtMs: dueAtMs + keepMs },
    );
    try {
      await this.#index.wait(id, to);
    } catch (error) {
      // The caller is told that nothing was parked, and may park again.
      await records.delete([id]).catch(() => {});
      throw error;
    }
    await this.#readyIfEnded(namespace, waitingFor, id, to);
    return { id };
  }

  /** Tells the workers that a pending has ended. A hint: without it they find out at their next sweep. */
  async announce(namespace: Namespace, pendingId: string): Promise<void> {
    const records = this.#records(namespace);
    let after: Key | undefined;
    for (;;) {
      const page = await records.list([], { limit: pageSize, after });
      for (const { value } of page) {
        if (value.waitingFor !== pendingId || value.status !== 'waiting') continue;
        await this.#index.ready(value.id, {
          partition: namespace.partition,
          dueAtMs: 0,
          sinceMs: value.createdAtMs,
        });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) return;
      after = records.storage.key(last.path);
    }
  }

  /** What has become of a parked request. */
  async find(namespace: Namespace, id: string): Promise<ContinuationRecord | undefined> {
    return (await this.#records(namespace).find(id))?.value;
  }

  /**
   * Runs what is due, waits for it, and returns how many handlers ran.
   *
   * For serverless: call it from a timer, and after a callback. It sweeps when the last sweep of this process is old.
   */
  async runDue(options: { sweep?: boolean; signal?: AbortSignal } = {}): Promise<number> {
    const launched = await this.#launchDue(options);
    return (await Promise.all(launched)).filter(Boolean).length;
  }

  /** Starts resuming in this process: at every signal, and at every sweep. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) return;
    const stopping = new AbortController();
    let running = Promise.resolve();
    let again = false;
    let sweep = false;
    let idle = true;
    const wake = (): void => {
      again = true;
      if (!idle || stopping.signal.aborted) return;
      idle = false;
      running = (async () => {
        while (again && !stopping.signal.aborted) {
          const options = { sweep, signal: stopping.signal };
          again = false;
          sweep = false;
          try {
            await this.#launchDue(options);
          } catch (error) {
            this.#logger.error('resuming parked requests failed; it is tried again at the next sweep', {
              code: findPosternError(error)?.code,
            });
          }
        }
        idle = true;
      })();
    };
    const wakeToSweep = (): void => {
      sweep = true;
      wake();
    };
    // A store that cannot signal just now is still swept.
    const listening = this.#index.storage.listen(['ready'], wake).catch((error: unknown) => {
      this.#logger.warn('no signals of parked requests arrive; sweeps find them', {
        code: findPosternError(error)?.code,
      });
    });
    const timer = setInterval(wakeToSweep, this.#sweepMs);
    this.#worker = {
      stop: async () => {
        stopping.abort();
        clearInterval(timer);
        const unlisten = await listening;
        await unlisten?.().catch(() => {});
        await running;
        await Promise.allSettled(this.#active.values());
      },
    };
    await listening;
    wakeToSweep();
  }

  /** Stops taking up requests, and waits for the handlers that run. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
  }

  async #launchDue(options: { sweep?: boolean; signal?: AbortSignal }): Promise<Promise<boolean>[]> {
    const sinceSweepMs = this.#clock() - this.#sweptAtMs;
    // A clock that was set back says nothing about how long ago the last sweep was.
    const sweep = options.sweep ?? (sinceSweepMs >= this.#sweepMs || sinceSweepMs < 0);
    const launched: Promise<boolean>[] = [];
    for (const list of sweep ? (['ready', 'waiting'] as const) : (['ready'] as const)) {
      if (list === 'waiting') this.#sweptAtMs = this.#clock();
      for await (const { id, value } of this.#index.all(list)) {
        if (this.#active.has(id) || (list === 'ready' && value.dueAtMs > this.#clock())) continue;
        while (this.#active.size >= this.#concurrency) await Promise.race(this.#active.values());
        if (options.signal?.aborted) return launched;
        // While it waited for its turn, another loop of this process may have taken it up.
        if (this.#active.has(id)) continue;
        launched.push(this.#launch(id, value));
      }
    }
    return launched;
  }

  #launch(id: string, to: ContinuationPointer): Promise<boolean> {
    const running = this.#run(id, to)
      .catch((error: unknown) => {
        this.#logger.error('a parked request could not be run; it is tried again at a later sweep', {
          code: findPosternError(error)?.code,
        });
        return false;
      })
      .finally(() => this.#active.delete(id));
    this.#active.set(id, running);
    return running;
  }

  /** Runs one request if it is due and nobody else has it. Returns whether its handler ran. */
  async #run(id: string, to: ContinuationPointer): Promise<boolean> {
    const namespace = namespaceOf(to.partition);
    const records = this.#records(namespace);
    const found = await records.find(id);
    if (found === undefined) {
      // The namespace was cleared, or the request outlived its time.
      await this.#index.remove(id);
      return false;
    }
    if (found.value.status === 'done' || found.value.status === 'abandoned') {
      await this.#index.remove(id);
      return false;
    }
    const outcome = await this.#outcome(namespace, found.value.waitingFor);
    if (outcome === undefined) return false;
    const handler = this.#handlers.get(found.value.handler);
    if (handler === undefined) {
      this.#logger.debug('a parked request is left to a process that knows its handler', {
        handler: found.value.handler,
      });
      return false;
    }
    const claim = await tryAcquireLease(storageOf(this.#storage, namespace), ['claim', id], {
      leaseMs: this.#claimMs,
      clock: this.#clock,
    });
    if (claim === undefined) return false;
    const stopRenewing = claim.keepAlive();
    try {
      return await this.#attempt({ namespace, records, handler, outcome, claim, id });
    } finally {
      stopRenewing();
      await claim.release();
    }
  }

  async #attempt(run: {
    namespace: Namespace;
    records: Collection<ContinuationRecord>;
    handler: ContinuationHandler;
    outcome: Outcome;
    claim: Lease;
    id: string;
  }): Promise<boolean> {
    const { namespace, records, handler, outcome, claim, id } = run;
    // Read again under the claim: whoever held it before may have finished.
    const found = await records.find(id);
    if (found === undefined || found.value.status === 'done' || found.value.status === 'abandoned') {
      return false;
    }
    const attempt = found.value.attempts + 1;
    const running = await this.#write(records, found, { status: 'running', attempts: attempt });
    if (running === undefined) return false;
    const continuation: Continuation = {
      idempotencyKey: id,
      namespace,
      payload: found.value.payload,
      outcome,
      attempt,
      signal: claim.signal,
    };
    if (outcome !== 'completed') {
      await this.#abandon(records, running, handler, continuation, endCodes[outcome]);
      return true;
    }
    try {
      await handler.resume(continuation);
    } catch (error) {
      await this.#afterFailure(records, running, handler, continuation, error);
      return true;
    }
    await this.#write(records, running, { status: 'done', payload: null });
    await this.#index.remove(id);
    return true;
  }

  async #afterFailure(
    records: Collection<ContinuationRecord>,
    running: Stored<ContinuationRecord>,
    handler: ContinuationHandler,
    continuation: Continuation,
    error: unknown,
  ): Promise<void> {
    const { value } = running;
    const code = findPosternError(error)?.code;
    const to = {
      partition: continuation.namespace.partition,
      dueAtMs: this.#clock(),
      sinceMs: value.createdAtMs,
    };
    const nextPending = this.#waitsFor(error);
    if (nextPending !== undefined && nextPending !== value.waitingFor) {
      // A second consent was needed: that is no failure of the request.
      await this.#write(records, running, {
        status: 'waiting',
        waitingFor: nextPending,
        attempts: value.attempts - 1,
      });
      await this.#index.wait(value.id, to);
      if ((await this.#outcome(continuation.namespace, nextPending)) !== undefined) {
        await this.#index.ready(value.id, to);
      }
      return;
    }
    if (value.attempts >= this.#maxAttempts) {
      await this.#abandon(records, running, handler, continuation, 'ERR_POSTERN_RESUME_GAVE_UP');
      return;
    }
    const pauseMs = Math.min(this.#backoffMs * 2 ** (value.attempts - 1), 60 * 60_000);
    this.#logger.warn('a parked request failed and is tried again', {
      handler: value.handler,
      attempt: value.attempts,
      pauseMs,
      code,
    });
    await this.#write(records, running, { status: 'waiting', failure: code });
    await this.#index.ready(value.id, { ...to, dueAtMs: this.#clock() + pauseMs });
    const timer = setTimeout(() => void this.#index.storage.signal('ready').catch(() => {}), pauseMs);
    if (typeof timer === 'object') timer.unref();
  }

  async #abandon(
    records: Collection<ContinuationRecord>,
    running: Stored<ContinuationRecord>,
    handler: ContinuationHandler,
    continuation: Continuation,
    code: string,
  ): Promise<void> {
    this.#logger.error('a parked request was given up', { handler: running.value.handler, code });
    try {
      await handler.abandon?.(continuation, code);
    } catch (error) {
      this.#logger.error('the handler of an abandoned request failed', { code: findPosternError(error)?.code });
    }
    await this.#write(records, running, { status: 'abandoned', failure: code, payload: null });
    await this.#index.remove(running.value.id);
  }

  async #write(
    records: Collection<ContinuationRecord>,
    from: Stored<ContinuationRecord>,
    change: Partial<ContinuationRecord>,
  ): Promise<Stored<ContinuationRecord> | undefined> {
    const value = { ...from.value, ...change };
    const version = await records.put(from.path, value, {
      expect: from.version,
      expiresAtMs: from.expiresAtMs,
    });
    if (version === undefined) {
      this.#logger.warn('another process has taken a parked request over', { handler: from.value.handler });
      return undefined;
    }
    return { ...from, value, version };
  }

  /** How the pending ended; `undefined` while it has not. One that is gone has expired. */
  async #outcome(namespace: Namespace, pendingId: string): Promise<Outcome | undefined> {
    const status = (await this.#pendings(namespace).get(pendingId))?.status ?? 'expired';
    return status === 'pending' ? undefined : status;
  }

  #pendings(namespace: Namespace): PendingStore {
    return new PendingStore(this.#storage, namespace, this.#clock);
  }

  #records(namespace: Namespace): Collection<ContinuationRecord> {
    return new Collection(
      storageOf(this.#storage, namespace).namespace('continuation'),
      continuationRecord,
    );
  }
}

const endCodes: Record<Exclude<Outcome, 'completed'>, string> = {
  cancelled: 'ERR_POSTERN_PENDING_CANCELLED',
  failed: 'ERR_POSTERN_PENDING_FAILED',
  expired: 'ERR_POSTERN_PENDING_EXPIRED',
};

function assertPayload(payload: unknown): void {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw new PosternError('ERR_POSTERN_RESUME_PAYLOAD_INVALID', 'the payload of a parked request is not JSON', { cause });
  }
  if (text === undefined || text.length > maxPayloadBytes) {
    throw new PosternError(
      'ERR_POSTERN_RESUME_PAYLOAD_INVALID',
      `the payload of a parked request must be JSON of at most ${maxPayloadBytes} bytes`,
      { hint: 'Park the id of the request and keep the rest in your own database.' },
    );
  }
}

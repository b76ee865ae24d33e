import { systemClock, type Clock } from '../core/clock.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { hashId, randomId, systemRandom, type RandomBytes } from '../core/random.ts';
import { namespaceOf, type Namespace } from '../namespace/namespace.ts';
import type { PendingKind } from '../pending/pending.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { isUnreadable, logUnreadable, type OnUnreadable } from '../storage/unreadable.ts';
import { storeTime } from '../sync/store-time.ts';
import { ContinuationIndex, type ContinuationPointer } from './continuation-index.ts';
import { ContinuationRunner, type ResumePolicy } from './continuation-runner.ts';
import { ContinuationStore } from './continuation-store.ts';
import type { ContinuationHandler, ContinuationRecord } from './continuation.ts';
import { Tries } from './tries.ts';
import { UnsettledParks } from './unsettled-parks.ts';
import { WakeLoop } from './wake-loop.ts';

export type { ResumePolicy } from './continuation-runner.ts';

export interface ContinuationsOptions extends ResumePolicy {
  readonly storage: StorageBackend;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
  readonly logger?: Logger | undefined;
  /** The pending an error of a handler asks to wait for, when it asks for one: the request is then parked again. */
  readonly waitsFor?: ((error: unknown) => string | undefined) | undefined;
  /** Whether only a try shows that a person is done with pendings of a kind: requests that wait for one are tried meanwhile. */
  readonly isTriedMeanwhile?: ((kind: PendingKind) => boolean) | undefined;
}

const maxPayloadBytes = 256 * 1024;
/** How long a request that cannot be read is left alone. A key that was missing may have been given back by then. */
const setAsideMs = 60 * 60_000;

/**
 * Parked requests: durable, resumed by whichever process is alive when their pending ends.
 *
 * A request runs at least once. It runs exactly once unless a process dies, or freezes past `claimMs`, inside the handler;
 * for that case the handler gets an idempotency key.
 */
export class Continuations {
  readonly #storage: StorageBackend;
  readonly #index: ContinuationIndex;
  readonly #runner: ContinuationRunner;
  readonly #handlers = new Map<string, ContinuationHandler>();
  readonly #clock: Clock;
  readonly #random: RandomBytes;
  readonly #logger: Logger;
  readonly #onUnreadable: OnUnreadable;
  readonly #sweepMs: number;
  readonly #readyMs: number;
  readonly #concurrency: number;
  readonly #unsettled = new UnsettledParks();
  readonly #active = new Map<string, Promise<boolean>>();
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  #worker: { stop: () => Promise<void> } | undefined;

  constructor(options: ContinuationsOptions) {
    this.#storage = options.storage;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#logger = options.logger ?? stderrLogger;
    this.#onUnreadable = logUnreadable(this.#logger);
    this.#index = new ContinuationIndex(options.storage, this.#onUnreadable);
    this.#sweepMs = options.sweepMs ?? 5_000;
    this.#readyMs = options.readyMs ?? 1_000;
    this.#concurrency = options.concurrency ?? 16;
    this.#runner = new ContinuationRunner({
      index: this.#index,
      clock: this.#clock,
      logger: this.#logger,
      waitsFor: options.waitsFor ?? (() => undefined),
      tries: new Tries(options),
      maxAttempts: options.maxAttempts ?? 5,
      backoffMs: options.backoffMs ?? 1_000,
      claimMs: options.claimMs ?? 30_000,
    });
  }

  /** Says what is done with parked requests of a name. Every process that is to resume them registers it. */
  register<P>(name: string, handler: ContinuationHandler<P>): void {
    this.#handlers.set(name, handler);
  }

  /**
   * Writes a request down, to be resumed when a pending of the same namespace ends. Durable when it returns.
   *
   * One that rejects has not been written, unless the store stays away meanwhile. To park the same again, in this process
   * and within ten minutes, is then to park it once: under one key, however often.
   *
   * @throws {PosternError} ERR_POSTERN_RESUME_PAYLOAD_INVALID when the payload is no JSON, or over 256 KiB.
   */
  async park(
    namespace: Namespace,
    request: { handler: string; payload: unknown; waitingFor: string },
  ): Promise<{ id: string }> {
    const { handler, payload, waitingFor } = request;
    const text = payloadText(payload);
    const store = this.#in(namespace);
    const now = await storeTime(this.#storage, this.#clock);
    const dueAtMs = (await store.dueAtMs(waitingFor)) ?? now;
    const to = { partition: namespace.partition, dueAtMs, sinceMs: now };
    const name = await hashId(JSON.stringify([namespace.partition, handler, waitingFor, text]));
    for (;;) {
      const id = this.#unsettled.take(name) ?? randomId(this.#random);
      const record = { id, handler, payload, waitingFor, attempts: 0, createdAtMs: now };
      try {
        // The pointer first: by itself it runs nothing, and the record is what decides.
        await this.#index.wait(id, to);
        if (!(await store.add({ ...record, status: 'waiting' }, Math.max(dueAtMs, now)))) continue;
      } catch (error) {
        this.#unsettled.add(name, id);
        throw error;
      }
      await this.#announceParked(store, waitingFor, id, to);
      return { id };
    }
  }

  /** Tells the workers that a pending has ended. A hint: without it they find out at their next sweep. */
  async announce(namespace: Namespace, pendingId: string): Promise<void> {
    for await (const { id, waitingFor, status, createdAtMs } of this.#in(namespace).all()) {
      if (waitingFor !== pendingId || status !== 'waiting') continue;
      await this.#index.ready(id, { partition: namespace.partition, dueAtMs: 0, sinceMs: createdAtMs });
    }
  }

  /** What has become of a parked request. */
  async find(namespace: Namespace, id: string): Promise<ContinuationRecord | undefined> {
    return (await this.#in(namespace).find(id))?.value;
  }

  /**
   * Runs what is due, waits for it, and returns how many handlers ran.
   *
   * For serverless: call it from a timer, and after a callback. It sweeps when the last sweep of this process is old.
   */
  async runDue(options: { sweep?: boolean; signal?: AbortSignal } = {}): Promise<number> {
    const now = await storeTime(this.#storage, this.#clock);
    const sinceSweepMs = now - this.#sweptAtMs;
    // A clock that was set back says nothing about how long ago the last sweep was.
    const { sweep = sinceSweepMs >= this.#sweepMs || sinceSweepMs < 0, signal } = options;
    const launched = await this.#launchDue({ sweep, signal });
    return (await Promise.all(launched)).filter(Boolean).length;
  }

  /** Starts resuming in this process: at every signal, at every look at the ready list, and at every sweep. */
  async start(): Promise<void> {
    if (this.#worker !== undefined) return;
    const loop = new WakeLoop(async (round) => {
      try {
        // They run on by themselves: a slow one keeps no other waiting.
        void (await this.#launchDue(round));
      } catch (error) {
        this.#logger.error('resuming parked requests failed; it is tried again at the next sweep', {
          code: findPosternError(error)?.code,
        });
      }
    });
    const listening = this.#index.storage
      .listen(['ready'], () => loop.wake())
      .catch((error: unknown) => {
        // A store that cannot signal just now is still swept.
        this.#logger.warn('no signals of parked requests arrive; sweeps find them', {
          code: findPosternError(error)?.code,
        });
      });
    const timers = [
      setInterval(() => loop.wake(), this.#readyMs),
      setInterval(() => loop.wake({ sweep: true }), this.#sweepMs),
    ];
    this.#worker = {
      stop: async () => {
        for (const timer of timers) clearInterval(timer);
        const stopped = loop.stop();
        const unlisten = await listening;
        await unlisten?.().catch(() => {});
        await stopped;
        await Promise.allSettled(this.#active.values());
      },
    };
    await listening;
    loop.wake({ sweep: true });
  }

  /** Stops taking up requests, and waits for the handlers that run. */
  async stop(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.stop();
  }

  async #launchDue(options: {
    sweep: boolean;
    signal?: AbortSignal | undefined;
  }): Promise<Promise<boolean>[]> {
    const launched: Promise<boolean>[] = [];
    const now = await storeTime(this.#storage, this.#clock);
    for (const list of options.sweep ? (['ready', 'waiting'] as const) : (['ready'] as const)) {
      if (list === 'waiting') this.#sweptAtMs = now;
      for await (const { id, value } of this.#index.all(list)) {
        if (list === 'ready' && value.dueAtMs > now) continue;
        while (this.#active.size >= this.#concurrency) await Promise.race(this.#active.values());
        if (options.signal?.aborted) return launched;
        if (!this.#active.has(id)) launched.push(this.#launch(id, value));
      }
    }
    return launched;
  }

  #launch(id: string, to: ContinuationPointer): Promise<boolean> {
    const running = this.#run(id, to)
      .catch((error: unknown) => this.#afterFault(id, to, error))
      .finally(() => this.#active.delete(id));
    this.#active.set(id, running);
    return running;
  }

  /** A fault of the store passes. What cannot be read stays so, and is not looked at with every sweep. */
  async #afterFault(id: string, to: ContinuationPointer, error: unknown): Promise<false> {
    const code = findPosternError(error)?.code;
    const isLasting = isUnreadable(error) || code === 'ERR_POSTERN_NAMESPACE_INVALID';
    this.#logger.error(
      isLasting
        ? 'a parked request cannot be read; it is set aside, and looked at again in an hour'
        : 'a parked request could not be run; it is tried again at a later sweep',
      { request: id, code },
    );
    if (!isLasting) return false;
    try {
      const now = await storeTime(this.#storage, this.#clock);
      await this.#index.setAside(id, { ...to, dueAtMs: now + setAsideMs });
    } catch {
      // The next sweep comes here again.
    }
    return false;
  }

  async #run(id: string, to: ContinuationPointer): Promise<boolean> {
    const store = this.#in(namespaceOf(to.partition));
    return this.#runner.run(store, { ...to, id }, (name) => this.#handlers.get(name));
  }

  /** The pending may have ended before the request was there to be found, and a pointer to nothing been dropped. */
  async #announceParked(
    store: ContinuationStore,
    pendingId: string,
    id: string,
    to: ContinuationPointer,
  ): Promise<void> {
    try {
      if (await store.hasEnded(pendingId)) await this.#index.ready(id, { ...to, dueAtMs: 0 });
      else if (!(await this.#index.has(id))) await this.#index.wait(id, to);
    } catch (error) {
      // The request is parked already, so this must not look as though it were not.
      this.#logger.warn('a parked request could not be announced; the next sweep finds it', {
        code: findPosternError(error)?.code,
      });
    }
  }

  #in(namespace: Namespace): ContinuationStore {
    return new ContinuationStore(this.#storage, namespace, this.#clock, this.#onUnreadable);
  }
}

function payloadText(payload: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(payload);
  } catch (cause) {
    throw new PosternError(
      'ERR_POSTERN_RESUME_PAYLOAD_INVALID',
      'the payload of a parked request is not JSON',
      { cause },
    );
  }
  if (text === undefined || new TextEncoder().encode(text).length > maxPayloadBytes) {
    throw new PosternError(
      'ERR_POSTERN_RESUME_PAYLOAD_INVALID',
      `the payload of a parked request must be JSON of at most ${maxPayloadBytes} bytes`,
      { hint: 'Park the id of the request and keep the rest in your own database.' },
    );
  }
  return text;
}

import { sleep, systemClock, type Clock } from '../core/clock.ts';
import { failureFields } from '../core/failure-fields.ts';
import { stderrLogger, type Logger } from '../core/logger.ts';
import { PosternError } from '../core/postern-error.ts';
import type { Namespace } from './namespace.ts';

/** What {@link NamespaceInstances} takes. */
export interface NamespaceInstancesOptions<T> {
  /** Makes the instance of a namespace. */
  readonly create: (namespace: Namespace) => Promise<T> | T;
  /** Ends an instance. Called once for each, and never while it is held. */
  readonly close?: ((instance: T, namespace: Namespace) => Promise<void> | void) | undefined;
  /** How many are kept. Default 1,000. Exceeded only while more than that are held or being made. */
  readonly max?: number | undefined;
  /** How long one is kept that nobody uses. Default 10 minutes. */
  readonly idleMs?: number | undefined;
  /** How long the next instance of a namespace waits for the one before it to close. Default 10 000. */
  readonly closeTimeoutMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
}

interface Slot<T> {
  readonly namespace: Namespace;
  readonly instance: Promise<T>;
  /** Making it counts as one. */
  holds: number;
  lastUsedMs: number;
}

/**
 * One instance of something for each namespace: a cache, a client, a directory of files.
 *
 * Made when it is first asked for, once however many ask; a failure to make it is reported to all of them and not
 * kept. The one that has been unused for longest is closed when there are too many, and each that nobody has used for
 * a while. A namespace's next instance is made only when the one before it is closed, or took too long to close.
 */
export class NamespaceInstances<T> {
  readonly #options: NamespaceInstancesOptions<T>;
  readonly #max: number;
  readonly #idleMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By partition, least recently used first. */
  readonly #slots = new Map<string, Slot<T>>();
  readonly #closing = new Map<string, Promise<void>>();
  readonly #failures: unknown[] = [];
  #isOpen = true;
  #closed: Promise<void> | undefined;
  #allGone: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @throws {RangeError} when `max` or `idleMs` is not positive. */
  constructor(options: NamespaceInstancesOptions<T>) {
    const { max = 1_000, idleMs = 10 * 60_000, clock = systemClock, logger = stderrLogger } = options;
    if (!(max >= 1)) throw new RangeError('max must be at least 1');
    if (!(idleMs > 0)) throw new RangeError('idleMs must be more than 0');
    this.#options = options;
    this.#max = max;
    this.#idleMs = idleMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** How many there are, those being made among them. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * The instance of a namespace, which may be closed at any time after. Use {@link use} for work that must not lose it.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_CLOSED after {@link close}.
   * @throws what `create` throws.
   */
  async get(namespace: Namespace): Promise<T> {
    const instance = await this.#slotOf(namespace).instance;
    if (!this.#isOpen) throw closedError();
    return instance;
  }

  /**
   * Runs work with the instance of a namespace, which is not closed before the work ends.
   *
   * @throws {PosternError} ERR_POSTERN_NAMESPACE_CLOSED after {@link close}.
   * @throws what `create` or the work throws.
   */
  async use<R>(namespace: Namespace, work: (instance: T) => Promise<R> | R): Promise<R> {
    const slot = this.#slotOf(namespace);
    slot.holds++;
    try {
      return await work(await slot.instance);
    } finally {
      this.#release(slot);
    }
  }

  /**
   * Closes every instance, each as soon as nobody holds it, and resolves when that is done. Whatever is running
   * goes on to its end; nothing new begins.
   *
   * @throws {AggregateError} when instances failed to close; the others are closed all the same.
   */
  close(): Promise<void> {
    this.#isOpen = false;
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #closeAll(): Promise<void> {
    clearTimeout(this.#timer);
    const gone = new Promise<void>((resolve) => {
      this.#allGone = resolve;
    });
    for (const slot of this.#slots.values()) this.#retire(slot);
    this.#reportGone();
    await gone;
    if (this.#failures.length > 0) {
      throw new AggregateError(this.#failures, `${this.#failures.length} instances failed to close`);
    }
  }

  /** No `await` between finding and setting: that is what makes it one. */
  #slotOf(namespace: Namespace): Slot<T> {
    if (!this.#isOpen) throw closedError();
    const key = namespace.partition;
    const slot = this.#slots.get(key) ?? this.#make(namespace);
    this.#slots.set(key, slot);
    this.#touch(slot);
    return slot;
  }

  #touch(slot: Slot<T>): void {
    const key = slot.namespace.partition;
    if (this.#slots.get(key) !== slot) return;
    slot.lastUsedMs = this.#clock();
    this.#slots.delete(key);
    this.#slots.set(key, slot);
  }

  #make(namespace: Namespace): Slot<T> {
    const before = this.#closing.get(namespace.partition);
    const made = (async () => {
      await before;
      return this.#options.create(namespace);
    })();
    const slot: Slot<T> = { namespace, instance: made, holds: 1, lastUsedMs: this.#clock() };
    made.then(
      () => this.#release(slot),
      () => this.#forget(slot),
    );
    return slot;
  }

  #release(slot: Slot<T>): void {
    slot.holds--;
    this.#touch(slot);
    if (this.#isOpen) this.#trim();
    else this.#retire(slot);
  }

  #forget(slot: Slot<T>): void {
    if (this.#slots.get(slot.namespace.partition) === slot) this.#slots.delete(slot.namespace.partition);
    this.#reportGone();
  }

  #trim(): void {
    for (const slot of this.#slots.values()) {
      if (this.#slots.size <= this.#max) break;
      this.#retire(slot);
    }
    this.#scheduleSweep();
  }

  #sweep(): void {
    const usedBefore = this.#clock() - this.#idleMs;
    for (const slot of this.#slots.values()) {
      if (slot.lastUsedMs <= usedBefore) this.#retire(slot);
    }
    this.#scheduleSweep();
  }

  #scheduleSweep(): void {
    if (this.#timer !== undefined || this.#slots.size === 0 || !this.#isOpen) return;
    const timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#sweep();
      },
      Math.min(this.#idleMs / 2, 60_000),
    );
    this.#timer = timer;
    if (typeof timer === 'object') timer.unref();
  }

  /** Takes an instance out of use and closes it, unless somebody holds it or it is out already. */
  #retire(slot: Slot<T>): void {
    const { partition } = slot.namespace;
    if (slot.holds > 0 || this.#slots.get(partition) !== slot) return;
    this.#slots.delete(partition);
    const ended = this.#end(slot).finally(() => {
      if (this.#closing.get(partition) === ended) this.#closing.delete(partition);
      this.#reportGone();
    });
    this.#closing.set(partition, ended);
  }

  /** Never rejects. */
  async #end(slot: Slot<T>): Promise<void> {
    const { close, closeTimeoutMs = 10_000 } = this.#options;
    const stop = new AbortController();
    const late = sleep(closeTimeoutMs, { signal: stop.signal }).then(() => {
      if (!stop.signal.aborted)
        this.#failed(new Error(`an instance did not close within ${closeTimeoutMs} ms`));
    });
    const ended = (async () => close?.(await slot.instance, slot.namespace))().catch((error: unknown) => {
      this.#failed(error);
    });
    await Promise.race([ended, late]);
    stop.abort();
  }

  #failed(error: unknown): void {
    this.#logger.warn('the instance of a namespace failed to close', failureFields(error));
    // Before that nobody is there to be told, and a list would grow for ever.
    if (!this.#isOpen) this.#failures.push(error);
  }

  #reportGone(): void {
    if (this.#slots.size === 0 && this.#closing.size === 0) this.#allGone?.();
  }
}

function closedError(): PosternError {
  return new PosternError('ERR_POSTERN_NAMESPACE_CLOSED', 'the instances of namespaces have been closed');
}

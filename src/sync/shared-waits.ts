import { timeLimit } from '../core/clock.ts';
import { withSignal } from './with-signal.ts';

interface SharedWait<T> {
  readonly outcome: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** Waits for things by key, however many callers wait for the same one: what they wait for is looked at once for all. */
export class SharedWaits<T> {
  readonly #waits = new Map<string, SharedWait<T>>();
  readonly #stopping = new Set<Promise<unknown>>();

  /**
   * The outcome of `begin`, or `undefined` when there is none within `timeoutMs`.
   *
   * @param begin called for the first who waits; its signal aborts when nobody waits any more.
   * @throws the signal's reason when it aborts.
   */
  async wait(
    key: string,
    begin: (signal: AbortSignal) => Promise<T>,
    options: {
      readonly timeoutMs: number;
      readonly signal?: AbortSignal | undefined;
      /** Whether the wait keeps the process alive by itself. Default true. */
      readonly keepAlive?: boolean | undefined;
    },
  ): Promise<T | undefined> {
    const { timeoutMs, signal, keepAlive } = options;
    signal?.throwIfAborted();
    const shared = this.#join(key, begin);
    const limit = timeLimit(timeoutMs, { keepAlive });
    try {
      const late = limit.passed.then(() => undefined);
      return await withSignal(Promise.race([shared.outcome, late]), signal);
    } finally {
      limit.cancel();
      shared.waiting--;
      if (shared.waiting === 0) {
        if (this.#waits.get(key) === shared) this.#waits.delete(key);
        this.#stop(shared);
      }
    }
  }

  /** Resolves when waits that are over have let go of what they looked at. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#stopping);
  }

  #stop({ outcome, stop }: SharedWait<T>): void {
    stop.abort();
    const stopped = outcome.catch(() => {}).finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  #join(key: string, begin: (signal: AbortSignal) => Promise<T>): SharedWait<T> {
    const running = this.#waits.get(key);
    if (running !== undefined) {
      running.waiting++;
      return running;
    }
    const stop = new AbortController();
    const outcome = begin(stop.signal);
    const shared: SharedWait<T> = { outcome, stop, waiting: 1 };
    // Who comes after it has an outcome, or failed, looks anew.
    const forget = (): void => {
      if (this.#waits.get(key) === shared) this.#waits.delete(key);
    };
    outcome.then(forget, forget);
    this.#waits.set(key, shared);
    return shared;
  }
}

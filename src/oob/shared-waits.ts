import { sleep } from '../core/clock.ts';
import { isPosternError } from '../core/postern-error.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import { withSignal } from '../sync/with-signal.ts';

interface SharedWait<T> {
  readonly ended: Promise<Pending<T>>;
  readonly stop: AbortController;
  waiting: number;
}

/** How long one look at a pending may last before it is begun anew. */
const lookMs = 60_000;

/**
 * Waits for pendings, however many wait for the same one: the store is listened to and read once for all of them.
 */
export class SharedWaits<T> {
  readonly #pendings: Pendings<T>;
  readonly #waits = new Map<string, SharedWait<T>>();
  readonly #stopping = new Set<Promise<unknown>>();

  constructor(pendings: Pendings<T>) {
    this.#pendings = pendings;
  }

  /**
   * The pending once it has ended, or `undefined` when it has not within `timeoutMs`.
   *
   * @throws the signal's reason when it aborts.
   */
  async wait(
    pending: Pending<T>,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Pending<T> | undefined> {
    signal?.throwIfAborted();
    const shared = this.#join(pending);
    const over = new AbortController();
    try {
      const late = sleep(timeoutMs, { signal: over.signal }).then(() => undefined);
      const ended = await withSignal(Promise.race([shared.ended, late]), signal);
      return ended ?? (await this.#look(pending));
    } finally {
      over.abort();
      shared.waiting--;
      if (shared.waiting === 0) {
        if (this.#waits.get(pending.id) === shared) this.#waits.delete(pending.id);
        this.#stop(shared);
      }
    }
  }

  /** Resolves when the store is listened to no more for waits that are over. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#stopping);
  }

  #stop({ ended, stop }: SharedWait<T>): void {
    stop.abort();
    const stopped = ended.catch(() => {}).finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  #join(pending: Pending<T>): SharedWait<T> {
    const running = this.#waits.get(pending.id);
    if (running !== undefined) {
      running.waiting++;
      return running;
    }
    const stop = new AbortController();
    const ended = this.#untilEnded(pending, stop.signal);
    const shared: SharedWait<T> = { ended, stop, waiting: 1 };
    // Who comes after it has ended, or failed, looks anew.
    const forget = (): void => {
      if (this.#waits.get(pending.id) === shared) this.#waits.delete(pending.id);
    };
    ended.then(forget, forget);
    this.#waits.set(pending.id, shared);
    return shared;
  }

  async #untilEnded(pending: Pending<T>, signal: AbortSignal): Promise<Pending<T>> {
    for (;;) {
      try {
        return await this.#pendings.waitFor(pending, { timeoutMs: lookMs, signal });
      } catch (error) {
        if (!isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT')) throw error;
      }
    }
  }

  /** A wait that is over before the shared one has read the store has still looked once itself. */
  async #look(pending: Pending<T>): Promise<Pending<T> | undefined> {
    try {
      return await this.#pendings.waitFor(pending, { timeoutMs: 0 });
    } catch (error) {
      if (isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT')) return undefined;
      throw error;
    }
  }
}

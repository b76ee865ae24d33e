import { sleep } from '../core/clock.ts';
import { findPosternError, isPosternError } from '../core/postern-error.ts';
import { namespaceOf } from '../namespace/namespace.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import { WakeLoop } from '../resume/wake-loop.ts';
import type { Surroundings } from '../sync/surroundings.ts';
import type { InteractionData } from './flow.ts';
import type { LiveInteraction, LiveInteractions } from './live-interactions.ts';

type Tell = (pending: Pending<InteractionData>) => void;

/** How often the list is read although no signal came. */
const sweepMs = 5_000;
/** How far back a list is read again: what began then may have become visible only now. */
const overlapMs = 30_000;
/** How long one look at a pending waits for its end. */
const lookMs = 60_000;
const pauseMs = 2_000;

/**
 * Follows every live interaction of a store from this process, whoever has begun it, until it has ended.
 *
 * Nothing depends on a word from whoever ends it: each is waited for as its own callers wait, so a process that dies right
 * after an end, or before one, keeps nobody from being told.
 */
export class FollowedInteractions {
  readonly #surroundings: Surroundings;
  readonly #pendings: Pendings<InteractionData>;
  readonly #live: LiveInteractions;
  /** When somebody wanted to know: what had begun before is no news. */
  readonly #sinceMs: number;
  readonly #listeners: { readonly onBegin: Tell; readonly onEnd: Tell };
  readonly #stopping = new AbortController();
  /** By id, until when each may still be listed. */
  readonly #known = new Map<string, number>();
  readonly #loop: WakeLoop;
  #readFromMs: number | undefined;
  #stop: (() => Promise<void>) | undefined;

  constructor(
    surroundings: Surroundings,
    pendings: Pendings<InteractionData>,
    live: LiveInteractions,
    sinceMs: number,
    listeners: { readonly onBegin: Tell; readonly onEnd: Tell },
  ) {
    this.#sinceMs = sinceMs;
    this.#surroundings = surroundings;
    this.#pendings = pendings;
    this.#live = live;
    this.#listeners = listeners;
    this.#loop = new WakeLoop(() => this.#round());
  }

  start(): void {
    const wake = (): void => this.#loop.wake();
    const timer = setInterval(wake, sweepMs);
    if (typeof timer === 'object') timer.unref();
    const listening = this.#live.storage.listen(['begun'], wake).catch(() => undefined);
    this.#stop = async () => {
      clearInterval(timer);
      this.#stopping.abort();
      await (await listening)?.().catch(() => {});
      await this.#loop.stop();
    };
    // Listened to before it is read: what begins in between is not missed.
    void listening.then(wake);
  }

  async stop(): Promise<void> {
    await this.#stop?.();
  }

  async #round(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('live interactions could not be read; they are at the next sweep', {
        code,
      });
    }
  }

  async #read(): Promise<void> {
    const nowMs = await this.#surroundings.now();
    for await (const live of this.#live.since(this.#readFromMs ?? 0)) {
      if (this.#stopping.signal.aborted) return;
      if (this.#known.has(live.id)) continue;
      this.#known.set(live.id, live.untilMs);
      // What lived before is followed to its end; that it has begun is no news.
      void this.#follow(live, live.beganAtMs >= this.#sinceMs);
    }
    this.#readFromMs = nowMs - overlapMs;
    for (const [id, untilMs] of this.#known) if (untilMs < nowMs) this.#known.delete(id);
  }

  async #follow(live: LiveInteraction, isNew: boolean): Promise<void> {
    const { signal } = this.#stopping;
    let isToTell = isNew;
    for (;;) {
      try {
        const pending = await this.#pendings.in(namespaceOf(live.partition)).get(live.id);
        if (pending === undefined || (pending.status !== 'pending' && !isNew)) return;
        if (isToTell) this.#listeners.onBegin(pending);
        isToTell = false;
        const ended = await this.#untilEnd(pending);
        if (!signal.aborted) this.#listeners.onEnd(ended);
        return;
      } catch {
        if (signal.aborted) return;
        // The store does not answer. It is asked for as long as it can know more than that the time was over.
        const nowMs = await this.#surroundings.now().catch(() => 0);
        if (nowMs > live.untilMs) return;
        await sleep(pauseMs, { signal, keepAlive: false }).catch(() => {});
      }
    }
  }

  async #untilEnd(pending: Pending<InteractionData>): Promise<Pending<InteractionData>> {
    const { signal } = this.#stopping;
    for (;;) {
      try {
        return await this.#pendings.waitFor(pending, { timeoutMs: lookMs, signal, keepAlive: false });
      } catch (error) {
        if (!isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT')) throw error;
      }
    }
  }
}

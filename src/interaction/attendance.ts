import { sleep } from '../core/clock.ts';
import { findPosternError, isPosternError } from '../core/postern-error.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import { SharedWaits } from '../sync/shared-waits.ts';
import type { Surroundings } from '../sync/surroundings.ts';
import type { BackgroundWork } from './asking/background-work.ts';
import type { Flow, FlowHands, InteractionData } from './flow.ts';
import type { Gate } from './gates/gate.ts';

export interface AttendanceOptions {
  readonly pendings: Pendings<InteractionData>;
  readonly gate: Gate;
  readonly flowNamed: (name: string) => Flow | undefined;
  /** Ends an interaction whose link leads to a stranger. */
  readonly withdraw: (pending: Pending<InteractionData>) => Promise<void>;
  readonly handsFor: (pending: Pending<InteractionData>) => FlowHands;
  /** After this long without a sign of life, background work is taken over. */
  readonly leaseMs: number;
  /** Aborts when this process leaves. */
  readonly leaving: AbortSignal;
}

/** How long to wait for the end of an interaction, and what ends the wait sooner. */
export interface WaitForEnd {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive by itself. Default true. */
  readonly keepAlive?: boolean | undefined;
}

interface Attended {
  readonly stop: AbortController;
  readonly running: Promise<unknown>;
}

/** Beyond this, a process leaves background work to the others, and to the next time somebody asks. */
const maxAttended = 1_000;
/** How long one look at a pending may last before it is begun anew. */
const lookMs = 60_000;
/** How long a store that does not answer is left alone. */
const pauseMs = 1_000;

/**
 * What a process does about interactions that live: it waits for them, does their background work, and keeps their links
 * reachable. Only who waits keeps the process alive by that.
 */
export class Attendance {
  readonly #surroundings: Surroundings;
  readonly #options: AttendanceOptions;
  readonly #waits = new SharedWaits<Pending<InteractionData>>();
  readonly #links = new Map<string, Attended & { readonly served: Promise<void> }>();
  readonly #works = new Map<string, Attended>();
  #work: Promise<BackgroundWork> | undefined;
  #closed = false;

  constructor(surroundings: Surroundings, options: AttendanceOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /**
   * Sees to a live interaction until it has ended: its background work, if nobody else does it, and its link.
   *
   * Resolves when its link can be shown: it is answered after a crash, too. Never rejects.
   */
  attend(pending: Pending<InteractionData>): Promise<void> | undefined {
    if (this.#closed || pending.status !== 'pending') return this.#links.get(pending.id)?.served;
    this.#workOn(pending);
    return this.#keepReachable(pending);
  }

  /** Nothing is left to do about an interaction here: it has ended. */
  leave(id: string): void {
    this.#links.get(id)?.stop.abort();
    this.#works.get(id)?.stop.abort();
  }

  /**
   * Waits until an interaction has ended and returns it; `undefined` when it has not within `timeoutMs`.
   *
   * Whoever waits also sees to it: the process that did may have died.
   *
   * @throws the signal's reason when it aborts.
   */
  async wait(
    pending: Pending<InteractionData>,
    options: WaitForEnd,
  ): Promise<Pending<InteractionData> | undefined> {
    if (pending.status !== 'pending') return pending;
    void this.attend(pending);
    const ended = await this.#shareWait(pending, options);
    // A wait that is over before the shared one has read the store still looks once itself.
    return ended ?? (await this.#look(pending, { timeoutMs: 0 }));
  }

  /** As {@link wait}, and over at once when this process is leaving: whoever waits is answered, and goes on with another. */
  async waitHere(
    pending: Pending<InteractionData>,
    { timeoutMs, signal }: Pick<WaitForEnd, 'timeoutMs' | 'signal'>,
  ): Promise<Pending<InteractionData> | undefined> {
    const { leaving } = this.#options;
    if (!leaving.aborted) {
      const either = signal === undefined ? leaving : AbortSignal.any([leaving, signal]);
      try {
        return await this.wait(pending, { timeoutMs, signal: either });
      } catch (error) {
        signal?.throwIfAborted();
        if (!leaving.aborted) throw error;
      }
    }
    return this.wait(pending, { timeoutMs: 0, signal });
  }

  /** Waits as long as the interaction lives. @throws the signal's reason when it aborts. */
  async untilEnd(
    pending: Pending<InteractionData>,
    options: Omit<WaitForEnd, 'timeoutMs'>,
  ): Promise<Pending<InteractionData>> {
    for (;;) {
      const ended = await this.wait(pending, { ...options, timeoutMs: lookMs });
      if (ended !== undefined) return ended;
    }
  }

  /** Stops what is done here; other processes go on. */
  async close(): Promise<void> {
    this.#closed = true;
    const attended = [...this.#links.values(), ...this.#works.values()];
    for (const { stop } of attended) stop.abort();
    await Promise.allSettled(attended.map(({ running }) => running));
    await this.#waits.settle();
  }

  #workOn(pending: Pending<InteractionData>): void {
    const { id, data } = pending;
    const flow = data && this.#options.flowNamed(data.flow);
    if (this.#closed || flow?.watch === undefined || this.#works.has(id) || this.#works.size >= maxAttended)
      return;
    if (flow.hasWork?.(data?.data) === false) return;
    const attended = this.#begin(pending, async (signal) =>
      (await this.#loadWork()).attend(pending, flow, signal),
    );
    this.#works.set(id, attended);
    void attended.running.finally(() => this.#works.delete(id));
  }

  #keepReachable(pending: Pending<InteractionData>): Promise<void> | undefined {
    const { id } = pending;
    const { gate } = this.#options;
    const known = this.#links.get(id);
    if (known !== undefined || gate.serve === undefined) return known?.served;
    if (this.#links.size >= maxAttended) return undefined;
    const { promise: served, resolve: onServed } = Promise.withResolvers<void>();
    const attended = this.#begin(pending, async (_signal, ended) => {
      await using _link = await gate.serve?.(pending, () => void this.#withdraw(pending));
      onServed();
      await ended;
    });
    this.#links.set(id, { ...attended, served });
    void attended.running.finally(() => {
      onServed();
      this.#links.delete(id);
    });
    return served;
  }

  /** Does something about a live interaction, until it has ended or is left. */
  #begin(
    pending: Pending<InteractionData>,
    work: (signal: AbortSignal, ended: Promise<void>) => Promise<void>,
  ): Attended {
    const stop = new AbortController();
    const over = new AbortController();
    const signal = AbortSignal.any([stop.signal, over.signal]);
    const ended = this.#untilEnded(pending, signal).finally(() => over.abort());
    const attend = async (): Promise<void> => {
      try {
        await work(signal, ended);
      } finally {
        over.abort();
        await ended;
      }
    };
    const running = attend().catch((error: unknown) => {
      if (stop.signal.aborted) return;
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('a live interaction could not be seen to', { kind: pending.kind, code });
    });
    return { stop, running };
  }

  async #withdraw(pending: Pending<InteractionData>): Promise<void> {
    const { logger } = this.#surroundings;
    logger.error('another program answers a link of this machine; it is withdrawn', { kind: pending.kind });
    try {
      await this.#options.withdraw(pending);
    } catch (error) {
      logger.warn('a link could not be withdrawn', { code: findPosternError(error)?.code });
    }
  }

  #shareWait(
    pending: Pending<InteractionData>,
    options: WaitForEnd,
  ): Promise<Pending<InteractionData> | undefined> {
    return this.#waits.wait(pending.id, (signal) => this.#whenEnded(pending, signal), options);
  }

  async #untilEnded(pending: Pending<InteractionData>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const options = { timeoutMs: lookMs, signal, keepAlive: false };
        if ((await this.#shareWait(pending, options)) !== undefined) return;
      } catch {
        // The store does not answer. What lives is seen to all the same, for as long as it can live.
        const nowMs = await this.#surroundings.now().catch(() => 0);
        if (nowMs >= pending.expiresAtMs) return;
        await sleep(pauseMs, { signal, keepAlive: false });
      }
    }
  }

  async #whenEnded(
    pending: Pending<InteractionData>,
    signal: AbortSignal,
  ): Promise<Pending<InteractionData>> {
    for (;;) {
      const ended = await this.#look(pending, { timeoutMs: lookMs, signal });
      if (ended !== undefined) return ended;
    }
  }

  async #look(
    pending: Pending<InteractionData>,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Pending<InteractionData> | undefined> {
    try {
      return await this.#options.pendings.waitFor(pending, {
        ...options,
        keepAlive: false,
        // What there is to do about it may have come while somebody waits here, by a page that another process serves.
        onLook: (live) => this.#workOn(live),
      });
    } catch (error) {
      if (isPosternError(error, 'ERR_POSTERN_PENDING_WAIT_TIMEOUT')) return undefined;
      throw error;
    }
  }

  #loadWork(): Promise<BackgroundWork> {
    this.#work ??= import('./asking/background-work.ts').then(({ BackgroundWork: Loaded }) => {
      const { pendings, handsFor, leaseMs } = this.#options;
      return new Loaded(this.#surroundings, {
        find: ({ id, namespace }) => pendings.in(namespace).get(id),
        handsFor,
        leaseMs,
      });
    });
    return this.#work;
  }
}

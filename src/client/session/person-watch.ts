import type { Logger } from '../../core/logger.ts';
import { findPosternError, type PosternError } from '../../core/postern-error.ts';
import { errorOfEnd, isSuperseded } from '../../pending/pending.ts';
import { withSignal } from '../../sync/with-signal.ts';
import type { AuthChallenge } from '../auth/authorization-required-error.ts';
import type { Context } from '../context.ts';
import type { AuthCoordinator } from '../coordinators/auth-coordinator.ts';

/** Waits for a person in the background, wherever their callback lands. */
export class PersonWatch {
  readonly #coordinator: AuthCoordinator;
  readonly #context: Context;
  readonly #logger: Logger;
  readonly #onEnd: (error: PosternError | undefined) => Promise<void> | void;
  #watching: { ended: Promise<void>; stop: AbortController } | undefined;

  /** @param onEnd is told once how it ended: `undefined` when the person has done their part. */
  constructor(
    { coordinator, context, logger }: { coordinator: AuthCoordinator; context: Context; logger: Logger },
    onEnd: (error: PosternError | undefined) => Promise<void> | void,
  ) {
    this.#coordinator = coordinator;
    this.#context = context;
    this.#logger = logger;
    this.#onEnd = onEnd;
  }

  /** Resolves when what is being waited for has ended and its end was acted on; `undefined` when nothing is. */
  get ended(): Promise<void> | undefined {
    return this.#watching?.ended;
  }

  start(challenge: AuthChallenge): void {
    this.stop();
    const stop = new AbortController();
    const ended = this.#await(challenge, stop.signal).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      this.#watching = undefined;
      this.#logger.warn('waiting for a sign-in failed; the next call looks again', {
        code: findPosternError(error)?.code,
      });
    });
    this.#watching = { ended, stop };
  }

  stop(): void {
    this.#watching?.stop.abort();
    this.#watching = undefined;
  }

  /** With a coordinator that blocks, callers wait here: no request, and so no time-out, is open meanwhile. */
  async waitIfBlocking(signal?: AbortSignal): Promise<void> {
    if (!this.#coordinator.blocksCallers) return;
    while (this.#watching !== undefined) await withSignal(this.#watching.ended, signal);
  }

  async #await(challenge: AuthChallenge, signal: AbortSignal): Promise<void> {
    const store = this.#coordinator.pendings.in(this.#context.namespace);
    const pending = await store.get(challenge.pendingId);
    const ended = pending && (await this.#coordinator.awaitEnd(pending, { signal }));
    if (signal.aborted) return;
    this.#watching = undefined;
    const end = ended ?? { status: 'expired' };
    // Asked anew, by the request that is refused anew.
    if (ended !== undefined && isSuperseded(ended)) return this.#onEnd(undefined);
    const isAtHand = await this.#coordinator.hasPersonAtHand();
    await this.#onEnd(errorOfEnd(isAtHand ? { ...end, askAgainAtMs: undefined } : end));
  }
}

import { failureFields } from '../../core/failure-fields.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Interactions } from '../../interaction/interactions.ts';
import { remembered } from '../../interaction/remembered-interaction.ts';
import type { Pending, PendingStatus } from '../../pending/pending.ts';
import { accountAt } from '../account-alias.ts';
import type { KeptAccount } from '../kept-account.ts';
import type {
  CompletionEvent,
  CompletionSubscriber,
  SignInEvent,
  StartEvent,
  SubscribeOptions,
} from './completion.ts';

/** Who is told of sign-ins. One that throws, or never answers, hinders nobody. */
export class Subscribers {
  readonly #interactions: Interactions;
  readonly #afterwards: (work: Promise<unknown>) => void;
  readonly #here = new Set<CompletionSubscriber>();
  readonly #everywhere = new Set<CompletionSubscriber>();
  #unfollow: (() => Promise<void>) | undefined;

  /** @param afterwards is given the work that goes on when a browser was answered. */
  constructor(interactions: Interactions, afterwards: (work: Promise<unknown>) => void) {
    this.#interactions = interactions;
    this.#afterwards = afterwards;
    interactions.events.onBegin((pending) => this.#tellOfStart(this.#here, pending));
    interactions.onEnd((pending) => this.#tellOfEnd(this.#here, pending));
  }

  subscribe(subscriber: CompletionSubscriber, { everywhere = false }: SubscribeOptions): void {
    this.unsubscribe(subscriber);
    (everywhere ? this.#everywhere : this.#here).add(subscriber);
    if (!everywhere) return;
    this.#unfollow ??= this.#interactions.events.follow({
      onBegin: (pending) => this.#tellOfStart(this.#everywhere, pending),
      onEnd: (pending) => this.#tellOfEnd(this.#everywhere, pending),
    });
  }

  unsubscribe(subscriber: CompletionSubscriber): void {
    this.#here.delete(subscriber);
    this.#everywhere.delete(subscriber);
    if (this.#everywhere.size > 0) return;
    const unfollow = this.#unfollow;
    this.#unfollow = undefined;
    void unfollow?.().catch(() => {});
  }

  #tellOfStart(to: ReadonlySet<CompletionSubscriber>, pending: Pending<InteractionData>): void {
    if (to.size === 0) return;
    const { url, expiresAtMs } = pending;
    const event: StartEvent = { ...eventOf(pending), url, expiresAtMs };
    this.#tell(to, (subscriber) => subscriber.onStart?.(event));
  }

  async #tellOfEnd(to: ReadonlySet<CompletionSubscriber>, pending: Pending<InteractionData>): Promise<void> {
    if (to.size === 0) return;
    const status = pending.status as Exclude<PendingStatus, 'pending'>;
    const success = status === 'completed';
    const telling = (async () => {
      const result = success ? await this.#resultOf(pending) : undefined;
      const event: CompletionEvent = {
        ...eventOf(pending),
        success,
        status,
        failure: pending.failure,
        ...(result && { result }),
      };
      this.#tell(to, (subscriber) => subscriber.onCompletion(event));
    })();
    this.#afterwards(telling);
    await telling;
  }

  #tell(
    to: Iterable<CompletionSubscriber>,
    tell: (subscriber: CompletionSubscriber) => void | Promise<void>,
  ): void {
    const { logger } = this.#interactions.surroundings;
    const told = [...to].map(async (subscriber) => {
      try {
        await tell(subscriber);
      } catch (error) {
        logger.error('a completion subscriber failed', failureFields(error));
      }
    });
    this.#afterwards(Promise.all(told));
  }

  /** A store that does not answer just now keeps nobody from being told that it is done. */
  async #resultOf(pending: Pending<InteractionData>): Promise<KeptAccount | undefined> {
    const { resource, alias } = remembered(pending);
    try {
      const all = await this.#interactions.list(pending.namespace);
      const kept = all.find((one) => one.resource === resource && one.alias === alias);
      return kept && { ...kept, ...accountAt(alias) };
    } catch {
      return undefined;
    }
  }
}

function eventOf(pending: Pending<InteractionData>): SignInEvent {
  const { id: pendingId, kind, namespace } = pending;
  const { alias, metadata } = remembered(pending);
  return { contextId: namespace.id, ...accountAt(alias), pendingId, kind, metadata };
}

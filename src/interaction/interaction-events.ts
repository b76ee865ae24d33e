import { failureFields } from '../core/failure-fields.ts';
import { findPosternError } from '../core/postern-error.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { Surroundings } from '../sync/surroundings.ts';
import type { InteractionData } from './flow.ts';
import type { FollowedInteractions } from './followed-interactions.ts';
import { LiveInteractions } from './live-interactions.ts';

/** Is told of an interaction: of one that has begun with its data; of one that has ended, here, with its data as it was. */
export type InteractionListener = (pending: Pending<InteractionData>) => void | Promise<void>;

/** What happens to interactions, for those who listen. */
export class InteractionEvents {
  readonly #surroundings: Surroundings;
  readonly #pendings: Pendings<InteractionData>;
  readonly #live: LiveInteractions;
  readonly #beginnings = new Set<InteractionListener>();
  readonly #ends = new Set<InteractionListener>();
  readonly #followed = new Set<Promise<FollowedInteractions>>();

  constructor(surroundings: Surroundings, pendings: Pendings<InteractionData>) {
    this.#surroundings = surroundings;
    this.#pendings = pendings;
    this.#live = new LiveInteractions(surroundings.storage);
  }

  /** Has a listener told of every interaction that begins in this process. Returns how to stop. */
  onBegin(listener: InteractionListener): () => void {
    this.#beginnings.add(listener);
    return () => void this.#beginnings.delete(listener);
  }

  /** Has a listener told of every interaction that ends in this process, after it has. Returns how to stop. */
  onEnd(listener: InteractionListener): () => void {
    this.#ends.add(listener);
    return () => void this.#ends.delete(listener);
  }

  /**
   * Has listeners told of whatever begins from now on, and of whatever ends, in whichever process: also when its time is
   * over, and whoever began it is gone. Each once. Returns how to stop.
   */
  follow(listeners: { onBegin: InteractionListener; onEnd: InteractionListener }): () => Promise<void> {
    const telling = (listener: InteractionListener) => (pending: Pending<InteractionData>) =>
      this.#tell([listener], pending);
    // Now, and not when the store is read: what begins in between is news.
    const sinceMs = Math.floor(this.#surroundings.storeClock());
    const following = import('./followed-interactions.ts').then(({ FollowedInteractions: Loaded }) => {
      const options = { onBegin: telling(listeners.onBegin), onEnd: telling(listeners.onEnd) };
      const followed = new Loaded(this.#surroundings, this.#pendings, this.#live, sinceMs, options);
      followed.start();
      return followed;
    });
    this.#followed.add(following);
    return async () => {
      this.#followed.delete(following);
      await (await following).stop();
    };
  }

  /** An interaction has begun here. Resolves when those elsewhere can find it. */
  async begun(pending: Pending<InteractionData>): Promise<void> {
    this.#tell(this.#beginnings, pending);
    await this.#live.add(pending).catch((error: unknown) => {
      // It lives, and its link is good: only those who follow from elsewhere hear nothing of it.
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('an interaction was not announced to other processes', { code });
    });
  }

  /** An interaction has ended here. */
  ended(pending: Pending<InteractionData>): void {
    this.#tell(this.#ends, pending);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#followed].map(async (following) => (await following).stop()));
    this.#followed.clear();
  }

  #tell(listeners: Iterable<InteractionListener>, pending: Pending<InteractionData>): void {
    for (const listener of listeners) {
      void (async () => listener(pending))().catch((error: unknown) => {
        this.#surroundings.logger.error('what was to follow an event failed', failureFields(error));
      });
    }
  }
}

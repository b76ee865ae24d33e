import type { Logger } from '../../core/logger.ts';
import { findPosternError } from '../../core/postern-error.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Interactions } from '../../interaction/interactions.ts';
import { isEnded } from '../../interaction/is-ended.ts';
import type { Pending } from '../../pending/pending.ts';

/** How many of the questions that were raised by one session are remembered. */
const maxRaised = 50;

interface Raised {
  readonly pending: Pending<InteractionData>;
  /** The call that needs it, as one text. */
  readonly key: string | undefined;
  /** What the server will name the ends of its links by, for each time that it has made new ones. */
  readonly ids: Set<string>[];
}

/** What persons are being asked for by one session, for a server that alone knows when they are done. */
export class RaisedQuestions {
  readonly #interactions: Interactions;
  readonly #logger: Logger;
  readonly #raised = new Map<string, Raised>();

  constructor(interactions: Interactions, logger: Logger) {
    this.#interactions = interactions;
    this.#logger = logger;
  }

  add(pending: Pending<InteractionData>, key: string | undefined, ids: readonly string[]): void {
    const before = this.#raised.get(pending.id);
    this.#raised.delete(pending.id);
    this.#raised.set(pending.id, { pending, key, ids: [...(before?.ids ?? []), new Set(ids)] });
    const [oldest] = this.#raised.keys();
    if (this.#raised.size > maxRaised && oldest !== undefined) this.#raised.delete(oldest);
  }

  /** A call went through. Where the same call has raised several, nobody can say which it was. */
  succeeded(call: { readonly key: string | undefined }): void {
    if (this.#raised.size === 0 || call.key === undefined) return;
    const { key } = call;
    const [first, ...more] = [...this.#raised.values()].filter((raised) => raised.key === key);
    if (first !== undefined && more.length === 0) void this.finish(first.pending);
  }

  /** The server says that something is done. */
  completed(elicitationId: string): void {
    for (const { pending, ids } of this.#raised.values()) {
      const isDone = ids.some((some) => some.delete(elicitationId) && some.size === 0);
      if (isDone) void this.finish(pending);
    }
  }

  /** Ends what a person was asked for: they are done. Never rejects. */
  async finish(pending: Pending<InteractionData>): Promise<void> {
    this.#raised.delete(pending.id);
    try {
      await this.#interactions.finish(pending, undefined);
    } catch (error) {
      if (isEnded(error)) return;
      this.#logger.warn('what a server asked for is done, and could not be ended here', {
        code: findPosternError(error)?.code,
      });
    }
  }
}

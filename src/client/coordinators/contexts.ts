import type { Context } from '../context.ts';

/** More than are used at once; beyond it, those that nobody has asked for longest are made anew. */
const maxKept = 10_000;

/** The contexts of one coordinator: one for an id, however often it is asked for. */
export class Contexts<Coordinator> {
  /** In order of last use. */
  readonly #kept = new Map<string, Context<Coordinator>>();

  /** The one of an id, as it was last described; made, where there is none, or its sign-ins are another's. */
  of(id: string, initiator: string | undefined, make: () => Context<Coordinator>): Context<Coordinator> {
    const kept = this.#kept.get(id);
    const isTheirs = kept !== undefined && kept.initiator === (initiator ?? kept.initiator);
    const context = isTheirs ? kept : make();
    this.#kept.delete(id);
    this.#kept.set(id, context);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
    return context;
  }
}

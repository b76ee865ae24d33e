import type { Elicitation } from '../../interaction/elicitation/elicitation-cause.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Pending } from '../../pending/pending.ts';

/** One call, as far as its server may ask something about it, however often it is sent. */
export class AskedCall {
  /** Ends the caller's wait. */
  readonly signal: AbortSignal | undefined;
  /** The links that its server asked for last. */
  links: readonly Elicitation[] = [];
  /** The links to which a handler's person has said yes. */
  readonly accepted: Elicitation[] = [];
  /** What the person is being asked for because of it. */
  pending: Pending<InteractionData> | undefined;
  /** How often a person was begun to be asked for it. */
  asks = 0;
  #own: AbortSignal | undefined;
  readonly #keyOf: (() => string) | undefined;
  #key: string | undefined;

  constructor(keyOf?: () => string, signal?: AbortSignal) {
    this.#keyOf = keyOf;
    this.signal = signal;
  }

  /** What is called, as one text: the same for a call that is made anew. `undefined` where nothing depends on it. */
  get key(): string | undefined {
    return (this.#key ??= this.#keyOf?.());
  }

  /** The call's own, by which it is known to the SDK's client, too. Made when it is needed: it costs every call otherwise. */
  get own(): AbortSignal {
    this.#own ??= this.signal === undefined ? new AbortController().signal : AbortSignal.any([this.signal]);
    return this.#own;
  }
}

/** The part of an application that receives callbacks, for clients that leave that to it. */
export interface CallbackTaker {
  /** Takes a callback as it arrives. Rejects when it does not end the login. */
  take(params: URLSearchParams): Promise<void>;
}

/** Waits for one callback with a code, and does not listen afterwards: what the guides of the peers show. */
export class OneCallback implements CallbackTaker {
  readonly #finish: (params: URLSearchParams) => Promise<unknown>;
  #listens = true;

  constructor(finish: (params: URLSearchParams) => Promise<unknown>) {
    this.#finish = finish;
  }

  async take(params: URLSearchParams): Promise<void> {
    if (!this.#listens) throw new Error('nobody listens any more');
    this.#listens = false;
    await this.#finish(params);
  }
}

/** Listens until a callback has ended the login: what a careful host would add. */
export class RepeatedCallbacks implements CallbackTaker {
  readonly #finish: (params: URLSearchParams) => Promise<unknown>;
  #finished = false;

  constructor(finish: (params: URLSearchParams) => Promise<unknown>) {
    this.#finish = finish;
  }

  async take(params: URLSearchParams): Promise<void> {
    if (this.#finished) throw new Error('the login has ended');
    await this.#finish(params);
    this.#finished = true;
  }
}

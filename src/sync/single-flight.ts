/**
 * Runs one piece of work at a time for a key, in this process; callers that come while it runs share its outcome.
 *
 * The work is nobody's in particular: a caller that stops waiting does not stop it.
 */
export class SingleFlight<T> {
  readonly #running = new Map<string, Promise<T>>();

  run(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    // An async function, so that work which throws before it returns a promise is a failed run like any other.
    const started = (async () => work())().finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  /** Resolves when nothing is running any more, whatever the outcomes. */
  async settle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running.values());
  }
}

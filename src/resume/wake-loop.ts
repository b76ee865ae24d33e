/** What one round is asked to do. */
export interface Round {
  /** Whether to look at everything, and not only at what was announced. */
  readonly sweep: boolean;
  /** Aborts when the loop is being stopped. */
  readonly signal: AbortSignal;
}

/** Runs a piece of work whenever it is woken: one round at a time, and one more for all wakes that came during a round. */
export class WakeLoop {
  readonly #round: (round: Round) => Promise<void>;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #isWoken = false;
  #isSweepDue = false;

  /** @param round must not reject. */
  constructor(round: (round: Round) => Promise<void>) {
    this.#round = round;
  }

  wake(options: { sweep?: boolean } = {}): void {
    this.#isWoken = true;
    if (options.sweep) this.#isSweepDue = true;
    if (this.#stopping.signal.aborted) return;
    this.#running ??= this.#run();
  }

  /** Starts no further round, and resolves when the present one has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#isWoken && !this.#stopping.signal.aborted) {
      const round = { sweep: this.#isSweepDue, signal: this.#stopping.signal };
      this.#isWoken = false;
      this.#isSweepDue = false;
      await this.#round(round);
    }
    // Here, with nothing awaited since the last look: a wake that comes later finds no loop and starts one.
    this.#running = undefined;
  }
}

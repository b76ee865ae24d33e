/** How soon a server that stops by itself may be started again. */
export interface RestartPolicy {
  /** After the first crash; doubled with each that follows. */
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
  /** After so many crashes in a row, none of them after a healthy time, it is left alone for `restMs`. */
  readonly maxCrashes: number;
  readonly restMs: number;
  /** Who has run this long counts as healthy. */
  readonly healthyMs: number;
}

export const defaultRestartPolicy: RestartPolicy = {
  firstDelayMs: 250,
  maxDelayMs: 15_000,
  maxCrashes: 5,
  restMs: 5 * 60_000,
  healthyMs: 30_000,
};

/** The crashes of one server, by a monotonic clock. */
export class Crashes {
  readonly #policy: RestartPolicy;
  readonly #now: () => number;
  #inRow = 0;
  #notBeforeMs = 0;

  constructor(policy: RestartPolicy, now: () => number = () => performance.now()) {
    this.#policy = policy;
    this.#now = now;
  }

  /** How long it must not be started yet; 0: it may. */
  get waitMs(): number {
    return Math.max(0, this.#notBeforeMs - this.#now());
  }

  /** Crashes in a row. */
  get inRow(): number {
    return this.#inRow;
  }

  /** It has been left alone, as it would not stay up. */
  get givenUp(): boolean {
    return this.#inRow >= this.#policy.maxCrashes && this.waitMs > 0;
  }

  /** @param ranMs how long it had been up. */
  crashed(ranMs: number): void {
    const { firstDelayMs, maxDelayMs, maxCrashes, restMs, healthyMs } = this.#policy;
    const rested = this.#inRow >= maxCrashes;
    this.#inRow = ranMs >= healthyMs || rested ? 1 : this.#inRow + 1;
    const delayMs =
      this.#inRow >= maxCrashes ? restMs : Math.min(firstDelayMs * 2 ** (this.#inRow - 1), maxDelayMs);
    this.#notBeforeMs = this.#now() + delayMs;
  }

  /** Something about it has changed, so that it may well stay up now. */
  forget(): void {
    this.#inRow = 0;
    this.#notBeforeMs = 0;
  }
}

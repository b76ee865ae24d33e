/**
 * What the server's clock says, guessed from its answers.
 *
 * Never behind by more than the clocks have drifted since the last answer; ahead by one round trip at most.
 */
export class RedisServerClock {
  readonly #monotonic: () => number;
  /** The server's time less ours, in milliseconds. */
  #offsetMs: number | undefined;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Before the first answer, `Infinity`: a time that nothing is later than. */
  now(): number {
    return this.#offsetMs === undefined ? Infinity : this.#monotonic() + this.#offsetMs;
  }

  /** Begins a question. The function returned takes the time the server gave in its answer. */
  ask(): (serverMs: number) => void {
    const askedMs = this.#monotonic();
    return (serverMs) => {
      const [least, most] = [serverMs - this.#monotonic(), serverMs - askedMs];
      const offsetMs = this.#offsetMs;
      if (offsetMs === undefined || offsetMs < least || offsetMs > most) this.#offsetMs = most;
    };
  }
}

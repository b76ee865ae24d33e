import { withSignal } from '../../sync/with-signal.ts';

/** Lets so many do something at once, and the rest one after the other. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves when it is one's turn, to what gives it back. @throws the signal's reason when it aborts before. */
  async take(signal: AbortSignal | undefined): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else {
      let wake: () => void = () => {};
      const turn = new Promise<void>((resolve) => this.#waiting.push((wake = resolve)));
      try {
        await withSignal(turn, signal);
      } catch (error) {
        const at = this.#waiting.indexOf(wake);
        if (at === -1) this.#pass();
        else this.#waiting.splice(at, 1);
        throw error;
      }
    }
    let isMine = true;
    return () => {
      if (isMine) this.#pass();
      isMine = false;
    };
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

import type { Readable } from 'node:stream';

const lf = 10;
/** Lines and pieces that are read as fast as they come. */
const burst = 2_000;
/** And then so many in a second: some three hundred events. */
const perSecond = 1_000;
/** At once, before anybody else has their turn. */
const atOnce = 256;
/** Once the pace counts, so much is read again and again. */
const pauseMs = 50;

/**
 * Reads a stream of events at a pace. Each event costs its reader far more than its sender, so a server that sends as fast as
 * it can would have this process to itself; one that is read more slowly waits, and loses nothing.
 */
export class Pace {
  readonly #source: Readable;
  #left = burst;
  #asOfMs = performance.now();
  /** While nothing is read, whoever asks for more. */
  #isWaiting = false;
  #isWanted = true;

  constructor(source: Readable) {
    this.#source = source;
  }

  /** As much of a piece as may be taken now. The rest comes once more, later. */
  admit(piece: Buffer): Buffer {
    const nowMs = performance.now();
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#asOfMs) * perSecond) / 1_000);
    this.#asOfMs = nowMs;
    // That a piece came at all is paid for, however little of it is taken.
    const most = Math.min(atOnce, Math.max(1, Math.floor(this.#left)));
    let lines = 0;
    let end = 0;
    while (lines < most && end < piece.length) {
      const at = piece.indexOf(lf, end);
      end = at === -1 ? piece.length : at + 1;
      lines++;
    }
    this.#left -= lines;
    const isSpent = this.#left < 1;
    if (end === piece.length && !isSpent) return piece;
    this.#source.pause();
    if (end < piece.length) this.#source.unshift(piece.subarray(end));
    this.#isWaiting = true;
    const goOn = (): void => {
      this.#isWaiting = false;
      if (this.#isWanted) this.#source.resume();
    };
    if (isSpent) setTimeout(goOn, pauseMs).unref();
    else setImmediate(goOn);
    return piece.subarray(0, end);
  }

  /** Its reader has enough for now. */
  pause(): void {
    this.#isWanted = false;
    this.#source.pause();
  }

  /** Its reader wants more. */
  resume(): void {
    this.#isWanted = true;
    if (!this.#isWaiting) this.#source.resume();
  }
}

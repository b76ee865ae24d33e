import { ChannelListeners } from '../channel-listeners.ts';
import type { SqliteStatements } from './sqlite-statements.ts';

/** How many signals the table keeps. More than this between two looks, and everybody is woken instead. */
const keptSignals = 1_000;

/** How many signals are written between two clearances. */
const signalsPerPruning = 64;

/**
 * The signals of one database file.
 *
 * They are rows of a table. SQLite tells no process that another has written, so those that listen look, and they look
 * only while somebody listens: at a counter in shared memory, and at the table when that has moved.
 */
export class SqliteSignals {
  readonly #statements: SqliteStatements;
  readonly #pollMs: number;
  readonly #listeners = new ChannelListeners();
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastSeq = 0;
  #dataVersion: unknown;
  #written = 0;

  constructor(statements: SqliteStatements, pollMs: number) {
    this.#statements = statements;
    this.#pollMs = pollMs;
  }

  /** Wakes the listeners of this handle, which need not wait for the next look. */
  wake(channel: string): void {
    this.#listeners.wake(channel);
  }

  /** Writes a signal for the other handles. Called inside a transaction. */
  write(channel: string): void {
    this.#statements.addSignal.run({ channel });
    if (this.#written++ % signalsPerPruning === 0) {
      // The last one always stays, so that numbers never begin again.
      this.#statements.pruneSignals.run({ kept: keptSignals });
    }
  }

  /** @throws what SQLite throws when it cannot be read. */
  listen(channel: string, wake: () => void): () => void {
    if (this.#timer === undefined) this.#startLooking();
    const remove = this.#listeners.add(channel, wake);
    return () => {
      remove();
      if (this.#listeners.size === 0) this.#stopLooking();
    };
  }

  close(): void {
    this.#stopLooking();
    this.#listeners.clear();
  }

  #startLooking(): void {
    this.#lastSeq = Number(this.#statements.lastSignal.get()?.['seq']);
    this.#dataVersion = undefined;
    this.#timer = setInterval(() => this.#look(), this.#pollMs);
    this.#timer.unref();
  }

  #stopLooking(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      const dataVersion = this.#statements.dataVersion.get()?.['data_version'];
      if (dataVersion === this.#dataVersion) return;
      this.#wakeAfter(this.#lastSeq);
      this.#dataVersion = dataVersion;
    } catch {
      // The next look tries again. Those who wait read the store themselves, and learn there that it fails.
    }
  }

  #wakeAfter(seq: number): void {
    const rows = this.#statements.signalsAfter.all({ seq, limit: keptSignals + 1 });
    const first = rows[0];
    if (first === undefined) return;
    this.#lastSeq = Number(rows.at(-1)?.['seq']);
    if (rows.length > keptSignals || Number(first['seq']) !== seq + 1) {
      this.#lastSeq = Number(this.#statements.lastSignal.get()?.['seq']);
      this.#listeners.wakeAll();
      return;
    }
    for (const channel of new Set(rows.map((row) => String(row['channel'])))) {
      this.#listeners.wake(channel);
    }
  }
}

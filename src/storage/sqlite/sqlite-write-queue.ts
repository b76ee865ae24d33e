import type { DatabaseSync } from 'node:sqlite';
import { rollBack } from './sqlite-database.ts';
import { isBusy, sqliteError } from './sqlite-error.ts';
import type { SqliteStatements } from './sqlite-statements.ts';

/** How many writes share one transaction at most, so that none keeps the process from its other work for long. */
const maxBatchLength = 256;

/** Between two attempts at a locked database. Random, so that processes do not keep meeting. */
const minRetryMs = 1;
const maxRetryMs = 12;

/** How long a hint waits for a transaction to join. Short beside the pause between two looks of those who listen. */
const joinMs = 2;

interface Write {
  /** Runs inside the transaction. Throws only what ends the transaction for all. */
  readonly run: () => unknown;
  /** Must be on the disk before it is acknowledged. */
  readonly isDurable: boolean;
  readonly deadline: number;
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The writes of one handle, in order.
 *
 * Those that wait at the same time share one transaction, and so one flush of the disk. Each is acknowledged after
 * that transaction has ended. A locked database is waited for without blocking the process.
 */
export class SqliteWriteQueue {
  readonly #database: DatabaseSync;
  readonly #statements: SqliteStatements;
  readonly #name: string;
  readonly #busyTimeoutMs: number;
  #waiting: Write[] = [];
  #isScheduled = false;
  #joinTimer: ReturnType<typeof setTimeout> | undefined;
  #isSynchronous = true;
  #onDrained: (() => void) | undefined;

  constructor(
    database: DatabaseSync,
    statements: SqliteStatements,
    options: { name: string; busyTimeoutMs: number },
  ) {
    this.#database = database;
    this.#statements = statements;
    this.#name = options.name;
    this.#busyTimeoutMs = options.busyTimeoutMs;
  }

  /**
   * Runs `work` inside a transaction, and resolves to what it returned once that is on the disk.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
   */
  run<T>(work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        run: work,
        isDurable: true,
        deadline: performance.now() + this.#busyTimeoutMs,
        resolve: resolve as (outcome: unknown) => void,
        reject,
      });
      this.#schedule();
    });
  }

  /**
   * Runs `work` inside the next transaction, or soon inside one of its own. Nobody is told what came of it.
   *
   * For hints: a transaction takes a hundred times as long as what they write, and who sends one has just made another, or
   * is about to.
   */
  join(work: () => void): void {
    const deadline = performance.now() + this.#busyTimeoutMs;
    this.#waiting.push({ run: work, isDurable: false, deadline, resolve: () => {}, reject: () => {} });
    this.#joinTimer ??= setTimeout(() => this.#schedule(), joinMs);
  }

  /** Resolves when every write has ended. */
  drained(): Promise<void> {
    if (this.#waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#schedule();
    });
  }

  #schedule(delayMs?: number): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    const flush = (): void => {
      this.#isScheduled = false;
      this.#flush();
    };
    // Not a microtask: whatever else this turn of the event loop brings joins the same transaction.
    if (delayMs === undefined) setImmediate(flush);
    else setTimeout(flush, delayMs);
  }

  #flush(): void {
    clearTimeout(this.#joinTimer);
    this.#joinTimer = undefined;
    const batch = this.#waiting.splice(0, maxBatchLength);
    try {
      const outcomes = this.#commit(batch);
      batch.forEach((write, index) => write.resolve(outcomes[index]));
    } catch (error) {
      if (isBusy(error)) {
        this.#waiting = [...this.#inTime(batch, error), ...this.#waiting];
        if (this.#waiting.length > 0) {
          this.#schedule(minRetryMs + Math.random() * (maxRetryMs - minRetryMs));
          return;
        }
      } else {
        const failure = sqliteError(`${this.#name} could not be written`, error);
        for (const write of batch) write.reject(failure);
      }
    }
    if (this.#waiting.length > 0) this.#schedule();
    else this.#onDrained?.();
  }

  #commit(batch: readonly Write[]): unknown[] {
    const { begin, commit } = this.#statements;
    this.#synchronise(batch.some((write) => write.isDurable));
    begin.run();
    try {
      const outcomes = batch.map((write) => write.run());
      commit.run();
      return outcomes;
    } catch (error) {
      rollBack(this.#database);
      throw error;
    }
  }

  /** What need not survive a power cut is not worth a flush of its own; the next durable commit flushes it too. */
  #synchronise(isSynchronous: boolean): void {
    if (this.#isSynchronous === isSynchronous) return;
    this.#database.exec(`PRAGMA synchronous = ${isSynchronous ? 'FULL' : 'NORMAL'}`);
    this.#isSynchronous = isSynchronous;
  }

  /** Gives up those whose time is over, and returns the others. */
  #inTime(batch: readonly Write[], cause: unknown): Write[] {
    const now = performance.now();
    return batch.filter((write) => {
      if (now < write.deadline) return true;
      write.reject(sqliteError(`${this.#name} stayed locked for ${this.#busyTimeoutMs} ms`, cause));
      return false;
    });
  }
}

import { timeLimit } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import type { D1Database } from './d1-database.ts';

/** One statement and what stands for its `?1`, `?2`, …. */
export type Query = readonly [sql: string, ...values: readonly (string | number | null)[]];

/** Rows by the statement they came of. */
export type Answers = readonly (readonly Readonly<Record<string, unknown>>[])[];

/** The calls of one handle: each is one transaction, within a deadline, and none begins once the handle is closed. */
export class D1Calls {
  readonly #database: D1Database;
  readonly #timeoutMs: number;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(database: D1Database, timeoutMs: number) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the handle is closed. */
  mustBeOpen(): void {
    if (this.#isClosed) throw unavailable('the D1 store has been closed');
  }

  /**
   * @param what was done to the store, in a word.
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when D1 fails, or does not answer in time: whether a write was
   * done is not known then.
   */
  async run(what: string, ...queries: readonly Query[]): Promise<Answers> {
    this.mustBeOpen();
    const running = this.#send(what, queries);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  /** Waits for what was asked for, each within its deadline. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  async #send(what: string, queries: readonly Query[]): Promise<Answers> {
    const limit = timeLimit(this.#timeoutMs);
    try {
      const late = limit.passed.then(() => {
        throw unavailable(`the D1 store was not ${what} within ${this.#timeoutMs} ms`);
      });
      const statements = queries.map(([sql, ...values]) => this.#database.prepare(sql).bind(...values));
      const answers = await Promise.race([this.#database.batch(statements), late]);
      return answers.map(({ results = [] }) => results as Answers[number]);
    } catch (cause) {
      if (cause instanceof PosternError) throw cause;
      throw unavailable(`the D1 store could not be ${what}`, cause);
    } finally {
      limit.cancel();
    }
  }
}

function unavailable(what: string, cause?: unknown): PosternError {
  const isWithoutTables = cause instanceof Error && cause.message.includes('no such table');
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', what, {
    cause,
    hint: isWithoutTables
      ? 'Make the tables with a migration of d1Schema, or with ensureD1Tables().'
      : undefined,
  });
}

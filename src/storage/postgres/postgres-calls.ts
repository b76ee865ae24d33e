import { sleep } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import type { PostgresClient, PostgresPool, PostgresRow, PostgresStatement } from './postgres-connection.ts';
import { isConflict, isRefusal, postgresError } from './postgres-error.ts';

/** How many calls may wait for a connection of the pool. Those that gave up waiting are among them until it is free. */
const maxWaiting = 10_000;

/** How often a read is tried again whose connection broke. */
const readRetries = 2;

/** Between two attempts, in milliseconds, at least and at most. Random, so that rivals do not keep meeting. */
const minRetryMs = 5;
const maxRetryMs = 25;

/** Columns come as PostgreSQL wrote them. */
const asText: NonNullable<PostgresStatement['types']> = { getTypeParser: () => (text) => text };

/** Runs one statement on the connection of a session, within the deadline of the session or one of its own. */
export type PostgresQuery = (
  statement: PostgresStatement,
  timeoutMs?: number,
) => Promise<readonly PostgresRow[]>;

/** A connection taken out of the pool for as long as it is needed. */
export interface PostgresSession {
  readonly client: PostgresClient;
  readonly query: PostgresQuery;
  /** Gives the connection back, or ends it. Only the first call does anything. */
  readonly release: (isUsable: boolean) => void;
}

/** What is asked of one connection. */
interface Call<T> {
  /** What failed, should it fail. */
  readonly what: string;
  readonly work: (session: PostgresSession) => Promise<T>;
  /** How often it may be done again when its connection broke. */
  readonly retries: number;
  /** One statement leaves no transaction behind, whatever became of it. */
  readonly isOneStatement: boolean;
  readonly timeoutMs: number;
}

/** The pools whose broken connections end nobody's process. */
const guarded = new WeakSet<PostgresPool>();

/**
 * Calls of a server through a pool, each of which ends within the deadline.
 *
 * A connection that has not answered when its call ends is destroyed: what it still may do, nobody waits for.
 */
export class PostgresCalls {
  readonly pool: PostgresPool;
  readonly timeoutMs: number;
  readonly #running = new Set<Promise<unknown>>();
  #waiting = 0;
  #closed = false;

  constructor(pool: PostgresPool, timeoutMs: number) {
    this.pool = pool;
    this.timeoutMs = timeoutMs;
    if (guarded.has(pool)) return;
    guarded.add(pool);
    // A pool drops a broken idle connection by itself; without a listener its event would end the process.
    pool.on('error', () => {});
  }

  /**
   * One statement, one round trip.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
   */
  query(
    what: string,
    statement: PostgresStatement,
    options: { isRead: boolean },
  ): Promise<readonly PostgresRow[]> {
    return this.#call({
      what,
      work: ({ query }) => query(statement),
      retries: options.isRead ? readRetries : 0,
      isOneStatement: true,
      timeoutMs: this.timeoutMs,
    });
  }

  /**
   * Several statements on one connection, all within one deadline. When `work` throws, the connection is ended, and
   * with it a transaction it began.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
   */
  session<T>(
    what: string,
    work: (session: PostgresSession) => Promise<T>,
    timeoutMs: number = this.timeoutMs,
  ): Promise<T> {
    return this.#call({ what, work, retries: 0, isOneStatement: false, timeoutMs });
  }

  /**
   * Takes a connection out of the pool. Whoever does must release it.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the deadline is over, else what the pool throws.
   */
  async checkOut(
    what: string,
    timeoutMs: number = this.timeoutMs,
    deadline: number = performance.now() + timeoutMs,
  ): Promise<PostgresSession> {
    const client = await this.#connect(what, timeoutMs, deadline);
    let isReleased = false;
    const ignore = (): void => {};
    // A query that runs fails by itself; the break of a connection that has none would end the process.
    client.on('error', ignore);
    return {
      client,
      query: async (statement, ownMs) => {
        const left = ownMs ?? deadline - performance.now();
        const answer = client.query({ ...statement, types: asText });
        const { rows } = await within(answer, left, () => isLate(what, ownMs ?? timeoutMs));
        return rows as PostgresRow[];
      },
      release: (isUsable) => {
        if (isReleased) return;
        isReleased = true;
        // The pool puts a listener of its own in place before this one goes.
        client.release(!isUsable);
        client.removeListener('error', ignore);
      },
    };
  }

  /** Refuses new calls, and resolves when those that run have ended. The pool stays open. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE after {@link close}. */
  mustBeOpen(): void {
    if (this.#closed) throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store was closed');
  }

  async #call<T>(call: Call<T>): Promise<T> {
    this.mustBeOpen();
    const running = this.#attempts(call);
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #attempts<T>(call: Call<T>): Promise<T> {
    const deadline = performance.now() + call.timeoutMs;
    for (let left = call.retries; ;) {
      try {
        return await this.#attempt(call, deadline);
      } catch (error) {
        if (error instanceof PosternError) throw error;
        const isFinal = !isConflict(error) && (isRefusal(error) || left-- <= 0);
        if (isFinal || performance.now() + maxRetryMs >= deadline) throw postgresError(call.what, error);
      }
      await sleep(minRetryMs + Math.random() * (maxRetryMs - minRetryMs));
    }
  }

  async #attempt<T>(call: Call<T>, deadline: number): Promise<T> {
    const session = await this.checkOut(call.what, call.timeoutMs, deadline);
    let isUsable = false;
    try {
      const outcome = await call.work(session);
      isUsable = true;
      return outcome;
    } catch (error) {
      isUsable = call.isOneStatement && isRefusal(error);
      throw error;
    } finally {
      session.release(isUsable);
    }
  }

  async #connect(what: string, timeoutMs: number, deadline: number): Promise<PostgresClient> {
    if (this.#waiting >= maxWaiting) {
      throw new PosternError(
        'ERR_POSTERN_STORAGE_UNAVAILABLE',
        `${what}: ${maxWaiting} other calls wait for a connection`,
      );
    }
    this.#waiting++;
    const connecting = this.#connectOne();
    let gaveUp = false;
    try {
      return await within(connecting, deadline - performance.now(), () => {
        gaveUp = true;
        return noConnection(what, timeoutMs);
      });
    } finally {
      // It may come all the same, and somebody else waits for it.
      if (gaveUp) {
        connecting.then(
          (client) => client.release(),
          () => {},
        );
      }
    }
  }

  async #connectOne(): Promise<PostgresClient> {
    try {
      return await this.pool.connect();
    } finally {
      this.#waiting--;
    }
  }
}

function noConnection(what: string, timeoutMs: number): PosternError {
  return new PosternError(
    'ERR_POSTERN_STORAGE_UNAVAILABLE',
    `${what}: no connection within ${timeoutMs} ms`,
    { hint: 'Is the server reachable, and is the pool large enough for all that takes its connections?' },
  );
}

function isLate(what: string, timeoutMs: number): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${what}: no answer within ${timeoutMs} ms`, {
    hint: 'The server is stuck, or the way to it. Whether a write has happened is not known.',
  });
}

/** What the promise resolves to, or the error that `late` makes when the time is over. */
async function within<T>(promise: Promise<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), Math.max(0, timeoutMs));
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}

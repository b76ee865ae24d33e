import { sleep } from '../../core/clock.ts';
import { isPosternError, PosternError } from '../../core/postern-error.ts';
import { loadDynamoDbSdk, type DynamoDbClient, type DynamoDbSdk } from './dynamodb-client.ts';
import { dynamoDbError, faultOf } from './dynamodb-error.ts';

/** Between two attempts at what is throttled or in conflict: random, and twice as long each time. */
const firstBackOffMs = 25;
const longestBackOffMs = 1_000;

/** A command of the SDK, before it is sent. */
interface Command {
  readonly middlewareStack: {
    add(
      middleware: <A, R>(next: (args: A) => Promise<R>) => (args: A) => Promise<R>,
      options: { step: 'finalizeRequest'; priority: 'low'; name: string; override: true },
    ): void;
  };
}

/** How a request is sent. */
export interface SendOptions {
  readonly abortSignal: AbortSignal;
}

/** A failed attempt that the SDK must not repeat. It has no sign by which the SDK would. */
class FinalAttemptError extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('an attempt that is not repeated');
    this.reason = reason;
  }
}

/** Sends one command, which it has `watched` first. */
type Send<T> = (
  client: DynamoDbClient,
  watched: <C extends Command>(command: C) => C,
  options: SendOptions,
) => Promise<T>;

/** What came of a write. */
export interface WriteOutcome {
  /** Otherwise a condition did not hold. */
  readonly isDone: boolean;
  /** What the answer to an earlier attempt was lost by; that attempt may be what the condition met. */
  readonly undecidedBy: unknown;
}

/** One call of the storage contract: its requests share one deadline. */
export class DynamoDbCall {
  readonly sdk: DynamoDbSdk;
  readonly #client: DynamoDbClient;
  readonly #signal: AbortSignal;
  /** What the last attempt failed with. */
  lastError: unknown;

  constructor(sdk: DynamoDbSdk, client: DynamoDbClient, signal: AbortSignal) {
    this.sdk = sdk;
    this.#client = client;
    this.#signal = signal;
  }

  /** Runs one read until it is answered. */
  async read<T>(send: Send<T>): Promise<T> {
    return this.#send(send, { isRepeatable: true, onUndecided: () => {} });
  }

  /**
   * Runs one write until it is decided.
   *
   * When the answer to an attempt is lost, there is another only if `isRepeatable`: if a second time changes nothing,
   * or cannot happen.
   */
  async write(isRepeatable: boolean, send: Send<unknown>): Promise<WriteOutcome> {
    let undecidedBy: unknown;
    try {
      await this.#send(send, { isRepeatable, onUndecided: (error) => (undecidedBy = error) });
      return { isDone: true, undecidedBy };
    } catch (error) {
      if (faultOf(error) === 'condition') return { isDone: false, undecidedBy };
      throw error;
    }
  }

  /** Lost answers are the SDK's to repeat. Throttling and conflicts are ours: its pauses are longer than our deadline. */
  async #send<T>(
    send: Send<T>,
    { isRepeatable, onUndecided }: { isRepeatable: boolean; onUndecided: (error: unknown) => void },
  ): Promise<T> {
    const watched = <C extends Command>(command: C): C => {
      let last: FinalAttemptError | undefined;
      command.middlewareStack.add(
        (next) => async (args) => {
          // A retry strategy of the program's own may insist.
          if (last !== undefined) throw last;
          try {
            return await next(args);
          } catch (error) {
            this.lastError = error;
            const fault = faultOf(error);
            if (fault === 'undecided') onUndecided(error);
            if (fault === 'busy' || (fault === 'undecided' && !isRepeatable)) {
              throw (last = new FinalAttemptError(error));
            }
            throw error;
          }
        },
        // Inside the SDK's own retries, and inside the signing, whose failures are before anything is sent.
        { step: 'finalizeRequest', priority: 'low', name: 'posternAttempt', override: true },
      );
      return command;
    };
    for (let attempt = 0; ; attempt++) {
      this.#signal.throwIfAborted();
      try {
        return await send(this.#client, watched, { abortSignal: this.#signal });
      } catch (error) {
        const reason = error instanceof FinalAttemptError ? error.reason : error;
        if (faultOf(reason) !== 'busy') throw reason;
      }
      const longestMs = Math.min(longestBackOffMs, firstBackOffMs * 2 ** attempt);
      await sleep(Math.random() * longestMs, { signal: this.#signal });
    }
  }
}

/** The calls of one handle, each with its deadline. */
export class DynamoDbCalls {
  readonly #client: DynamoDbClient;
  readonly #timeoutMs: number;
  readonly #name: string;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(client: DynamoDbClient, options: { name: string; timeoutMs: number }) {
    this.#client = client;
    this.#timeoutMs = options.timeoutMs;
    this.#name = options.name;
  }

  mustBeOpen(): void {
    if (this.#isClosed) {
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', `${this.#name} was closed`);
    }
  }

  /**
   * Does the work of one call. `what` completes the sentence "the table could not be …".
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when a request fails, or the deadline passes.
   */
  run<T>(what: string, work: (call: DynamoDbCall) => Promise<T>): Promise<T> {
    const running = this.#withinDeadline(what, work);
    const settled: Promise<unknown> = running.catch(() => {}).finally(() => this.#running.delete(settled));
    this.#running.add(settled);
    return running;
  }

  /** Lets no new call in, and resolves when the last one has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#running);
  }

  async #withinDeadline<T>(what: string, work: (call: DynamoDbCall) => Promise<T>): Promise<T> {
    this.mustBeOpen();
    const controller = new AbortController();
    let call: DynamoDbCall | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Not left to the signal alone: a provider of credentials, for one, does not heed it.
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const cause = call?.lastError ?? new DOMException('the deadline passed', 'TimeoutError');
        reject(dynamoDbError(`${this.#name} could not be ${what} within ${this.#timeoutMs} ms`, cause));
        controller.abort();
      }, this.#timeoutMs);
    });
    try {
      const started = loadDynamoDbSdk().then((sdk) => {
        call = new DynamoDbCall(sdk, this.#client, controller.signal);
        return work(call);
      });
      return await Promise.race([started, tooLate]);
    } catch (error) {
      if (isPosternError(error)) throw error;
      throw dynamoDbError(`${this.#name} could not be ${what}`, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

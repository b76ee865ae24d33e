import { sleep } from '../core/clock.ts';
import { isPosternError, PosternError } from '../core/postern-error.ts';
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

/** An attempt whose answer was lost. It has no sign by which the SDK would take it for one to repeat. */
class UndecidedError extends Error {
  readonly reason: unknown;

  constructor(reason: unknown) {
    super('the answer to a write was lost');
    this.reason = reason;
  }
}

/** What came of a write: done, or a condition did not hold. */
export interface WriteOutcome {
  readonly isDone: boolean;
  /** The answer to an earlier attempt was lost, so that attempt may be what the condition met. */
  readonly wasUndecided: boolean;
}

/** One call of the storage contract: its requests share one deadline. */
export class DynamoDbCall {
  readonly sdk: DynamoDbSdk;
  readonly #client: DynamoDbClient;
  readonly #signal: AbortSignal;
  readonly #onBusy: (error: unknown) => void;

  constructor(
    sdk: DynamoDbSdk,
    client: DynamoDbClient,
    signal: AbortSignal,
    onBusy: (error: unknown) => void,
  ) {
    this.sdk = sdk;
    this.#client = client;
    this.#signal = signal;
    this.#onBusy = onBusy;
  }

  /** Runs a request until it is answered by more than a wish to be asked later. */
  async request<T>(send: (client: DynamoDbClient, options: SendOptions) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      this.#signal.throwIfAborted();
      try {
        return await send(this.#client, { abortSignal: this.#signal });
      } catch (error) {
        if (faultOf(error) !== 'busy') throw error;
        this.#onBusy(error);
      }
      const longestMs = Math.min(longestBackOffMs, firstBackOffMs * 2 ** attempt);
      await sleep(Math.random() * longestMs, { signal: this.#signal });
    }
  }

  /**
   * Runs one write: `send` makes a command, has it `watched`, and sends it.
   *
   * When the answer to an attempt is lost, the SDK may try again only if `isRepeatable`: if a second time changes
   * nothing, or cannot happen.
   */
  async write(
    isRepeatable: boolean,
    send: (
      client: DynamoDbClient,
      watched: <C extends Command>(command: C) => C,
      options: SendOptions,
    ) => Promise<unknown>,
  ): Promise<WriteOutcome> {
    let lost: UndecidedError | undefined;
    const watched = <C extends Command>(command: C): C => {
      command.middlewareStack.add(
        (next) => async (args) => {
          if (lost !== undefined && !isRepeatable) throw lost;
          try {
            return await next(args);
          } catch (error) {
            if (faultOf(error) !== 'undecided') throw error;
            lost = new UndecidedError(error);
            throw isRepeatable ? error : lost;
          }
        },
        // Inside the SDK's own retries, and inside the signing, whose failures are before anything is sent.
        { step: 'finalizeRequest', priority: 'low', name: 'posternAttempt', override: true },
      );
      return command;
    };
    try {
      await this.request((client, options) => send(client, watched, options));
      return { isDone: true, wasUndecided: lost !== undefined };
    } catch (error) {
      if (faultOf(error) === 'condition') return { isDone: false, wasUndecided: lost !== undefined };
      throw error instanceof UndecidedError ? error.reason : error;
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
    let lastBusy: unknown;
    let timer: ReturnType<typeof setTimeout> | undefined;
    // Not left to the signal alone: a provider of credentials, for one, does not heed it.
    const tooLate = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        const cause = lastBusy ?? new DOMException('the deadline passed', 'TimeoutError');
        reject(dynamoDbError(`${this.#name} could not be ${what} within ${this.#timeoutMs} ms`, cause));
        controller.abort();
      }, this.#timeoutMs);
    });
    try {
      const started = loadDynamoDbSdk().then((sdk) =>
        work(new DynamoDbCall(sdk, this.#client, controller.signal, (error) => (lastBusy = error))),
      );
      return await Promise.race([started, tooLate]);
    } catch (error) {
      if (isPosternError(error)) throw error;
      throw dynamoDbError(`${this.#name} could not be ${what}`, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

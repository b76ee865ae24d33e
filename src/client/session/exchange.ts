import type {
  JSONRPCErrorResponse,
  JSONRPCResultResponse,
  RequestId,
  TransportSendOptions,
} from '@modelcontextprotocol/client';
import { maxStrayEvents } from '../../wire/event-stream.ts';

type Answer = JSONRPCResultResponse | JSONRPCErrorResponse;

/** One request over HTTP and all that is read for it, until it is over, or whoever asked or the transport gives it up. */
export class Exchange {
  readonly #all: Set<Exchange>;
  readonly #options: TransportSendOptions;
  readonly #givenUp = new AbortController();
  #answerId: RequestId | undefined;
  #lastId: string | undefined;
  #canBeAskedFor = false;
  #isAnswered = false;
  #strayEvents = 0;

  /** @param all those of the transport; this one is among them until it ends. */
  constructor(all: Set<Exchange>, options: TransportSendOptions = {}) {
    this.#all = all;
    this.#options = options;
    all.add(this);
    const { requestSignal } = options;
    if (requestSignal?.aborted === true) this.giveUp(requestSignal.reason);
    requestSignal?.addEventListener('abort', () => this.giveUp(requestSignal.reason), { once: true });
  }

  /** Aborts when it is given up. */
  get signal(): AbortSignal {
    return this.#givenUp.signal;
  }

  get isGivenUp(): boolean {
    return this.#givenUp.signal.aborted;
  }

  /** What the stream was last said to have brought. */
  get lastId(): string | undefined {
    return this.#lastId;
  }

  /** Whether a stream that ends here has not brought all, and can be asked for again. */
  get canGoOn(): boolean {
    return this.#canBeAskedFor && !this.#isAnswered && this.#strayEvents <= maxStrayEvents;
  }

  /** It begins in the midst, of a stream that somebody else has read. */
  resume(lastId: string, answerId: RequestId | undefined): void {
    this.#lastId = lastId;
    this.#answerId = answerId;
  }

  /** A stream was asked for, and is there. */
  opened(): void {
    this.#canBeAskedFor = true;
  }

  reached(id: string): void {
    this.#lastId = id;
    this.#canBeAskedFor = true;
    this.#options.onresumptiontoken?.(id);
  }

  /** The answer, as one to what was asked now. */
  answered(answer: Answer): Answer {
    this.#isAnswered = true;
    return this.#answerId === undefined ? answer : { ...answer, id: this.#answerId };
  }

  /** An event was a message. */
  spoke(): void {
    this.#strayEvents = 0;
  }

  /** An event was no message. @returns whether the stream is still worth reading: one that brings nothing else is not. */
  strayed(): boolean {
    return ++this.#strayEvents <= maxStrayEvents;
  }

  /** Nothing more comes of it. */
  end(): void {
    this.#all.delete(this);
  }

  /** Its stream is over, whether or not it has brought an answer. */
  streamEnded(): void {
    this.end();
    this.#options.onRequestStreamEnd?.();
  }

  giveUp(reason?: unknown): void {
    this.#givenUp.abort(reason);
  }
}

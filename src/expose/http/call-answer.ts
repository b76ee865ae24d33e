import type { CallSink } from '../child/server-link.ts';
import {
  errorText,
  type ErrorMessage,
  type MessageId,
  type ResultMessage,
  type RpcError,
} from '../../wire/message.ts';
import { EventStream, eventStreamHeaders, type OutgoingConnection } from './event-stream.ts';
import { HttpAnswer, jsonAnswer } from './http-answer.ts';

export interface CallAnswerOptions {
  readonly id: MessageId;
  readonly connection: OutgoingConnection;
  /** Of an answer that comes alone. */
  readonly statusOf: (message: ResultMessage | ErrorMessage) => number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly times: StreamTimes;
  /** Once, when nobody waits for it any more: it was answered, or the client has gone. */
  readonly onOver: (how: 'answered' | 'gone') => void;
}

/** The times of streams. */
export interface StreamTimes {
  /** An answer that takes longer is sent as a stream, so that nothing on the way takes the connection for dead. */
  readonly patienceMs: number;
  readonly keepAliveMs: number;
  readonly stalledMs: number;
}

/**
 * The answer to one POST: plain JSON where the answer comes soon and alone, else a stream of events that ends with it.
 */
export class CallAnswer implements CallSink {
  readonly response: Promise<HttpAnswer>;
  readonly #options: CallAnswerOptions;
  #respond!: (answer: HttpAnswer) => void;
  #stream: EventStream | undefined;
  #over = false;
  readonly #timer: ReturnType<typeof setTimeout>;

  constructor(options: CallAnswerOptions) {
    this.#options = options;
    this.response = new Promise((resolve) => (this.#respond = resolve));
    this.#timer = setTimeout(() => this.#open({ greets: true }), options.times.patienceMs);
    options.connection.onClose(() => this.#end('gone'));
  }

  /** Somebody still reads it. */
  get open(): boolean {
    return !this.#over;
  }

  answer(message: ResultMessage | ErrorMessage, text: string): Promise<void> | undefined {
    if (this.#over) return undefined;
    const stream = this.#stream;
    if (stream === undefined) {
      const { statusOf, headers } = this.#options;
      this.#end('answered');
      this.#respond(jsonAnswer(text, statusOf(message), headers));
      return undefined;
    }
    const held = stream.send(text);
    this.#end('answered');
    stream.close();
    return held;
  }

  event(text: string): Promise<void> | undefined {
    return this.#over ? undefined : this.#open({ greets: false }).send(text);
  }

  fail(error: RpcError): void {
    const { id } = this.#options;
    void this.answer({ kind: 'error', id, error }, errorText(id, error));
  }

  /** Ends it without an answer: its client has said that it wants none. */
  dismiss(): void {
    if (this.#over) return;
    const stream = this.#open({ greets: true });
    this.#end('answered');
    stream.close();
  }

  #open({ greets }: { readonly greets: boolean }): EventStream {
    if (this.#stream !== undefined) return this.#stream;
    const { connection, headers, times } = this.#options;
    this.#stream = new EventStream({
      connection,
      greets,
      ...times,
      onClosed: () => this.#end('gone'),
    });
    this.#respond(new HttpAnswer(200, { ...eventStreamHeaders, ...headers }, this.#stream));
    return this.#stream;
  }

  #end(how: 'answered' | 'gone'): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    // Where nobody is there to be answered, whoever waits for the response is let go.
    if (how === 'gone' && this.#stream === undefined) this.#respond(new HttpAnswer(499));
    this.#options.onOver(how);
  }
}

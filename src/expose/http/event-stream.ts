import type { ServerResponse } from 'node:http';

/** What can be told of the connection that an answer goes out on. */
export interface OutgoingConnection {
  readonly gone: boolean;
  /** Is called once, when the connection is gone or its answer is whole. */
  onClose(listener: () => void): void;
}

export interface EventStreamOptions {
  readonly connection: OutgoingConnection;
  /** How often a line goes out that says nothing, so that no proxy takes the stream for dead, and we learn that it is. */
  readonly keepAliveMs: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stalledMs: number;
  /** Begins with a line that says nothing: a stream that has nothing to say yet is seen to be open. */
  readonly greets: boolean;
  /** Once: nobody reads any more. */
  readonly onClosed: () => void;
}

export const eventStreamHeaders: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/** What may wait for a slow reader of those who do not wait for it themselves. */
const maxQueuedBytes = 4 * 1024 * 1024;
const nothing = ': \n\n';

/** A stream of server-sent events, one JSON-RPC message each. */
export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #keepAlive: ReturnType<typeof setInterval>;
  /** Where it goes; until then, what was sent. */
  #reply: ServerResponse | undefined;
  #before: string;
  #waiting: (() => void)[] = [];
  #stall: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#before = options.greets ? nothing : '';
    this.#keepAlive = setInterval(() => {
      const reply = this.#reply;
      if (!this.#closed && reply?.writableNeedDrain === false) reply.write(nothing);
    }, options.keepAliveMs);
    this.#keepAlive.unref();
    options.connection.onClose(() => this.#over());
    if (options.connection.gone) this.#over();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Goes out on a reply whose head is written. */
  attach(reply: ServerResponse): void {
    this.#reply = reply;
    reply.on('drain', () => this.#taken());
    const before = this.#before;
    this.#before = '';
    if (this.#closed) reply.end(before);
    else if (before !== '') reply.write(before);
  }

  /** `undefined` while there is room for more; else what resolves when there is again, or nobody reads any more. */
  send(json: string): Promise<void> | undefined {
    if (this.#closed) return undefined;
    const text = `event: message\ndata: ${json}\n\n`;
    const reply = this.#reply;
    if (reply === undefined) {
      this.#before += text;
      return undefined;
    }
    if (reply.write(text)) return undefined;
    if (reply.writableLength > maxQueuedBytes && this.#waiting.length > 0) {
      this.#cut();
      return undefined;
    }
    this.#stall ??= setTimeout(() => this.#cut(), this.#options.stalledMs);
    return new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Ends it behind what was sent. */
  close(): void {
    if (this.#closed) return;
    this.#over();
    this.#reply?.end();
  }

  #taken(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #cut(): void {
    this.#over();
    this.#reply?.destroy();
  }

  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#keepAlive);
    this.#taken();
    this.#options.onClosed();
  }
}

/** What a stream can be told of the connection that it goes out on. */
export interface OutgoingConnection {
  /** Aborts when the connection is gone. */
  readonly signal: AbortSignal;
  /** Cuts it off. */
  readonly destroy: () => void;
}

export interface EventStreamOptions {
  readonly connection: OutgoingConnection;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How often a line goes out that says nothing, so that no proxy takes the stream for dead, and we learn that it is. */
  readonly keepAliveMs: number;
  /** A reader that takes nothing for so long is cut off. */
  readonly stalledMs: number;
  /** Begins with a line that says nothing: a stream that has nothing to say yet is seen to be open. */
  readonly greets: boolean;
  /** Once: nobody reads any more. */
  readonly onClosed: () => void;
}

/** What is read ahead of a slow reader before whoever sends has to wait. */
const readAheadBytes = 64 * 1024;
/** Of those who do not wait. */
const maxQueuedBytes = 4 * 1024 * 1024;
const encoder = new TextEncoder();
const nothing = encoder.encode(': \n\n');

/** A stream of server-sent events, one JSON-RPC message each. */
export class EventStream {
  readonly response: Response;
  readonly #options: EventStreamOptions;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #waiting: (() => void)[] = [];
  #stall: ReturnType<typeof setTimeout> | undefined;
  readonly #keepAlive: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
          if (options.greets) controller.enqueue(nothing);
        },
        pull: () => this.#taken(),
        cancel: () => this.#over(),
      },
      new ByteLengthQueuingStrategy({ highWaterMark: readAheadBytes }),
    );
    this.response = new Response(body, {
      headers: {
        'content-type': 'text/event-stream',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
        ...options.headers,
      },
    });
    this.#keepAlive = setInterval(() => {
      if (!this.#closed && this.#controller.desiredSize! > 0) this.#controller.enqueue(nothing);
    }, options.keepAliveMs);
    this.#keepAlive.unref();
    options.connection.signal.addEventListener('abort', () => this.#over(), { once: true });
    if (options.connection.signal.aborted) this.#over();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves when there is room for more: to `false` when nobody reads any more. */
  async send(json: string): Promise<boolean> {
    if (this.#closed) return false;
    this.#controller.enqueue(encoder.encode(`event: message\ndata: ${json}\n\n`));
    const room = this.#controller.desiredSize ?? 0;
    if (room > 0) return true;
    if (-room > maxQueuedBytes && this.#waiting.length > 0) {
      this.#cut();
      return false;
    }
    this.#stall ??= setTimeout(() => this.#cut(), this.#options.stalledMs);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return !this.#closed;
  }

  /** Ends it behind what was sent. */
  close(): void {
    if (this.#closed) return;
    const { onClosed } = this.#options;
    this.#settle();
    this.#controller.close();
    onClosed();
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
    this.#options.connection.destroy();
  }

  #over(): void {
    if (this.#closed) return;
    this.#settle();
    try {
      this.#controller.close();
    } catch {
      // Its reader has cancelled it.
    }
    this.#options.onClosed();
  }

  #settle(): void {
    this.#closed = true;
    clearInterval(this.#keepAlive);
    this.#taken();
  }
}

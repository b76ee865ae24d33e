import { readMessageText, type Message, type MessageId, type RequestMessage } from '../../wire/message.ts';
import { within } from '../../sync/within.ts';
import { withSignal } from '../../sync/with-signal.ts';
import { createSendHttp, drop, isEventStream, readEvents, type SendHttp } from './http-exchange.ts';
import type { LegacyTransport } from './legacy-remote.ts';
import { brokenError, httpStatusError, sessionLostError, speechError } from './remote-errors.ts';
import type { RemoteOptions, RequestOptions } from './remote-options.ts';
import { strayEvents, type StrayEvents } from './stray-events.ts';
import { textOf, type Answer } from './answer.ts';

/** How long a stream may take to say where messages go. */
const endpointMs = 30_000;

interface Stream {
  readonly endpoint: URL;
  readonly close: () => void;
}

/**
 * One server over HTTP+SSE, the transport of before 2025-03-26: a stream that brings everything, and an address that takes
 * everything. The stream is the session; when it breaks, that is over.
 *
 * @see MCP 2024-11-05, basic/transports
 */
export class EventStreamTransport implements LegacyTransport {
  protocolVersion: string | undefined;
  readonly #options: RemoteOptions;
  readonly #send: SendHttp;
  readonly #waiting = new Map<
    MessageId,
    { resolve: (answer: Answer) => void; reject: (error: unknown) => void }
  >();
  #stream: Stream | undefined;
  #count = 0;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#send = createSendHttp(options);
  }

  /** Names the stream. Nothing of it is sent. */
  get sessionId(): string | undefined {
    return this.#stream === undefined ? undefined : String(this.#count);
  }

  /** Ends the stream, so that the next request opens one. */
  set sessionId(_none: string | undefined) {
    this.#stream?.close();
    this.#stream = undefined;
  }

  async request(message: RequestMessage, { signal }: RequestOptions = {}): Promise<Answer> {
    if (message.method === 'initialize') this.#stream ??= await this.#open(signal);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    promise.catch(() => {});
    this.#waiting.set(message.id, { resolve, reject });
    try {
      await this.notify(message, { signal });
      return await withSignal(promise, signal);
    } finally {
      this.#waiting.delete(message.id);
    }
  }

  async notify(message: Message, { signal }: RequestOptions = {}): Promise<void> {
    const { server } = this.#options;
    if (this.#stream === undefined) throw sessionLostError(server);
    const response = await this.#send(this.#stream.endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: textOf(message),
      ...(signal && { signal }),
    });
    drop(response);
    if (response.status === 404) throw sessionLostError(server);
    if (!response.ok) throw httpStatusError(server, response.status);
  }

  /** The stream brings what the server says by itself, too. */
  async listen(): Promise<void> {}

  async endSession(): Promise<void> {
    this.sessionId = undefined;
  }

  async #open(signal: AbortSignal | undefined): Promise<Stream> {
    const { url, server } = this.#options;
    // The stream outlives the request that opens it.
    const closing = new AbortController();
    const leave = (): void => closing.abort(signal?.reason);
    signal?.addEventListener('abort', leave, { once: true });
    const response = await this.#send(url, {
      method: 'GET',
      headers: { accept: 'text/event-stream' },
      signal: closing.signal,
    });
    signal?.removeEventListener('abort', leave);
    if (!response.ok || !isEventStream(response)) {
      drop(response);
      throw httpStatusError(server, response.status);
    }
    const { promise, resolve, reject } = Promise.withResolvers<URL>();
    const count = ++this.#count;
    const stray = strayEvents(this.#options);
    const reading = readEvents(response, this.#options, ({ event, data }) => {
      if (event === 'endpoint') return this.#toEndpoint(data, resolve, reject);
      return event === 'message' && data !== '' ? this.#take(data, stray) : undefined;
    });
    const end = (error?: unknown): void => {
      const broken = error ?? brokenError(server);
      reject(broken);
      if (this.#count !== count) return;
      this.#stream = undefined;
      for (const { reject: fail } of this.#waiting.values()) fail(broken);
    };
    reading.then(end, end);
    const late = (): unknown => speechError(server, `has not said within ${endpointMs} ms where messages go`);
    try {
      const endpoint = await within(promise, endpointMs, late);
      return { endpoint, close: () => closing.abort() };
    } catch (error) {
      closing.abort();
      throw error;
    }
  }

  #toEndpoint(data: string, resolve: (url: URL) => void, reject: (error: unknown) => void): void {
    const { url, server } = this.#options;
    const endpoint = URL.canParse(data, url) ? new URL(data, url) : undefined;
    // What is sent there carries what is meant for this server.
    if (endpoint?.origin === url.origin) resolve(endpoint);
    else reject(speechError(server, 'wants messages sent to another address'));
  }

  async #take(data: string, stray: StrayEvents): Promise<void> {
    const { onMessage, logger, server } = this.#options;
    const read = readMessageText(data);
    if (read.kind === 'refused') return stray.strayed(read.reason);
    stray.spoke();
    if (read.kind === 'request' || read.kind === 'notification') return void (await onMessage(read));
    const waiting = read.id === undefined ? undefined : this.#waiting.get(read.id);
    if (waiting === undefined) logger.debug('an answer that nobody waits for was dropped', { server });
    else waiting.resolve(read);
  }
}

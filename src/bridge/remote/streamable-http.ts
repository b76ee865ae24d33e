import { sleep } from '../../core/clock.ts';
import { readMessageText, type Message, type RequestMessage } from '../../wire/message.ts';
import { textOf, withAnswerId, type Answer } from './answer.ts';
import { createSendHttp, drop, isEventStream, readEvents, readText, type SendHttp } from './http-exchange.ts';
import { brokenError, httpStatusError, sessionLostError, speechError } from './remote-errors.ts';
import type { RemoteOptions, RequestOptions } from './remote-options.ts';
import { strayEvents } from './stray-events.ts';
import { Turns } from './turns.ts';

/** How many requests a server works on at once, of which it has not answered anything yet. */
const maxAtOnce = 128;
/** How often a stream that breaks is gone on with before its request counts as lost. */
const maxResumptions = 5;
/** The longest that a server is left alone before a stream is opened again. */
const maxRetryMs = 30_000;

/**
 * One server over Streamable HTTP. Messages go out as the text that they came as, and come back so.
 *
 * @see MCP 2025-11-25, basic/transports; 2026-07-28, basic/transports/streamable-http
 */
export class StreamableHttp {
  /** What the server wants to be told with each request, once it has said so. */
  sessionId: string | undefined;
  /** The version that was agreed on, for the revisions that have sessions. */
  protocolVersion: string | undefined;
  readonly #options: RemoteOptions;
  readonly #send: SendHttp;
  readonly #turns = new Turns(maxAtOnce);

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#send = createSendHttp(options);
  }

  /**
   * Sends a request, and resolves to its answer. What comes before it goes to `onMessage`.
   *
   * @throws {PosternError} when there is none: no route, no session, a stream that ends.
   * @throws {AuthorizationRequiredError} when a person has to sign in first.
   * @throws the signal's reason when it aborts.
   */
  async request(message: RequestMessage, options: RequestOptions = {}): Promise<Answer> {
    const { server } = this.#options;
    const { signal } = options;
    const sessionId = this.sessionId;
    const give = await this.#turns.take(signal);
    try {
      const response = await this.#post(message, options);
      const isStream = isEventStream(response);
      // A stream may be open for long, and what is asked in it is answered by more requests.
      if (isStream) give();
      if (sessionId !== undefined && (await this.#isLost(response, options))) {
        drop(response);
        throw sessionLostError(server);
      }
      if (message.method === 'initialize')
        this.sessionId = response.headers.get('mcp-session-id') ?? undefined;
      if (!response.ok) return await this.#readRefusal(message, response);
      if (isStream) return await this.#readStream(message, response, options);
      if (response.status === 202 || response.status === 204) {
        drop(response);
        throw speechError(server, 'takes a request as if it were none, and does not answer it');
      }
      return this.#answerIn(await readText(response, this.#options), message);
    } catch (error) {
      // What a closed connection fails with is not why it was closed.
      throw signal?.aborted === true ? signal.reason : error;
    } finally {
      give();
    }
  }

  /**
   * Whether an answer says that the server does not know the session. Many say so by the status of a bad request: of those,
   * whether they know it shows by a request that nothing can be wrong with.
   */
  async #isLost({ status }: Response, options: RequestOptions): Promise<boolean> {
    if (status !== 400) return status === 404;
    const ping = await this.#post({ kind: 'request', id: 'postern:ping', method: 'ping' }, options);
    drop(ping);
    return ping.status === 400 || ping.status === 404;
  }

  /** Sends what is not answered. @throws as {@link request}. */
  async notify(message: Message, options: RequestOptions = {}): Promise<void> {
    const { server } = this.#options;
    const sessionId = this.sessionId;
    const response = await this.#post(message, options);
    drop(response);
    if (response.status === 404 && sessionId !== undefined) throw sessionLostError(server);
    if (!response.ok) throw httpStatusError(server, response.status);
  }

  /**
   * Takes what the server sends by itself, for as long as the session lasts: opened again when it ends. Resolves when the
   * server has no such stream, the session is over, or the signal aborts. Never rejects.
   */
  async listen(signal: AbortSignal): Promise<void> {
    const { logger, server } = this.#options;
    const { sessionId } = this;
    const place: StreamPlace = { retryMs: 1_000 };
    for (let failures = 0; !signal.aborted && this.sessionId === sessionId;) {
      try {
        const opened = await this.#openStream(place, signal);
        if (opened === undefined) return;
        failures = 0;
        await this.#readPart(opened, place, () => false, undefined);
      } catch (error) {
        if (signal.aborted) return;
        if (++failures === 1) logger.debug('the stream of a server broke', { server, error: nameOf(error) });
      }
      await sleep(Math.min(place.retryMs * 2 ** Math.min(failures, 5), maxRetryMs), {
        signal,
        keepAlive: false,
      });
    }
  }

  /** Ends the session at the server, as far as it lets itself be told. Never rejects. */
  async endSession(timeoutMs: number): Promise<void> {
    if (this.sessionId === undefined) return;
    const headers = this.#headers();
    this.sessionId = undefined;
    await this.#send(this.#options.url, {
      method: 'DELETE',
      headers,
      signal: AbortSignal.timeout(timeoutMs),
    }).then(drop, () => {});
  }

  #post(message: Message, { headers, signal }: RequestOptions): Promise<Response> {
    return this.#send(this.#options.url, {
      method: 'POST',
      headers: {
        ...this.#headers(),
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: textOf(message),
      signal,
    });
  }

  #headers(): Record<string, string> {
    return {
      ...(this.sessionId !== undefined && { 'mcp-session-id': this.sessionId }),
      ...(this.protocolVersion !== undefined && { 'mcp-protocol-version': this.protocolVersion }),
    };
  }

  /** An HTTP error that carries a message is that message. */
  async #readRefusal(message: RequestMessage, response: Response): Promise<Answer> {
    const { server } = this.#options;
    const refused = httpStatusError(server, response.status);
    const text = await readText(response, { server }).catch(() => '');
    const read = readMessageText(text);
    if (read.kind !== 'error' || (read.id !== undefined && read.id !== message.id)) throw refused;
    return withAnswerId(read, message.id);
  }

  #answerIn(text: string, message: RequestMessage): Answer {
    const read = readMessageText(text);
    if (
      (read.kind === 'result' || read.kind === 'error') &&
      (read.id === message.id || read.id === undefined)
    )
      return read.kind === 'error' ? withAnswerId(read, message.id) : read;
    if (read.kind === 'refused')
      throw speechError(this.#options.server, `answers with what is ${read.reason}`);
    throw speechError(this.#options.server, 'answers something else than it was asked');
  }

  async #readStream(
    message: RequestMessage,
    response: Response,
    { signal }: RequestOptions,
  ): Promise<Answer> {
    const { server } = this.#options;
    const place: StreamPlace = { retryMs: 1_000 };
    let answer: Answer | undefined;
    const isAnswer = (found: Answer): boolean => {
      if (found.id !== message.id) return false;
      answer = found;
      return true;
    };
    let stream = response;
    for (let resumptions = 0; ; resumptions++) {
      const broken = await this.#readPart(stream, place, isAnswer, message).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (answer !== undefined) return answer;
      // Only a stream that says where it is can be gone on with, and only while there is a session.
      if (signal?.aborted === true || place.lastId === undefined || resumptions >= maxResumptions)
        throw broken ?? brokenError(server);
      await sleep(Math.min(place.retryMs, maxRetryMs), { signal });
      signal?.throwIfAborted();
      const opened = await this.#openStream(place, signal);
      if (opened === undefined) throw broken ?? brokenError(server);
      stream = opened;
    }
  }

  /** Reads a stream until it ends or has brought what `isEnough` waits for. */
  #readPart(
    stream: Response,
    place: StreamPlace,
    isEnough: (answer: Answer) => boolean,
    within: RequestMessage | undefined,
  ): Promise<void> {
    const { onMessage, logger, server } = this.#options;
    const stray = strayEvents(this.#options);
    return readEvents(
      stream,
      this.#options,
      (event) => {
        if (event.id !== undefined) place.lastId = event.id;
        if (event.event !== 'message' || event.data === '') return false;
        const read = readMessageText(event.data);
        if (read.kind === 'refused') {
          stray.strayed(read.reason);
          return false;
        }
        stray.spoke();
        if (read.kind === 'request' || read.kind === 'notification')
          return onMessage(read, within)?.then(() => false) ?? false;
        if (isEnough(read)) return true;
        logger.debug('an answer that nobody waits for was dropped', { server });
        return false;
      },
      (retryMs) => (place.retryMs = retryMs),
    );
  }

  /** Goes on with a stream where it broke, or opens the server's own. `undefined` when it has none. */
  async #openStream({ lastId }: StreamPlace, signal: AbortSignal | undefined): Promise<Response | undefined> {
    const { server, url } = this.#options;
    const response = await this.#send(url, {
      method: 'GET',
      headers: {
        ...this.#headers(),
        accept: 'text/event-stream',
        ...(lastId !== undefined && /^[\t\x20-\x7e]*$/u.test(lastId) && { 'last-event-id': lastId }),
      },
      signal,
    });
    if (response.ok && isEventStream(response)) return response;
    drop(response);
    if (response.ok || (response.status >= 400 && response.status < 500)) return undefined;
    throw httpStatusError(server, response.status);
  }
}

/** Where a stream is, and when it may be asked for again. */
interface StreamPlace {
  lastId?: string;
  retryMs: number;
}

function nameOf(error: unknown): string {
  return error instanceof Error && /^\w{1,60}$/u.test(error.name) ? error.name : typeof error;
}

import {
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type Transport,
  type TransportSendOptions,
} from '@modelcontextprotocol/client';
import { sleep } from '../../core/clock.ts';
import { followRedirects } from '../../http/follow-redirects.ts';
import { plainHeaders } from '../../http/plain-headers.ts';
import { readChunks } from '../../http/read-chunks.ts';
import { mayComeTwice, type RepeatableInit } from '../../http/repeatable.ts';
import { EventStreamParser, type StreamEvent } from '../../wire/event-stream.ts';
import { isMessageId, isObject } from '../../wire/message.ts';
import { requestHeaders, versionIn } from '../../wire/request-headers.ts';
import { Exchange } from './exchange.ts';

/** How often a stream that broke is asked for again before it counts as gone. */
const maxReopenings = 2;
const firstDelayMs = 1_000;
const maxDelayMs = 30_000;

/** What does no more when it comes twice; of `initialize`, a session too many is forgotten by its server. */
const readings: ReadonlySet<string> = new Set([
  'server/discover',
  'initialize',
  'ping',
  'tools/list',
  'prompts/list',
  'prompts/get',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** What the state of the connection, or the message itself, decides: no single request can say otherwise. */
const reserved: ReadonlySet<string> = new Set([
  'authorization',
  'dpop',
  'content-type',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'mcp-session-id',
]);

/**
 * MCP over HTTP in both eras, for the SDK's client: what the SDK's own transport does, without the streams of the web, the
 * copies of headers and the second look at each message that it costs. Credentials are the matter of its `fetch`.
 *
 * @see MCP 2025-11-25, basic/transports; 2026-07-28, basic/transports/streamable-http
 */
export class StreamableHttpTransport implements Transport {
  /** A request of the modern era is cancelled by closing what it is answered on. */
  readonly hasPerRequestStream = true;
  onclose?: Transport['onclose'];
  onerror?: Transport['onerror'];
  onmessage?: Transport['onmessage'];
  readonly #url: URL;
  readonly #fetch: typeof globalThis.fetch;
  readonly #pace: (delayMs: number) => number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #accept: string;
  readonly #exchanges = new Set<Exchange>();
  #sessionId: string | undefined;
  #protocolVersion: string | undefined;
  /** How long the server wants to be left alone before a stream is asked for again. */
  #retryMs: number | undefined;

  constructor(
    url: URL,
    options: {
      fetch: typeof globalThis.fetch;
      headers?: Readonly<Record<string, string>> | undefined;
      /** How long is really waited before a stream is asked for again, of how long the server asks for. */
      pace: (delayMs: number) => number;
    },
  ) {
    const { accept, ...headers } = plainHeaders(options.headers);
    this.#url = url;
    this.#fetch = options.fetch;
    this.#pace = options.pace;
    this.#headers = headers;
    this.#accept = accept === undefined ? '' : `${accept}, `;
  }

  get sessionId(): string | undefined {
    return this.#sessionId;
  }

  setProtocolVersion(version: string): void {
    this.#protocolVersion = version;
  }

  async start(): Promise<void> {}

  async close(): Promise<void> {
    for (const exchange of this.#exchanges) exchange.giveUp();
    this.onclose?.();
  }

  /**
   * Sends a message. Of a request that is answered by a stream of events, nothing of that is waited for.
   *
   * @throws {SdkHttpError} when the server refuses it, with what it says.
   * @throws {SdkError} when it answers with what is no message.
   * @throws what its `fetch` throws.
   */
  async send(message: JSONRPCMessage, options: TransportSendOptions = {}): Promise<void> {
    const exchange = new Exchange(this.#exchanges, options);
    try {
      if (options.resumptionToken !== undefined) {
        exchange.resume(options.resumptionToken, isRequest(message) ? message.id : undefined);
        void this.#follow(exchange, undefined);
      } else if (!(await this.#post(message, options, exchange))) exchange.end();
    } catch (error) {
      // Nobody reads what is left of it, and a connection that a person was waited for on is hardly one to go on with.
      exchange.giveUp(error);
      exchange.end();
      if (options.requestSignal?.aborted !== true) this.onerror?.(error as Error);
      throw error;
    }
  }

  /** Ends the session at the server, which may not let itself be told. @throws {SdkHttpError} when it refuses. */
  async terminateSession(): Promise<void> {
    if (this.#sessionId === undefined) return;
    const exchange = new Exchange(this.#exchanges);
    try {
      const response = await this.#request('DELETE', this.#common(), exchange.signal);
      await spend(response);
      if (!response.ok && response.status !== 405)
        throw refusal(SdkErrorCode.ClientHttpFailedToTerminateSession, response);
      this.#sessionId = undefined;
    } finally {
      exchange.end();
    }
  }

  /** Sends a message, and delivers what is answered. Resolves to whether there is more to come. */
  async #post(message: JSONRPCMessage, options: TransportSendOptions, exchange: Exchange): Promise<boolean> {
    const headers = this.#headersOf(message, options.headers);
    const response = await this.#request('POST', headers, exchange.signal, {
      body: JSON.stringify(message),
      [mayComeTwice]: isRequest(message) && readings.has(message.method),
    });
    if (response.ok && isInitialize(message))
      this.#sessionId = response.headers.get('mcp-session-id') ?? undefined;
    if (!response.ok) {
      await this.#refused(message, response);
      return false;
    }
    if (response.status === 202 || !isRequest(message)) {
      await spend(response);
      if (response.status === 202 && 'method' in message && message.method === 'notifications/initialized')
        this.#listen();
      return false;
    }
    const contentType = response.headers.get('content-type') ?? '';
    switch (contentType.split(';', 1)[0]?.trim().toLowerCase()) {
      case 'text/event-stream':
        void this.#follow(exchange, response);
        return true;
      case 'application/json': {
        const data: unknown = JSON.parse(await response.text());
        for (const one of (Array.isArray(data) ? data : [data]).map(asMessage)) this.onmessage?.(one);
        return false;
      }
      default:
        await spend(response);
        throw new SdkError(
          SdkErrorCode.ClientHttpUnexpectedContent,
          `the server answered with what is neither JSON nor events: ${JSON.stringify(contentType)}`,
          { contentType },
        );
    }
  }

  /** Of the modern era, a refusal that carries the answer is that answer. @throws {SdkHttpError} otherwise. */
  async #refused(message: JSONRPCMessage, response: Response): Promise<void> {
    const text = await response.text().catch(() => undefined);
    if (response.status === 400 && text !== undefined && isRequest(message) && versionIn(message.params)) {
      const answer = errorIn(text);
      if (answer?.id === message.id) return this.onmessage?.(answer);
    }
    throw refusal(SdkErrorCode.ClientHttpNotImplemented, response, text);
  }

  /** What the server says by itself, where it has anything to say. */
  #listen(): void {
    const exchange = new Exchange(this.#exchanges);
    void this.#follow(exchange, undefined);
  }

  /**
   * Reads a stream, and goes on with it where it broke, as far as it can be gone on with. Never rejects.
   *
   * @param response left out, it is asked for first.
   */
  async #follow(exchange: Exchange, response: Response | undefined): Promise<void> {
    let stream = response;
    for (let failures = 0; ; stream = undefined) {
      try {
        if (stream === undefined) {
          failures++;
          stream = await this.#open(exchange);
          if (stream === undefined) break;
        }
        failures = 0;
        await this.#read(stream, exchange);
      } catch (error) {
        if (exchange.isGivenUp) return exchange.end();
        this.onerror?.(error as Error);
      }
      if (exchange.isGivenUp) return exchange.end();
      if (!exchange.canGoOn || failures >= maxReopenings) break;
      const delayMs = this.#retryMs ?? Math.min(firstDelayMs * 1.5 ** failures, maxDelayMs);
      await sleep(this.#pace(delayMs), { signal: exchange.signal });
      if (exchange.isGivenUp) return exchange.end();
    }
    exchange.streamEnded();
  }

  /** `undefined` when the server has no such stream. */
  async #open(exchange: Exchange): Promise<Response | undefined> {
    const headers = this.#common();
    headers['accept'] = `${this.#accept}text/event-stream`;
    const { lastId } = exchange;
    if (lastId !== undefined && /^[\t\x20-\x7e]*$/u.test(lastId)) headers['last-event-id'] = lastId;
    const response = await this.#request('GET', headers, exchange.signal);
    if (response.ok) {
      exchange.opened();
      return response;
    }
    await spend(response);
    if (response.status === 405) return undefined;
    throw refusal(SdkErrorCode.ClientHttpFailedToOpenStream, response);
  }

  async #read(stream: Response, exchange: Exchange): Promise<void> {
    const decoder = new TextDecoder();
    const parser = new EventStreamParser({
      // How much may come is the network's to say.
      maxLength: Number.POSITIVE_INFINITY,
      onEvent: (event) => this.#take(event, exchange),
      onRetry: (delayMs) => (this.#retryMs = delayMs),
    });
    await readChunks(stream, (chunk) => parser.push(decoder.decode(chunk, { stream: true })));
  }

  #take({ id, event, data }: StreamEvent, exchange: Exchange): void {
    if (id !== undefined && id !== '') exchange.reached(id);
    if (data === '' || event !== 'message') return;
    try {
      const message = asMessage(JSON.parse(data));
      exchange.spoke();
      this.onmessage?.('method' in message ? message : exchange.answered(message));
    } catch (error) {
      if (!exchange.strayed()) throw error;
      this.onerror?.(error as Error);
    }
  }

  #headersOf(message: JSONRPCMessage, own: TransportSendOptions['headers']): Record<string, string> {
    const headers = this.#common();
    headers['content-type'] = 'application/json';
    headers['accept'] = `${this.#accept}application/json, text/event-stream`;
    if (isInitialize(message)) delete headers['mcp-session-id'];
    if (own !== undefined) {
      for (const [name, value] of Object.entries(plainHeaders(own)))
        if (!reserved.has(name)) headers[name] = value;
    }
    if (isRequest(message) && versionIn(message.params) !== undefined)
      Object.assign(headers, requestHeaders(message));
    return headers;
  }

  #common(): Record<string, string> {
    const headers: Record<string, string> = { ...this.#headers };
    if (this.#sessionId !== undefined) headers['mcp-session-id'] = this.#sessionId;
    if (this.#protocolVersion !== undefined) headers['mcp-protocol-version'] = this.#protocolVersion;
    return headers;
  }

  #request(
    method: string,
    headers: Record<string, string>,
    signal: AbortSignal,
    more?: RepeatableInit,
  ): Promise<Response> {
    // What is not a network of ours would follow a redirect anywhere.
    const init: RepeatableInit = { method, headers, signal, redirect: 'manual', ...more };
    return followRedirects({ url: this.#url, method, redirect: 'follow' }, (url) => this.#fetch(url, init));
  }
}

function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return 'method' in message && 'id' in message;
}

function isInitialize(message: JSONRPCMessage): boolean {
  return 'method' in message && message.method === 'initialize';
}

/** @throws {SdkError} when it is no message. */
function asMessage(value: unknown): JSONRPCMessage {
  if (isMessage(value)) return value;
  throw new SdkError(
    SdkErrorCode.ClientHttpUnexpectedContent,
    'the server answered with what is no message of JSON-RPC',
  );
}

/** By what it looks like, since to be looked at in vain costs a message more than all else. */
function isMessage(value: unknown): value is JSONRPCMessage {
  if (!isObject(value)) return false;
  if ('method' in value) return 'id' in value ? isJSONRPCRequest(value) : isJSONRPCNotification(value);
  if ('error' in value) return isJSONRPCErrorResponse(value);
  return isPlainResult(value) || isJSONRPCResultResponse(value);
}

/** Whether there is nothing in it that a schema could refuse. The SDK's client looks at every result with its own. */
function isPlainResult(value: Readonly<Record<string, unknown>>): boolean {
  const { jsonrpc, id, result } = value;
  return (
    jsonrpc === '2.0' &&
    isMessageId(id) &&
    isObject(result) &&
    result['_meta'] === undefined &&
    Object.keys(value).length === 3
  );
}

function errorIn(text: string): Extract<JSONRPCMessage, { error: unknown }> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJSONRPCErrorResponse(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Reads what nobody wants, so that its connection is there for the next request rather than one more beside it. */
async function spend(response: Response): Promise<void> {
  await response.text().catch(() => {});
}

function refusal(code: SdkErrorCode, { status, statusText }: Response, text?: string): SdkHttpError {
  return new SdkHttpError(code, `the server answered HTTP ${status}`, { status, statusText, text });
}

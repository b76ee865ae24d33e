import { authorizedFetch } from '../../client/auth/authorized-fetch.ts';
import { isPosternError } from '../../core/postern-error.ts';
import { EventStreamParser, type StreamEvent } from '../../wire/event-stream.ts';
import { CookieJar } from './cookie-jar.ts';
import { brokenError, speechError } from './remote-errors.ts';
import type { RemoteOptions } from './remote-options.ts';

/** How much of a stream, and for how long, is read behind what it was read for. */
const readOnMs = 250;
const maxLeft = 65_536;

/** A request to a server, with what its strategy sends. */
export type SendHttp = (
  url: URL,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal | undefined },
) => Promise<Response>;

export function createSendHttp(options: RemoteOptions): SendHttp {
  const { fetch, server, strategy } = options;
  const cookies = new CookieJar();
  const setsCookie = Object.keys(options.headers).some((name) => name.toLowerCase() === 'cookie');
  const send = authorizedFetch(strategy, {
    server,
    fetch,
    onAnswer: ({ headers }) => cookies.take(headers),
  });
  return (url, { method, headers, body, signal }) =>
    send(url, {
      method,
      headers: {
        ...options.headers,
        ...(cookies.header !== undefined && !setsCookie && { cookie: cookies.header }),
        ...headers,
      },
      ...(body !== undefined && { body }),
      ...(signal && { signal }),
    });
}

/** Whether an answer is a stream of events. */
export function isEventStream({ headers }: Response): boolean {
  return (headers.get('content-type') ?? '').startsWith('text/event-stream');
}

/** Lets go of an answer that nobody reads. */
export function drop({ body }: Response): void {
  void body?.cancel().catch(() => {});
}

/** All of an answer as text. @throws {PosternError} when it is longer than allowed, no UTF-8, or breaks off. */
export async function readText(
  response: Response,
  { server }: Pick<RemoteOptions, 'server'>,
): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await response.bytes();
  } catch (cause) {
    throw brokenError(server, cause);
  }
  try {
    return utf8.decode(bytes);
  } catch {
    throw speechError(server, 'answers with what is no UTF-8');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the events of an answer until it ends, or `onEvent` says that it has enough. Nothing more is read while a promise of
 * `onEvent` is waited for.
 *
 * @throws {PosternError} when the stream breaks, or an event is longer than allowed.
 */
export async function readEvents(
  { body }: Response,
  options: Pick<RemoteOptions, 'server' | 'maxBytes'>,
  onEvent: (event: StreamEvent) => Promise<boolean | void> | boolean | void,
  onRetry?: (delayMs: number) => void,
): Promise<void> {
  const { server, maxBytes } = options;
  let events: StreamEvent[] = [];
  const parser = new EventStreamParser({
    maxLength: maxBytes,
    onRetry,
    onEvent: (event) => events.push(event),
  });
  const decoder = new TextDecoder();
  const take = async (): Promise<boolean> => {
    const taken = events;
    events = [];
    for (const event of taken) {
      const enough = onEvent(event);
      if ((enough instanceof Promise ? await enough : enough) === true) return true;
    }
    return false;
  };
  const reader = body?.getReader();
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true };
      if (done || value === undefined) return;
      parser.push(decoder.decode(value, { stream: true }));
      if (events.length > 0 && (await take())) return void (reader && readOn(reader));
    }
  } catch (cause) {
    void reader?.cancel().catch(() => {});
    if (isPosternError(cause, 'ERR_POSTERN_CLIENT_CONNECTION_FAILED')) throw cause;
    if (cause instanceof RangeError)
      throw speechError(server, `sends an event of more than ${maxBytes} bytes`);
    throw brokenError(server, cause);
  }
}

/** Reads what is left of a stream, which most servers end at once: its connection can be used again then. But not for ever. */
async function readOn(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const leave = (): void => void reader.cancel().catch(() => {});
  const timer = setTimeout(leave, readOnMs);
  timer.unref();
  let left = maxLeft;
  try {
    for (let next = await reader.read(); !next.done && left > 0; next = await reader.read()) {
      left -= next.value.byteLength;
    }
    if (left <= 0) leave();
  } catch {
    // It has brought what it was read for.
  } finally {
    clearTimeout(timer);
  }
}

import type { IncomingMessage } from 'node:http';
import { authorizedFetch } from '../../client/auth/authorized-fetch.ts';
import { EventStreamParser, type StreamEvent } from '../../wire/event-stream.ts';
import { CookieJar } from './cookie-jar.ts';
import { brokenError, speechError } from './remote-errors.ts';
import type { RemoteOptions } from './remote-options.ts';

/** How often a server may send a request to another of its own addresses. */
const maxRedirects = 3;

/** A request to a server, with what its strategy sends. Redirects are followed within the server's origin alone. */
export type SendHttp = (
  url: URL,
  init: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal | undefined },
) => Promise<Response>;

export function createSendHttp(options: RemoteOptions): SendHttp {
  const { http, server, strategy } = options;
  const cookies = new CookieJar();
  const setsCookie = Object.keys(options.headers).some((name) => name.toLowerCase() === 'cookie');
  const send = authorizedFetch(strategy, {
    server,
    fetch: async (input, init) => {
      const response = await http.fetch(input, init);
      cookies.take(response.headers);
      // What a refusal says stands in its headers.
      if (response.status === 401 || response.status === 403) http.bodyOf(response).destroy();
      return response;
    },
  });
  return async (url, init) => {
    let target = url;
    for (let redirects = 0; ; redirects++) {
      const { method, body, signal } = init;
      const response = await send(target, {
        method,
        headers: {
          ...options.headers,
          ...(cookies.header !== undefined && !setsCookie && { cookie: cookies.header }),
          ...init.headers,
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      const location =
        response.status === 307 || response.status === 308 ? response.headers.get('location') : null;
      if (location === null) return response;
      http.bodyOf(response).resume();
      const next = URL.canParse(location, target) ? new URL(location, target) : undefined;
      // Whatever is sent there would be sent with headers that are meant for this server.
      if (next?.origin !== url.origin || redirects >= maxRedirects)
        throw speechError(server, 'sends requests on to another address; configure that one');
      target = next;
    }
  };
}

/** All of a body as text. @throws {PosternError} when it is longer than allowed, no UTF-8, or breaks off. */
export async function readText(
  body: IncomingMessage,
  options: Pick<RemoteOptions, 'server' | 'maxBytes'>,
): Promise<string> {
  const { server, maxBytes } = options;
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.byteLength;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw brokenError(server, cause);
  }
  if (size > maxBytes) throw speechError(server, `answers with more than ${maxBytes} bytes`);
  try {
    return utf8.decode(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
  } catch {
    throw speechError(server, 'answers with what is no UTF-8');
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads the events of a body until it ends, or `onEvent` says that it has enough. Nothing more is read while a promise of
 * `onEvent` is waited for.
 *
 * @throws {PosternError} when the stream breaks, or an event is longer than allowed.
 */
export async function readEvents(
  body: IncomingMessage,
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
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      parser.push(decoder.decode(chunk, { stream: true }));
      if (events.length > 0 && (await take())) return;
    }
  } catch (cause) {
    if (cause instanceof RangeError)
      throw speechError(server, `sends an event of more than ${maxBytes} bytes`);
    throw brokenError(server, cause);
  }
}

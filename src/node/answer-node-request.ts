import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { alreadyRead } from './already-read.ts';

export type FetchHandler = (request: Request) => Promise<Response> | Response;

export interface AnswerOptions {
  /** Of every request, whatever it says of itself. */
  readonly origin: string;
  readonly maxBodyBytes: number;
  /** Is told why a request was answered with an empty 500. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

/**
 * Answers a request of `node:http` with a fetch handler. Resolves when the answer was sent or its connection is gone, and
 * never rejects: what a handler throws is an empty 500.
 */
export async function answerNodeRequest(
  message: IncomingMessage,
  reply: ServerResponse,
  handler: FetchHandler,
  options: AnswerOptions,
): Promise<void> {
  const closed = new Promise<void>((resolve) => reply.once('close', resolve));
  try {
    const request = await readRequest(message, options);
    const answer = typeof request === 'number' ? request : await handler(request);
    leaveIfClosing(message, reply);
    if (typeof answer === 'number') reply.writeHead(answer).end();
    else await send(answer, reply);
  } catch (error) {
    options.onFailure?.(error);
    leaveIfClosing(message, reply);
    if (reply.headersSent) reply.destroy();
    else reply.writeHead(500).end();
  }
  // What nobody has read would keep the connection from its next request.
  message.resume();
  await closed;
  // One whose headers had gone out before.
  setImmediate(() => closingServerOf(message)?.closeIdleConnections());
}

/** The server of a request that lets no new connections in any more; Node goes on to answer on those that it has. */
function closingServerOf({ socket, httpVersionMajor }: IncomingMessage): Server | undefined {
  // Node has it there, and its types as they are today do not say what it is.
  const server = Reflect.get(socket, 'server') as Server | null | undefined;
  return httpVersionMajor === 1 && server?.listening === false ? server : undefined;
}

/** Ends the connection with this answer where its server is closing: whoever comes again is to find another process. */
function leaveIfClosing(message: IncomingMessage, reply: ServerResponse): void {
  if (closingServerOf(message) !== undefined && !reply.headersSent) reply.setHeader('connection', 'close');
}

/** The request, or the status it is refused with. */
async function readRequest(
  message: IncomingMessage & { readonly originalUrl?: string },
  { origin, maxBodyBytes }: AnswerOptions,
): Promise<Request | number> {
  // Express takes the path it is mounted at off `url`, and keeps the whole in `originalUrl`.
  const url = urlOf(message.originalUrl ?? message.url ?? '', origin);
  const hosts = message.rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === 'host');
  if (url === undefined || hosts.length > 1) return 400;
  const { method = 'GET' } = message;
  let init: RequestInit = { method };
  if (method !== 'GET' && method !== 'HEAD') {
    if (message.readableDidRead) throw alreadyRead();
    const body = await readBody(message, maxBodyBytes);
    if (body === undefined) return 413;
    init = { method, body };
  }
  try {
    return new Request(url, { ...init, headers: headersOf(message, url.host) });
  } catch {
    // A method or a header that a fetch handler cannot be given.
    return 400;
  }
}

/** The address that a target names on our own origin. */
function urlOf(target: string, origin: string): URL | undefined {
  const absolute = target.startsWith('/') ? undefined : URL.parse(target);
  if (absolute === null || absolute?.protocol.startsWith('http') === false) return undefined;
  // Put together as text: taken as a reference, `//evil.example` would be another origin.
  const url = URL.parse(`${origin}${absolute === undefined ? target : absolute.pathname + absolute.search}`);
  return url?.origin === origin ? url : undefined;
}

function headersOf(message: IncomingMessage, host: string): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    // HTTP/2 has headers of its own, which begin with a colon.
    if (typeof value === 'string' && !name.startsWith(':')) headers.set(name, value);
  }
  headers.set('host', host);
  return headers;
}

/** The whole body; `undefined` when it is too large, of which no more is kept than that. */
async function readBody(
  message: IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size <= maxBytes) chunks.push(chunk);
  }
  if (size > maxBytes) return undefined;
  const body = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.byteLength;
  }
  return body;
}

async function send({ status, headers, body }: Response, reply: ServerResponse): Promise<void> {
  // In pairs, so that each cookie has a header of its own: joined by commas they would be one that no browser reads.
  reply.writeHead(status, [...headers].flat());
  for await (const chunk of body ?? []) {
    if (reply.destroyed) return;
    if (!reply.write(chunk)) await untilDrained(reply);
  }
  reply.end();
}

function untilDrained(reply: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      reply.off('drain', done).off('close', done);
      resolve();
    };
    reply.on('drain', done).on('close', done);
  });
}

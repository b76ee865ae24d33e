import type { IncomingMessage, ServerResponse } from 'node:http';

/** What one request is answered with. Every kind can be held back first by `delayMs`. */
export type Reply = { readonly delayMs?: number } & (
  | {
      readonly status?: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** Text is sent as it is, anything else as JSON. */
      readonly body?: unknown;
    }
  /** Headers, then no body, ever. */
  | { readonly hang: 'headers' | 'body' }
  /** That many bytes of JSON-looking text. */
  | { readonly floodBytes: number }
  /** One byte at a time, forever. */
  | { readonly dripEveryMs: number }
  /** The connection is cut, before anything or in the middle of the body. */
  | { readonly cut: 'now' | 'midway' }
);

/** Sends a reply. Resolves once nothing more will be written. */
export async function sendReply(reply: Reply, response: ServerResponse): Promise<void> {
  if (reply.delayMs !== undefined) await pause(reply.delayMs, response);
  if (response.destroyed) return;
  if ('hang' in reply) {
    if (reply.hang === 'body') response.writeHead(200, json).write('{');
    return;
  }
  if ('cut' in reply) {
    if (reply.cut === 'midway') response.writeHead(200, { ...json, 'content-length': '1000' }).write('{"a":');
    setImmediate(() => response.destroy());
    return;
  }
  if ('floodBytes' in reply) return flood(reply.floodBytes, response);
  if ('dripEveryMs' in reply) return drip(reply.dripEveryMs, response);
  const { status = 200, headers = {}, body } = reply;
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? null);
  response.writeHead(status, {
    ...(body !== undefined && { ...json, 'content-length': Buffer.byteLength(text) }),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body === undefined ? undefined : text);
}

/** A reply that is no fault of the wire, as `fetch` would give it. @throws {TypeError} for any other. */
export function responseOf(reply: Reply): Response {
  if ('hang' in reply || 'cut' in reply || 'floodBytes' in reply || 'dripEveryMs' in reply)
    throw new TypeError('only a server can fail like this');
  const { status = 200, headers = {}, body } = reply;
  const init = { status, headers: { ...(body !== undefined && json), ...headers } };
  if (body === undefined) return new Response(null, init);
  return new Response(typeof body === 'string' ? body : JSON.stringify(body), init);
}

const json = { 'content-type': 'application/json' };

async function flood(bytes: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, json);
  const chunk = ' '.repeat(65_536);
  for (let sent = 0; sent < bytes && !response.destroyed; sent += chunk.length) {
    if (!response.write(chunk)) await drained(response);
  }
  response.end('{}');
}

async function drip(everyMs: number, response: ServerResponse): Promise<void> {
  response.writeHead(200, json);
  while (!response.destroyed) {
    response.write(' ');
    await pause(everyMs, response);
  }
}

function drained(response: ServerResponse): Promise<void> {
  return untilClosed(response, (done) => {
    response.once('drain', done);
    return () => response.off('drain', done);
  });
}

function pause(ms: number, response: ServerResponse): Promise<void> {
  return untilClosed(response, (done) => {
    const timer = setTimeout(done, ms);
    return () => clearTimeout(timer);
  });
}

/** Waits for what `arm` waits for, or for the peer to hang up, and leaves no listener behind. */
function untilClosed(response: ServerResponse, arm: (done: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      disarm();
      response.off('close', done);
      resolve();
    };
    const disarm = arm(done);
    response.once('close', done);
  });
}

/** The whole body of a request as text. */
export async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

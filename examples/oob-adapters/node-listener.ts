import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export type FetchHandler = (request: Request) => Promise<Response> | Response;

/**
 * A fetch handler as a listener of `node:http`, and so of Express and of Fastify’s raw requests.
 *
 * `origin` is where people reach the server. It is not taken from the request: a header can say anything.
 */
export function toNodeListener(
  handler: FetchHandler,
  { origin }: { readonly origin: string },
): (message: IncomingMessage, reply: ServerResponse) => void {
  return (message, reply) => {
    void (async () => {
      try {
        await send(await handler(requestOf(message, origin)), reply);
      } catch {
        if (!reply.headersSent) reply.writeHead(500);
        reply.end();
      }
    })();
  };
}

function requestOf(message: IncomingMessage & { originalUrl?: string }, origin: string): Request {
  const headers = new Headers();
  for (let index = 0; index < message.rawHeaders.length; index += 2) {
    headers.append(message.rawHeaders[index] ?? '', message.rawHeaders[index + 1] ?? '');
  }
  const { method = 'GET' } = message;
  const hasBody = method !== 'GET' && method !== 'HEAD';
  // Express takes the path it is mounted at off `url`, and keeps the whole in `originalUrl`.
  const url = new URL(message.originalUrl ?? message.url ?? '/', origin);
  const body = hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array>) : null;
  return new Request(url, { method, headers, body, duplex: 'half' } as RequestInit);
}

async function send(response: Response, reply: ServerResponse): Promise<void> {
  const { status, headers } = response;
  // One Set-Cookie header for each cookie: joined by commas they would be one that no browser reads.
  for (const [name, value] of headers) if (name !== 'set-cookie') reply.setHeader(name, value);
  reply.setHeader('set-cookie', headers.getSetCookie());
  reply.writeHead(status);
  if (response.body === null) reply.end();
  else await pipeline(Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]), reply);
}

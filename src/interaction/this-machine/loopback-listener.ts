import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';

/** A listener on this machine only, for as long as somebody is expected at it. */
export interface LoopbackListener {
  readonly port: number;
  /** Resolves when no answer is being sent, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const maxHeaderBytes = 32 * 1024;
/** More than any form of ours may have. */
const maxBodyBytes = 128 * 1024;

/** What tells this machine from others on the same store. */
export function machineName(): string {
  return hostname();
}

/**
 * Binds a loopback address and answers with a fetch-style handler.
 *
 * Returns `undefined` when the port is taken: binding it is how processes agree on who serves it.
 *
 * @see RFC 8252 §7.3
 */
export async function openLoopbackListener(options: {
  host: string;
  /** 0: any free port. */
  port: number;
  fetch: (request: Request) => Promise<Response>;
}): Promise<LoopbackListener | undefined> {
  const active = new Set<Promise<void>>();
  const server = createServer({ maxHeaderSize: maxHeaderBytes }, (request, response) => {
    const answering = answer(request, response, options.fetch, portOf(server))
      .catch(() => fail(response))
      .finally(() => active.delete(answering));
    active.add(answering);
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.keepAliveTimeout = 1_000;
  server.maxConnections = 64;
  if (!(await bind(server, options.host, options.port))) return undefined;
  // A program that has nothing else to do may end: its links are answered by others, or after its next start.
  server.unref();
  return {
    port: portOf(server),
    idle: async (timeoutMs) => {
      const deadline = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
      await Promise.race([Promise.allSettled(active), deadline]);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), 1_000).unref();
      }),
  };
}

/** Nobody else would hear of it, and an error that nobody hears of ends the program. */
function fail(response: ServerResponse): void {
  if (!response.headersSent) response.writeHead(500);
  response.end();
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo | null)?.port ?? 0;
}

function bind(server: Server, host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => resolve(true));
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fetch: (request: Request) => Promise<Response>,
  port: number,
): Promise<void> {
  const sent = new Promise<void>((resolve) => response.once('close', resolve));
  const host = request.headers.host ?? '';
  // A page of another site can point its own name at this machine; the Host header gives it away.
  if (![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host)) {
    request.resume();
    response.writeHead(421).end();
    return sent;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value === 'string') headers.set(name, value);
  }
  const target = `http://${host}${request.url?.startsWith('/') === true ? request.url : '/'}`;
  const method = request.method ?? 'GET';
  if (!URL.canParse(target) || method === 'TRACE' || method === 'CONNECT') {
    request.resume();
    response.writeHead(400).end();
    return sent;
  }
  const body = method === 'POST' ? await readBody(request) : undefined;
  request.resume();
  const reply = await fetch(new Request(target, { method, headers, ...(body && { body }) }));
  response.writeHead(reply.status, [...reply.headers].flat());
  response.end(new Uint8Array(await reply.arrayBuffer()));
  return sent;
}

/** As much of a form as may be one; what is too large shows as such to whoever reads it. */
async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

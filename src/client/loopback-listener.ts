import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A listener on this machine only, for as long as somebody is expected at it. */
export interface LoopbackListener {
  readonly port: number;
  /** Resolves when no answer is being sent, or after `timeoutMs`. */
  idle(timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

const maxHeaderBytes = 32 * 1024;

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
  request.resume();
  const host = request.headers.host ?? '';
  // A page of another site can point its own name at this machine; the Host header gives it away.
  if (![`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].includes(host)) {
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
    response.writeHead(400).end();
    return sent;
  }
  const reply = await fetch(new Request(target, { method, headers }));
  response.writeHead(reply.status, [...reply.headers].flat());
  response.end(new Uint8Array(await reply.arrayBuffer()));
  return sent;
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

export type Handler = (request: Request) => Promise<Response> | Response;

/** A port on 127.0.0.1, which is known before there is anything to answer with. */
export interface Listener extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  /** Answers 503 until this was called. */
  serve(handler: Handler): void;
  /** Cuts what is still open. */
  readonly close: () => Promise<void>;
}

/** @param handler Answers from the start, where it need not know the address. */
export async function openListener(
  options: { port?: number | undefined; handler?: Handler } = {},
): Promise<Listener> {
  let handler: Handler = options.handler ?? (() => new Response(null, { status: 503 }));
  const listener = getRequestListener((request) => handler(request));
  const server = createServer((request, response) => void listener(request, response));
  // Whoever is busy for a while must not find the connection closed.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    server,
    serve(given) {
      handler = given;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

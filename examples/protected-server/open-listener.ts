import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';

export type Handler = (request: Request) => Promise<Response> | Response;

/** A port on 127.0.0.1, which is known before there is anything to answer with. */
export interface Listener extends AsyncDisposable {
  readonly origin: string;
  /** Answers 503 until this was called. */
  serve(handler: Handler): void;
}

export async function openListener(port = 0): Promise<Listener> {
  let handler: Handler = () => new Response(null, { status: 503 });
  const listener = toNodeHandler({ fetch: async (request) => handler(request) });
  // A request that a server receives has both, which its type does not say.
  const server = createServer((request, response) => void listener(request as ReceivedRequest, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve(given) {
      handler = given;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type ReceivedRequest = IncomingMessage & { method: string; url: string };

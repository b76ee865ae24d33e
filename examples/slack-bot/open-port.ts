import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A port of this machine, which is known before there is anything to answer with. */
export interface OpenPort extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** Answers 503 until this was called. */
  serve(listener: RequestListener): void;
}

export async function openPort(port: number): Promise<OpenPort> {
  let listener: RequestListener = (_request, response) => void response.writeHead(503).end();
  const server = createServer((request, response) => listener(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${bound}`,
    port: bound,
    serve(given) {
      listener = given;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

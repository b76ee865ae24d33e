import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { NetworkOptions, Network } from '../../src/http/network-options.ts';
import type { Resolve } from '../../src/http/node/addresses.ts';
import { openNodeNetwork } from '../../src/http/node/node-network.ts';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

export interface TestServer {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  /** How many connections there are. */
  readonly sockets: () => number;
  /** How many requests have come. */
  readonly requests: () => number;
}

/** A server of plain Node, which says exactly what the test has it say. */
export async function openServer(answer: Answering, host = '127.0.0.1'): Promise<TestServer> {
  let sockets = 0;
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    response.on('error', () => {});
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets++;
    socket.on('error', () => {});
    socket.once('close', () => sockets--);
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://${host}:${port}`, port, server, sockets: () => sockets, requests: () => requests };
}

/** A network that is closed with its test. */
export function openTestNetwork(
  options: NetworkOptions = {},
  resolve?: Resolve,
): Pick<Network, 'fetch' | 'close'> {
  const network = openNodeNetwork({ proxy: 'none', ...options }, resolve);
  onTestFinished(() => network.close());
  return network;
}

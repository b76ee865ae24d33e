import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { forward } from './plain-request.ts';

/** One address before several host processes: what a load balancer is for a real deployment. */
export interface FrontDoor {
  readonly url: string;
  close(): Promise<void>;
}

/** Sends every request to one of the processes that are alive; `ports` is asked anew each time. */
export async function openFrontDoor(ports: () => readonly number[]): Promise<FrontDoor> {
  const answerAnywhere = async (request: Request): Promise<Response> => {
    for (const port of ports()) {
      try {
        return await forward(request, port);
      } catch {
        // That process has just died; the next one has the same store.
      }
    }
    return new Response('No process of the host is alive.', { status: 503 });
  };
  const answer = getRequestListener(answerAnywhere);
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

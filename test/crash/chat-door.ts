import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { forward } from '../../demo/plain-request.ts';

/** The one address of several host processes, and the chat's own sign-in. */
export interface ChatDoor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A load balancer that repeats nothing: a request whose process dies is answered with 502, and the person reloads.
 *
 * `/enter/<user>` signs a browser in to the chat. `route` is asked for each request where it goes.
 */
export async function openChatDoor(
  route: (pathname: string) => Promise<number | undefined>,
): Promise<ChatDoor> {
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const entering = /^\/enter\/(?<user>\w+)$/u.exec(pathname)?.groups?.['user'];
    if (entering !== undefined) {
      return new Response('Welcome', {
        headers: { 'set-cookie': `chat-user=${entering}; Path=/; HttpOnly; SameSite=Lax` },
      });
    }
    const port = await route(pathname);
    if (port === undefined) return new Response('Nobody is there', { status: 502 });
    try {
      return await forward(request, port);
    } catch {
      return new Response('That process has died', { status: 502 });
    }
  };
  const listener = getRequestListener(answer);
  const server = createServer((request, response) => void listener(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

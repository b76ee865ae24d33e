import { forward } from '../../demo/forward.ts';
import { openListener, type Listener } from '../../demo/open-listener.ts';

/**
 * The one address of several host processes, and the chat's own sign-in.
 *
 * A load balancer that repeats nothing: a request whose process dies is answered with 502, and the person reloads.
 * `/enter/<user>` signs a browser in to the chat. `route` is asked for each request where it goes.
 */
export function openChatDoor(route: (pathname: string) => Promise<number | undefined>): Promise<Listener> {
  return openListener({
    handler: async (request) => {
      const { pathname } = new URL(request.url);
      const entering = /^\/enter\/(?<user>\w+)$/u.exec(pathname)?.groups?.['user'];
      if (entering !== undefined) {
        return new Response('Welcome', {
          headers: { 'set-cookie': `chat-user=${entering}; Path=/; HttpOnly; SameSite=Lax` },
        });
      }
      const port = await route(pathname);
      if (port === undefined) return new Response('Nobody is there', { status: 502 });
      return forward(request, port).catch(() => new Response('That process has died', { status: 502 }));
    },
  });
}

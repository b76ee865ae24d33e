import { forward } from './forward.ts';
import { openListener, type Listener } from './open-listener.ts';

/**
 * One address before several host processes: what a load balancer is for a real deployment.
 *
 * Sends every request to one of the processes that are alive; `ports` is asked anew each time.
 */
export function openFrontDoor(ports: () => readonly number[]): Promise<Listener> {
  return openListener({
    handler: async (request) => {
      for (const port of ports()) {
        try {
          return await forward(request, port);
        } catch {
          // That process has just died; the next one has the same store.
        }
      }
      return new Response('No process of the host is alive.', { status: 503 });
    },
  });
}

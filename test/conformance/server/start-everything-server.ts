import { createMcpEndpoint, firstOf } from '../../../demo/mcp-endpoint.ts';
import { openListener } from '../../../demo/open-listener.ts';
import { fixedNamespace } from '../../../src/namespace/index.ts';
import { Oob, skipUserVerification } from '../../../src/oob/index.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import type { Changes } from './change-tools.ts';
import { EventLog } from './event-log.ts';
import { createEverythingServer } from './everything-server.ts';
import { createKeyFlow } from './secret-tool.ts';

export interface EverythingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the server under test on 127.0.0.1: 2026-07-28 request by request, and 2025-11-25 in sessions. */
export async function startEverythingServer(): Promise<EverythingServer> {
  const listener = await openListener();
  const { origin } = listener;
  const url = `${origin}/mcp`;

  // The suite signs nobody in, so all its requests are one person's, and whoever has a link is that person.
  const oob = new Oob({
    storage: new MemoryBackend(),
    namespaces: fixedNamespace('conformance'),
    publicUrl: `${origin}/oob`,
    [skipUserVerification]: true,
  });
  const changes: Changes = {
    tool: false,
    prompt: false,
    announce: (what, server) => {
      if (what === 'tools') {
        endpoint.notify.toolsChanged();
        server.sendToolListChanged();
      } else {
        endpoint.notify.promptsChanged();
        server.sendPromptListChanged();
      }
    },
  };
  const shared = { oob, keyFlow: createKeyFlow(oob), changes };
  const endpoint = createMcpEndpoint({
    url,
    createServer: (context) => createEverythingServer(context, shared),
    // Streams of a session can be taken up again.
    sessionOptions: () => ({ eventStore: new EventLog(), retryInterval: 200 }),
  });
  const pages = async (request: Request): Promise<Response | undefined> =>
    new URL(request.url).pathname.startsWith('/oob/') ? oob.fetch(request) : undefined;
  listener.serve(firstOf(endpoint.fetch, pages));
  return {
    url,
    async close() {
      await Promise.all([endpoint.close(), oob.close()]);
      await listener.close();
    },
  };
}

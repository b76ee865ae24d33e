import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  isLegacyRequest,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  originValidationResponse,
} from '@modelcontextprotocol/server';
import { fixedNamespace } from '../../../src/namespace/index.ts';
import { createOob, skipUserVerification } from '../../../src/oob/index.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import type { Changes } from './change-tools.ts';
import { createEverythingServer } from './everything-server.ts';
import { LegacySessions } from './legacy-sessions.ts';
import { createKeyFlow } from './secret-tool.ts';

export interface EverythingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the server under test on 127.0.0.1: 2026-07-28 request by request, and 2025-11-25 in sessions. */
export async function startEverythingServer(): Promise<EverythingServer> {
  let answer = (_request: Request): Promise<Response> => Promise.resolve(new Response(null, { status: 503 }));
  const listener = toNodeHandler({ fetch: (request) => answer(request) });
  // A request that a server receives has both, which its type does not say.
  const http = createServer((request, response) => void listener(request as ReceivedRequest, response));
  // On a busy machine the suite comes back to a connection late, and must not find it closed.
  http.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(0, '127.0.0.1', resolve);
  });
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  // The suite signs nobody in, so all its requests are one person's, and whoever has a link is that person.
  const oob = createOob({
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
        modern.notify.toolsChanged();
        server.sendToolListChanged();
      } else {
        modern.notify.promptsChanged();
        server.sendPromptListChanged();
      }
    },
  };
  const shared = { oob, keyFlow: createKeyFlow(oob), changes };
  const modern = createMcpHandler((context) => createEverythingServer(context, shared), { legacy: 'reject' });
  const sessions = new LegacySessions(() => createEverythingServer({ era: 'legacy' }, shared));

  answer = async (request) => {
    const refused =
      hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
      originValidationResponse(request, localhostAllowedOrigins());
    if (refused !== undefined) return refused;
    const { pathname } = new URL(request.url);
    if (pathname.startsWith('/oob/')) return oob.fetch(request);
    if (pathname !== '/mcp') return new Response('Not found', { status: 404 });
    return (await isLegacyRequest(request)) ? sessions.fetch(request) : modern.fetch(request);
  };
  return {
    url: `${origin}/mcp`,
    async close() {
      await Promise.all([modern.close(), sessions.close(), oob.close()]);
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

type ReceivedRequest = IncomingMessage & { method: string; url: string };

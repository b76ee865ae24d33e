import type { ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { ClientManager } from '../../src/client/index.ts';
import type { Session } from '../../src/client/session/session.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { openServer, type TestServer } from '../http/open-server.ts';

const results: Readonly<Record<string, unknown>> = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'raw', version: '1' },
  },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
  'tools/call': { content: [{ type: 'text', text: 'echoed' }] },
};

export interface RawRequest {
  readonly id: number;
  readonly method: string;
  /** What a server with nothing wrong would answer. */
  readonly answer: string;
}

/**
 * A server of 2025-11-25 with one tool, `echo`, that a test may have answer otherwise.
 *
 * @param otherwise returns whether it has taken the request upon itself.
 */
export async function openRawServer(
  otherwise: (request: RawRequest, response: ServerResponse) => boolean,
): Promise<TestServer> {
  return openServer((request, response) => {
    if (request.method !== 'POST') return void response.writeHead(405).end();
    let body = '';
    request.setEncoding('utf8').on('data', (piece: string) => (body += piece));
    request.on('end', () => {
      const { id, method } = JSON.parse(body) as { id?: number; method: string };
      if (id === undefined) return void response.writeHead(202).end();
      const answer = JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} });
      if (otherwise({ id, method, answer }, response)) return;
      response.writeHead(200, { 'content-type': 'application/json' }).end(answer);
    });
  });
}

/** A session of our client's with it, not connected yet. */
export async function openRawSession({ origin }: TestServer): Promise<Session> {
  const manager = new ClientManager(
    { raw: { url: `${origin}/mcp` } },
    {
      storage: new MemoryBackend(),
      publicUrl: 'https://agent.example/postern',
      verifyUser: () => undefined,
      logger: silentLogger,
      versionNegotiation: 'legacy',
    },
  );
  onTestFinished(() => manager.close());
  return (await manager.getClient('alice')).session('raw');
}

import { randomUUID } from 'node:crypto';
import { type McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server';
import { EventLog } from './event-log.ts';

/** Sessions of 2025-11-25: each has a server of its own, and streams that can be taken up again. */
export class LegacySessions {
  readonly #open = new Map<string, WebStandardStreamableHTTPServerTransport>();
  readonly #create: () => McpServer;

  constructor(create: () => McpServer) {
    this.#create = create;
  }

  async fetch(request: Request): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const transport = this.#open.get(id);
      return transport?.handleRequest(request) ?? new Response('Session not found', { status: 404 });
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (sessionId) => void this.#open.set(sessionId, transport),
      onsessionclosed: (sessionId) => void this.#open.delete(sessionId),
      eventStore: new EventLog(),
      retryInterval: 200,
    });
    await this.#create().connect(transport);
    return transport.handleRequest(request);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((transport) => transport.close()));
    this.#open.clear();
  }
}

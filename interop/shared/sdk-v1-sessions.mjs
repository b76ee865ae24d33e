import { randomUUID } from 'node:crypto';

/**
 * An express handler that serves an MCP server of SDK v1 in sessions, as its examples do.
 *
 * @param {{ createServer: (request: any) => any, StreamableHTTPServerTransport: any }} options
 */
export function serveSessions({ createServer, StreamableHTTPServerTransport }) {
  const sessions = new Map();
  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const open = typeof id === 'string' ? sessions.get(id) : undefined;
    if (open !== undefined) return open.handleRequest(request, response, request.body);
    if (id !== undefined) {
      response
        .status(404)
        .json({ jsonrpc: '2.0', id: null, error: { code: -32_001, message: 'Session not found' } });
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (created) => void sessions.set(created, transport),
    });
    transport.onclose = () => void sessions.delete(transport.sessionId);
    await createServer(request).connect(transport);
    await transport.handleRequest(request, response, request.body);
  };
}

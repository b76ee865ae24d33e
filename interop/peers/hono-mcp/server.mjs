// A server of SDK v1 behind the transport of @hono/mcp, with sessions.
import { StreamableHTTPTransport } from '@hono/mcp';
import { serve } from '@hono/node-server';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { Hono } from 'hono';

const [port] = process.argv.slice(2);
const sessions = new Map();

async function open() {
  const server = new McpServer({ name: 'hono-mcp', version: '1.0.0' });
  server.registerTool('ahoy', { description: 'Says ahoy' }, () => ({
    content: [{ type: 'text', text: 'ahoy' }],
  }));
  const transport = new StreamableHTTPTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await server.connect(transport);
  return transport;
}

const app = new Hono();
app.all('/mcp', async (context) => {
  const id = context.req.header('mcp-session-id');
  const transport = id === undefined ? await open() : sessions.get(id);
  return transport?.handleRequest(context) ?? context.text('Session not found', 404);
});
serve({ fetch: app.fetch, port: Number(port), hostname: '127.0.0.1' });

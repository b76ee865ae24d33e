// The router of SDK v1 (`mcpAuthRouter`) over a provider that rotates refresh tokens and keeps them on disk, and
// an MCP server of SDK v1 behind its `requireBearerAuth`, over streamable HTTP or, with `sse`, the older transport.
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { InvalidGrantError, InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createRouterProvider } from '../../shared/router-provider.mjs';
import { serveSessions } from '../../shared/sdk-v1-sessions.mjs';

const [port, directory, transport] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = new URL(transport === 'sse' ? '/sse' : '/mcp', origin);
const { provider, signIn, revoke } = createRouterProvider({
  directory,
  InvalidGrantError,
  InvalidTokenError,
});

const app = express();
app.use(
  mcpAuthRouter({
    provider,
    issuerUrl: new URL(origin),
    resourceServerUrl: resource,
    scopesSupported: ['mcp:tools'],
  }),
);
app.post('/sign-in', express.urlencoded({ extended: false }), signIn);

const gate = requireBearerAuth({
  verifier: provider,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
});

function createServer() {
  const server = new McpServer({ name: 'sdk-v1', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: String(authInfo?.extra?.sub) }],
  }));
  return server;
}

if (transport === 'sse') {
  const open = new Map();
  app.get('/sse', gate, async (_request, response) => {
    const stream = new SSEServerTransport('/messages', response);
    open.set(stream.sessionId, stream);
    response.on('close', () => open.delete(stream.sessionId));
    await createServer().connect(stream);
  });
  app.post('/messages', gate, express.json(), async (request, response) => {
    const stream = open.get(request.query.sessionId);
    if (stream === undefined) return void response.status(404).send('Session not found');
    await stream.handlePostMessage(request, response, request.body);
  });
} else {
  app.all('/mcp', gate, express.json(), serveSessions({ createServer, StreamableHTTPServerTransport }));
}

app.listen(Number(port), '127.0.0.1', () =>
  sayReady({ url: resource.href, ...(transport === 'sse' && { transport: 'sse' }), lifetimeSeconds: 300 }),
);
answerCommands({ revoke });

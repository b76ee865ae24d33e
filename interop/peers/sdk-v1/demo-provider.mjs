// The demo provider of SDK v1's examples, as it is: everything in memory, no refresh tokens, nobody is asked.
import { DemoInMemoryAuthProvider } from '@modelcontextprotocol/sdk/examples/server/demoInMemoryOAuthProvider.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { serveSessions } from '../../shared/sdk-v1-sessions.mjs';

const [port] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = new URL('/mcp', origin);
const provider = new DemoInMemoryAuthProvider();
// The demo throws a plain error for an unknown token, which the middleware answers with 500.
const verifier = {
  verifyAccessToken: (token) =>
    provider.verifyAccessToken(token).catch((error) => Promise.reject(new InvalidTokenError(error.message))),
};

function createServer() {
  const server = new McpServer({ name: 'sdk-v1-demo', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: `client ${authInfo?.clientId} of alice` }],
  }));
  return server;
}

const app = express();
app.use(
  mcpAuthRouter({
    provider,
    issuerUrl: new URL(origin),
    resourceServerUrl: resource,
    scopesSupported: ['mcp:tools'],
  }),
);
app.all(
  '/mcp',
  requireBearerAuth({ verifier, resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource) }),
  express.json(),
  serveSessions({ createServer, StreamableHTTPServerTransport }),
);
app.listen(Number(port), '127.0.0.1', () =>
  sayReady({ url: resource.href, lifetimeSeconds: 3_600, refreshes: false, keeps: false }),
);
answerCommands({ revoke: () => provider.tokens.clear() });

// The router that SDK v2 keeps for those who come from v1 (`server-legacy`), over a provider that rotates refresh
// tokens and keeps them on disk; behind it an MCP server of SDK v2, in both protocol eras.
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import { InvalidGrantError, mcpAuthRouter } from '@modelcontextprotocol/server-legacy/auth';
import express from 'express';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createRouterProvider } from '../../shared/router-provider.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = new URL('/mcp', origin);
const { provider, signIn, revoke } = createRouterProvider({
  directory,
  issuer: new URL(origin).href,
  InvalidGrantError,
  // The gate is v2's own, and knows only v2's errors.
  InvalidTokenError: class extends OAuthError {
    constructor(message) {
      super(OAuthErrorCode.InvalidToken, message);
    }
  },
});

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'sdk-v2-legacy', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, (context) => ({
    content: [{ type: 'text', text: String(context.http?.authInfo?.extra?.sub) }],
  }));
  return server;
});
const gate = requireBearerAuth({
  verifier: provider,
  resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
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
const protectedResource = toNodeHandler({
  async fetch(request) {
    const authInfo = await gate(request);
    return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo });
  },
});
app.all('/mcp', (request, response) => void protectedResource(request, response));
app.listen(Number(port), '127.0.0.1', () => sayReady({ url: resource.href, lifetimeSeconds: 300 }));
answerCommands({ revoke });

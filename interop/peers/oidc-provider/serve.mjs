// oidc-provider, and behind it an MCP server of SDK v2 in both protocol eras.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createOidcServer } from '../../shared/oidc-server.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = `${origin}/mcp`;
const lifetimeSeconds = 300;
const { provider, handle, revoke } = await createOidcServer({ origin, directory, resource, lifetimeSeconds });

const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'sdk-v2', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, (context) => ({
    content: [{ type: 'text', text: String(context.http?.authInfo?.extra?.sub) }],
  }));
  return server;
});
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(new URL(resource));
const gate = requireBearerAuth({
  requiredScopes: [],
  resourceMetadataUrl,
  verifier: {
    async verifyAccessToken(token) {
      const found = await provider.AccessToken.find(token);
      if (found === undefined || !found.isValid || found.aud !== resource) {
        throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not valid here');
      }
      return {
        token,
        clientId: found.clientId,
        scopes: [...found.scopes],
        expiresAt: found.exp,
        extra: { sub: found.accountId },
      };
    },
  },
});
const protectedResource = toNodeHandler({
  async fetch(request) {
    const authInfo = await gate(request);
    return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo });
  },
});

createServer((request, response) => {
  const { pathname } = new URL(request.url, origin);
  if (pathname === '/mcp') return void protectedResource(request, response);
  if (pathname === new URL(resourceMetadataUrl).pathname) {
    const metadata = { resource, authorization_servers: [origin], scopes_supported: ['mcp:tools'] };
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
  }
  return handle(request, response);
}).listen(Number(port), '127.0.0.1', () => sayReady({ url: resource, lifetimeSeconds }));
answerCommands({ revoke });

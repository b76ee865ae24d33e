import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';

/**
 * An MCP server of SDK v2, in both protocol eras, behind an authorization server. Returns a listener of `node:http` that
 * says whether a request was its own.
 *
 * @param {{ resource: string, issuer: string, scopes?: string[], findUser: (token: string) => Promise<{ user: string, expiresAt: number } | undefined> }} options
 */
export function createProtectedServer({ resource, issuer, scopes, findUser }) {
  const mcp = createMcpHandler(() => {
    const server = new McpServer({ name: 'protected', version: '1.0.0' });
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
        const found = await findUser(token);
        if (found === undefined)
          throw new OAuthError(OAuthErrorCode.InvalidToken, 'the token is not valid here');
        return { token, clientId: '', scopes: [], expiresAt: found.expiresAt, extra: { sub: found.user } };
      },
    },
  });
  const listener = toNodeHandler({
    async fetch(request) {
      const authInfo = await gate(request);
      return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo });
    },
  });
  const metadata = { resource, authorization_servers: [issuer], ...(scopes && { scopes_supported: scopes }) };
  return (request, response) => {
    const { pathname } = new URL(request.url, resource);
    if (pathname === new URL(resource).pathname) {
      void listener(request, response);
      return true;
    }
    if (pathname !== new URL(resourceMetadataUrl).pathname) return false;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
    return true;
  };
}

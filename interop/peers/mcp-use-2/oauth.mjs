// mcp-use 2 as the guard of a resource, with its custom provider, before oidc-provider.
import { MCPServer } from 'mcp-use';
import { oauthCustomProvider } from 'mcp-use/oauth';
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { openIdentityServer } from '../../shared/open-identity.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const lifetimeSeconds = 300;
const identity = await openIdentityServer({ port, directory, resource: `${origin}/mcp`, lifetimeSeconds });

const server = new MCPServer({
  name: 'mcp-use',
  version: '1.0.0',
  host: '127.0.0.1',
  oauth: oauthCustomProvider({
    resource: `${origin}/mcp`,
    scopesSupported: ['mcp:tools'],
    oauthMetadata: await (await fetch(`${identity.origin}/.well-known/openid-configuration`)).json(),
    createTokenVerifier: () => ({
      async verifyAccessToken(token) {
        try {
          const { sub, exp, client_id: clientId } = await identity.verify(token);
          return {
            token,
            clientId,
            scopes: ['mcp:tools'],
            expiresAt: exp,
            resource: new URL(`${origin}/mcp`),
            extra: { sub },
          };
        } catch (error) {
          throw new OAuthError(OAuthErrorCode.InvalidToken, error.message);
        }
      },
    }),
    mapAuthInfo: ({ extra }) => ({ user: { id: extra.sub }, payload: {}, permissions: [] }),
  }),
});
server.tool({ name: 'whoami', description: 'Who calls' }, async (_args, context) => ({
  content: [{ type: 'text', text: String(context.auth?.user?.id) }],
}));
await server.listen(Number(port));
sayReady({ url: `${origin}/mcp`, lifetimeSeconds });
answerCommands({ revoke: identity.revoke });

// mcp-use 1 as the guard of a resource, with its custom provider, before oidc-provider.
import { MCPServer, oauthCustomProvider, text } from 'mcp-use/server';
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
  baseUrl: origin,
  oauth: oauthCustomProvider({
    issuer: identity.origin,
    jwksUrl: `${identity.origin}/jwks`,
    authEndpoint: `${identity.origin}/auth`,
    tokenEndpoint: `${identity.origin}/token`,
    scopesSupported: ['mcp:tools'],
    verifyToken: async (token) => ({ payload: await identity.verify(token) }),
    getUserInfo: ({ sub }) => ({ userId: sub }),
  }),
});
server.tool({ name: 'whoami', description: 'Who calls' }, async (_args, context) =>
  text(String(context.auth?.user?.userId)),
);
await server.listen(Number(port));
// Its listen() resolves a little before it listens.
for (let up = false; !up;) {
  up = await fetch(origin).then(
    () => true,
    () => new Promise((resolve) => setTimeout(resolve, 50, false)),
  );
}
sayReady({ url: `${origin}/mcp`, lifetimeSeconds });
answerCommands({ revoke: identity.revoke });

// oidc-provider, and behind it an MCP server of SDK v2.
import { createServer } from 'node:http';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createOidcServer } from '../../shared/oidc-server.mjs';
import { createProtectedServer } from '../../shared/protected-server.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = `${origin}/mcp`;
const lifetimeSeconds = 300;

const { provider, handle, revoke } = await createOidcServer({ origin, directory, resource, lifetimeSeconds });
const answerProtected = createProtectedServer({
  resource,
  issuer: origin,
  scopes: ['mcp:tools'],
  async findUser(token) {
    const found = await provider.AccessToken.find(token);
    if (found === undefined || !found.isValid || found.aud !== resource) return undefined;
    return { user: found.accountId, expiresAt: found.exp };
  },
});

createServer((request, response) => answerProtected(request, response) || handle(request, response)).listen(
  Number(port),
  '127.0.0.1',
  () => sayReady({ url: resource, lifetimeSeconds }),
);
answerCommands({ revoke });

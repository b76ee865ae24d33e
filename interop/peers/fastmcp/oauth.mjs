// fastmcp with its `OAuthProvider`, which stands between its clients and an identity provider: here oidc-provider.
import { createServer } from 'node:http';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FastMCP, OAuthProvider } from 'fastmcp';
import { DiskStore } from 'fastmcp/auth';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createOidcServer } from '../../shared/oidc-server.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const client = { client_id: 'fastmcp', client_secret: 'a secret between the two servers' };

const listener = createServer();
await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
const identity = `http://127.0.0.1:${listener.address().port}`;
mkdirSync(join(directory, 'identity'), { recursive: true });
const { handle, revoke } = await createOidcServer({
  origin: identity,
  directory: join(directory, 'identity'),
  resource: `${origin}/mcp`,
  lifetimeSeconds: 3_600,
  clients: [
    {
      ...client,
      redirect_uris: [`${origin}/oauth/callback`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
    },
  ],
});
listener.on('request', handle);

/** Its own store, and which keys it has been given: it cannot list them. */
class ListedStore extends DiskStore {
  keys = new Set();

  async save(key, ...rest) {
    this.keys.add(key);
    await super.save(key, ...rest);
  }
}
const tokenStorage = new ListedStore({ directory: join(directory, 'store') });

const server = new FastMCP({
  name: 'fastmcp',
  version: '1.0.0',
  auth: new OAuthProvider({
    authorizationEndpoint: `${identity}/auth`,
    tokenEndpoint: `${identity}/token`,
    baseUrl: origin,
    clientId: client.client_id,
    clientSecret: client.client_secret,
    scopes: ['openid', 'offline_access'],
    allowedRedirectUriPatterns: ['http://127.0.0.1:*'],
    encryptionKey: 'this is for one run, and nobody else needs to know it',
    jwtSigningKey: 'this is for one run, and nobody else needs to know it either',
    tokenStorage,
  }),
});
server.addTool({
  name: 'whoami',
  description: 'Whether the caller is signed in',
  execute: async (_args, { session }) => (session?.accessToken ? 'somebody who is signed in' : 'nobody'),
});
await server.start({ transportType: 'httpStream', httpStream: { port: Number(port), host: '127.0.0.1' } });
sayReady({ url: `${origin}/mcp`, lifetimeSeconds: 3_600 });
answerCommands({
  async revoke() {
    revoke();
    for (const key of tokenStorage.keys) if (!key.includes('client')) await tokenStorage.delete(key);
  },
});

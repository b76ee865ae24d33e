// oauth2-mock-server with a client registered by hand, as its users have it; behind it an MCP server of SDK v2.
import { createServer } from 'node:http';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { OAuth2Server } from 'oauth2-mock-server';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { createProtectedServer } from '../../shared/protected-server.mjs';

const [port] = process.argv.slice(2);
const resource = `http://127.0.0.1:${port}/mcp`;
// Its own port: it serves nothing but itself. One above ours, so that a restart finds it at the same place.
const issuer = `http://127.0.0.1:${Number(port) + 5_000}`;

const mock = new OAuth2Server();
await mock.issuer.keys.generate('RS256');
await mock.start(Number(port) + 5_000, '127.0.0.1');
mock.issuer.url = issuer;

const answerProtected = createProtectedServer({
  resource,
  issuer,
  async findUser(token) {
    try {
      const keys = createLocalJWKSet({ keys: mock.issuer.keys.toJSON() });
      const { payload } = await jwtVerify(token, keys, { issuer });
      return { user: payload.sub ?? 'nobody', expiresAt: payload.exp };
    } catch {
      return undefined;
    }
  },
});
createServer(
  (request, response) => answerProtected(request, response) || response.writeHead(404).end(),
).listen(Number(port), '127.0.0.1', () =>
  sayReady({
    url: resource,
    lifetimeSeconds: 3_600,
    revokes: false,
    registers: false,
    auth: { client: { clientId: 'agent' } },
  }),
);
answerCommands({});

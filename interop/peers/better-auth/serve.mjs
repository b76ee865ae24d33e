// better-auth with its OAuth provider plugin, over SQLite, as its documentation sets it up for MCP: anybody may
// register a client, and new clients may ask for this resource. The application's two pages are ours. Behind it an
// MCP server of SDK v1, which checks tokens with the plugin's own resource client.
import { join } from 'node:path';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { oauthProvider, oauthProviderAuthServerMetadata } from '@better-auth/oauth-provider';
import { oauthProviderResourceClient } from '@better-auth/oauth-provider/resource-client';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import express from 'express';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { consentPage, loginPage } from '../../shared/pages.mjs';
import { serveSessions } from '../../shared/sdk-v1-sessions.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = `${origin}/mcp`;
const lifetimeSeconds = 300;
const password = 'CNRY-open-sesame';

const database = new DatabaseSync(join(directory, 'auth.db'));
const auth = betterAuth({
  baseURL: origin,
  secret: 'for this run only, and nobody else needs to know',
  database,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  plugins: [
    jwt(),
    oauthProvider({
      loginPage: '/sign-in',
      consentPage: '/consent',
      scopes: ['openid', 'offline_access', 'mcp:tools'],
      allowDynamicClientRegistration: true,
      allowUnauthenticatedClientRegistration: true,
      resources: [resource],
      clientRegistrationDefaultResources: [resource],
      accessTokenExpiresIn: lifetimeSeconds,
      silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
    }),
  ],
});
await (await getMigrations(auth.options)).runMigrations();
await auth.api
  .signUpEmail({ body: { email: 'alice@example.com', name: 'alice', password } })
  .catch((error) => {
    // The person is there already when the store has been kept.
    if (error.status !== 'UNPROCESSABLE_ENTITY') throw error;
  });

const app = express();
app.get(
  '/.well-known/oauth-authorization-server{/*path}',
  toNodeHandler({ handler: oauthProviderAuthServerMetadata(auth) }),
);
app.get('/.well-known/oauth-protected-resource{/*path}', (_request, response) => {
  response.json({
    resource,
    authorization_servers: [`${origin}/api/auth`],
    scopes_supported: ['mcp:tools', 'offline_access'],
  });
});
app.all('/api/auth/*path', toNodeHandler(auth));

// What the plugin's browser client does in an application's pages: posts with the query that the page was given.
async function post(path, request, body) {
  return fetch(`${origin}/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin, cookie: request.headers.cookie ?? '' },
    body: JSON.stringify({ ...body, oauth_query: new URL(request.originalUrl, origin).search.slice(1) }),
  });
}

async function forward(answer, response) {
  const { url, redirect_uri: redirectUri } = await answer.json();
  for (const cookie of answer.headers.getSetCookie()) response.append('set-cookie', cookie);
  response.redirect(303, url ?? redirectUri);
}

app.get('/sign-in', (_request, response) => response.send(loginPage()));
app.post('/sign-in', express.urlencoded({ extended: false }), async (request, response) => {
  const { user } = request.body;
  await forward(await post('/sign-in/email', request, { email: `${user}@example.com`, password }), response);
});
app.get('/consent', (_request, response) => response.send(consentPage()));
app.post('/consent', express.urlencoded({ extended: false }), async (request, response) => {
  await forward(
    await post('/oauth2/consent', request, { accept: request.body.decision === 'allow' }),
    response,
  );
});

const { verifyBearerToken } = oauthProviderResourceClient(auth).getActions();
async function gate(request, response, next) {
  try {
    const token = request.headers.authorization?.replace(/^Bearer /u, '');
    const claims = await verifyBearerToken(token, {
      verifyOptions: { audience: resource, issuer: `${origin}/api/auth` },
      jwksUrl: `${origin}/api/auth/jwks`,
    });
    const { name } = database.prepare('select name from user where id = ?').get(claims.sub);
    request.auth = { token, clientId: claims.azp, scopes: [], extra: { sub: name } };
  } catch {
    response
      .status(401)
      .set(
        'www-authenticate',
        `Bearer resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`,
      )
      .end();
    return;
  }
  next();
}

function createMcpServer() {
  const server = new McpServer({ name: 'better-auth', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Who calls' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: String(authInfo?.extra?.sub) }],
  }));
  return server;
}
app.all(
  '/mcp',
  gate,
  express.json(),
  serveSessions({ createServer: createMcpServer, StreamableHTTPServerTransport }),
);

createServer(app).listen(Number(port), '127.0.0.1', () => sayReady({ url: resource, lifetimeSeconds }));
answerCommands({
  revoke() {
    // Access tokens are JWTs, which nobody can end; the person's grants can be.
    for (const table of ['oauthRefreshToken', 'oauthAccessToken', 'oauthConsent'])
      database.exec(`delete from ${table}`);
  },
});

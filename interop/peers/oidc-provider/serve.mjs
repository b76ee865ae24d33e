// oidc-provider as its documentation configures it for an API, with registration, resource indicators, rotation and
// revocation; its adapter keeps everything on disk. Behind it an MCP server of SDK v2, in both protocol eras.
import { createServer } from 'node:http';
import { join } from 'node:path';
import { toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { answerCommands, sayReady } from '../../shared/commands.ts';
import { KeptMap } from '../../shared/kept-map.mjs';
import { consentPage, loginPage } from '../../shared/pages.mjs';

const [port, directory] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const resource = `${origin}/mcp`;
const lifetimeSeconds = 300;

const store = new KeptMap(join(directory, 'store.json'));
const secrets = new KeptMap(join(directory, 'secrets.json'));
if (secrets.size === 0) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  secrets.set('jwk', { ...(await exportJWK(privateKey)), kid: 'one', alg: 'ES256', use: 'sig' });
  secrets.set('cookies', crypto.randomUUID());
}

class Adapter {
  constructor(model) {
    this.model = model;
  }

  async upsert(id, payload, expiresInSeconds) {
    const expiresAtMs = expiresInSeconds === undefined ? undefined : Date.now() + expiresInSeconds * 1_000;
    store.set(`${this.model}:${id}`, { payload, expiresAtMs });
  }

  async find(id) {
    const found = store.get(`${this.model}:${id}`);
    return found === undefined || found.expiresAtMs <= Date.now() ? undefined : found.payload;
  }

  async findByUid(uid) {
    return [...store.values()].find(({ payload }) => payload.uid === uid)?.payload;
  }

  async findByUserCode() {}

  async destroy(id) {
    store.delete(`${this.model}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of store) if (payload.grantId === grantId) store.delete(key);
  }

  async consume(id) {
    const found = store.get(`${this.model}:${id}`);
    if (found === undefined) return;
    found.payload.consumed = Math.floor(Date.now() / 1_000);
    store.set(`${this.model}:${id}`, found);
  }
}

const provider = new Provider(origin, {
  adapter: Adapter,
  jwks: { keys: [secrets.get('jwk')] },
  cookies: { keys: [secrets.get('cookies')] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: ['openid', 'offline_access', 'mcp:tools'],
  responseTypes: ['code'],
  findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  issueRefreshToken: (_context, client) => client.grantTypeAllowed('refresh_token'),
  rotateRefreshToken: true,
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  ttl: {
    AccessToken: lifetimeSeconds,
    AuthorizationCode: 60,
    Grant: 1_209_600,
    IdToken: 3_600,
    Interaction: 3_600,
    RefreshToken: 1_209_600,
    Session: 1_209_600,
  },
  features: {
    devInteractions: { enabled: false },
    registration: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({
        scope: 'mcp:tools',
        audience: resource,
        accessTokenTTL: lifetimeSeconds,
        accessTokenFormat: 'opaque',
      }),
    },
  },
});

async function interact(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  const posted = request.method === 'POST' ? new URLSearchParams(await readBody(request)) : undefined;
  const finish = (result) => provider.interactionFinished(request, response, result);
  if (prompt.name === 'login') {
    if (posted === undefined) return show(response, loginPage());
    return finish({ login: { accountId: posted.get('user') } });
  }
  if (posted === undefined) return show(response, consentPage());
  if (posted.get('decision') !== 'allow') return finish({ error: 'access_denied' });
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
  for (const [indicator, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(indicator, scopes.join(' '));
  }
  return finish({ consent: { grantId: await grant.save() } });
}

async function readBody(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function show(response, html) {
  response.writeHead(200, { 'content-type': 'text/html' }).end(html);
}

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

const authorization = provider.callback();
createServer((request, response) => {
  const { pathname } = new URL(request.url, origin);
  if (pathname === '/mcp') return void protectedResource(request, response);
  if (pathname === new URL(resourceMetadataUrl).pathname) {
    const metadata = { resource, authorization_servers: [origin], scopes_supported: ['mcp:tools'] };
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(metadata));
  }
  if (pathname.startsWith('/interaction/')) {
    return void interact(request, response).catch((error) => response.writeHead(400).end(String(error)));
  }
  return void authorization(request, response);
}).listen(Number(port), '127.0.0.1', () => sayReady({ url: resource, lifetimeSeconds }));

answerCommands({
  revoke() {
    for (const key of store.keys()) if (/^(?:Grant|AccessToken|RefreshToken):/u.test(key)) store.delete(key);
  },
});

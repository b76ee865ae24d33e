import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';
import { KeptMap } from './kept-map.mjs';
import { consentPage, loginPage } from './pages.mjs';

/**
 * oidc-provider as its documentation configures it for an API, with registration, resource indicators, rotation and
 * revocation. Its adapter keeps everything on disk; whoever says a name is that person.
 *
 * @param {{ origin: string, directory: string, resource: string, lifetimeSeconds: number, clients?: object[] }} options
 */
export async function createOidcServer({ origin, directory, resource, lifetimeSeconds, clients = [] }) {
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
    clients,
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

  const authorization = provider.callback();
  return {
    provider,
    handle(request, response) {
      const { pathname } = new URL(request.url, origin);
      if (!pathname.startsWith('/interaction/')) return void authorization(request, response);
      return void interact(request, response).catch((error) => response.writeHead(400).end(String(error)));
    },
    /** Ends every grant and what came of it. */
    revoke() {
      for (const key of store.keys())
        if (/^(?:Grant|AccessToken|RefreshToken):/u.test(key)) store.delete(key);
    },
  };
}

async function readBody(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

function show(response, html) {
  response.writeHead(200, { 'content-type': 'text/html' }).end(html);
}

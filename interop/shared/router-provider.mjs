import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { KeptMap } from './kept-map.mjs';
import { consentPage, loginPage } from './pages.mjs';

const lifetimeSeconds = 300;

/**
 * What the routers of SDK v1 and of `server-legacy` ask of an application: an `OAuthServerProvider`.
 *
 * Refresh tokens rotate, and one that is used a second time ends its grant. The error classes are the peer's own.
 * `issuer`: what the router has promised to name in each answer, and does not where an application has pages of its own.
 */
export function createRouterProvider({ directory, issuer, InvalidGrantError, InvalidTokenError }) {
  const clients = new KeptMap(join(directory, 'clients.json'));
  const tokens = new KeptMap(join(directory, 'tokens.json'));
  const codes = new Map();
  const waiting = new Map();

  const issue = (grant) => {
    const access = randomUUID();
    const refresh = randomUUID();
    tokens.set(access, { ...grant, kind: 'access', expiresAtMs: Date.now() + lifetimeSeconds * 1_000 });
    tokens.set(refresh, { ...grant, kind: 'refresh' });
    return {
      access_token: access,
      refresh_token: refresh,
      token_type: 'bearer',
      expires_in: lifetimeSeconds,
      scope: grant.scopes.join(' '),
    };
  };
  const end = (grantId) => {
    for (const [token, { grantId: its }] of tokens) if (its === grantId) tokens.delete(token);
  };

  const provider = {
    clientsStore: {
      getClient: async (id) => clients.get(id),
      registerClient: async (metadata) => {
        const client = {
          client_id: randomUUID(),
          client_id_issued_at: Math.floor(Date.now() / 1_000),
          ...metadata,
        };
        clients.set(client.client_id, client);
        return client;
      },
    },
    async authorize(client, params, response) {
      const id = randomUUID();
      waiting.set(id, { client, params });
      response.send(loginPage({ id }).replace('method="post"', 'method="post" action="/sign-in"'));
    },
    async challengeForAuthorizationCode(client, code) {
      const found = codes.get(code);
      if (found === undefined || found.clientId !== client.client_id)
        throw new InvalidGrantError('unknown code');
      return found.challenge;
    },
    async exchangeAuthorizationCode(client, code) {
      const found = codes.get(code);
      codes.delete(code);
      if (found === undefined || found.clientId !== client.client_id)
        throw new InvalidGrantError('unknown code');
      return issue({
        grantId: randomUUID(),
        clientId: client.client_id,
        sub: found.user,
        scopes: found.scopes,
      });
    },
    async exchangeRefreshToken(client, refreshToken) {
      const found = tokens.get(refreshToken);
      if (found?.kind === 'spent') end(found.grantId);
      if (found?.kind !== 'refresh' || found.clientId !== client.client_id) {
        throw new InvalidGrantError('unknown refresh token');
      }
      tokens.set(refreshToken, { ...found, kind: 'spent' });
      const { grantId, clientId, sub, scopes } = found;
      return issue({ grantId, clientId, sub, scopes });
    },
    async verifyAccessToken(token) {
      const found = tokens.get(token);
      if (found?.kind !== 'access' || found.expiresAtMs <= Date.now())
        throw new InvalidTokenError('unknown token');
      return {
        token,
        clientId: found.clientId,
        scopes: found.scopes,
        expiresAt: Math.floor(found.expiresAtMs / 1_000),
        extra: { sub: found.sub },
      };
    },
    async revokeToken(_client, { token }) {
      const found = tokens.get(token);
      if (found !== undefined) end(found.grantId);
    },
  };

  /** Where the login and the consent page send their forms. */
  const signIn = (request, response) => {
    const { id, user, decision, as } = request.body;
    const found = waiting.get(id);
    if (found === undefined) return void response.status(400).send('<title>Unknown sign-in</title>');
    const back = new URL(found.params.redirectUri);
    if (found.params.state !== undefined) back.searchParams.set('state', found.params.state);
    if (issuer !== undefined) back.searchParams.set('iss', issuer);
    if (user !== undefined) return void response.send(consentPage({ id, as: user }));
    waiting.delete(id);
    if (decision === 'allow') {
      const code = randomUUID();
      codes.set(code, {
        clientId: found.client.client_id,
        challenge: found.params.codeChallenge,
        user: as,
        scopes: found.params.scopes ?? [],
      });
      back.searchParams.set('code', code);
    } else {
      back.searchParams.set('error', 'access_denied');
    }
    response.redirect(303, back.href);
  };

  return { provider, signIn, revoke: () => tokens.clear() };
}

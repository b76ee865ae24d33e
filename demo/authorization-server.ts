/**
 * A real OAuth authorization server for the demo and the tests: oidc-provider behind two small pages.
 *
 * A person signs in by name alone. It listens on 127.0.0.1 and keeps everything in memory.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import { createAdapter, type TokenStore } from './provider-adapter.ts';
import { errors, Provider, type ProviderContext } from './provider.ts';
import { calendarScopes, escapeHtml, interact, page } from './sign-in-pages.ts';

export interface AuthorizationServerOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Who may sign in. Default alice, bob and carol. */
  readonly users?: readonly string[];
  /** Clients that are registered by hand, in the names of RFC 7591. Any other registers itself. */
  readonly clients?: readonly object[];
  /** Default 300. */
  readonly accessTokenTtlSeconds?: number;
  /**
   * `jwt` (default) is checked against the key set and outlives its grant until it expires;
   * `opaque` is introspected at every use and ends with its grant.
   */
  readonly accessTokenFormat?: 'jwt' | 'opaque';
  /** Default true. When false, every request of a signed-in person is granted without a page. */
  readonly requireConsent?: boolean;
}

/** Requests that reached each endpoint, whether they were accepted or not. */
export interface AuthorizationServerCounters {
  registrations: number;
  authorizations: number;
  exchanges: number;
  refreshes: number;
  revocations: number;
  metadata: number;
  /** Exchanges and refreshes that were answered with an error. */
  refusedGrants: number;
}

/** What an access token says, once it has been found valid for a resource. */
export interface VerifiedToken {
  readonly subject: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly resource: string;
  readonly expiresAtSeconds: number;
}

export interface AuthorizationServer {
  readonly issuer: string;
  readonly counters: Readonly<AuthorizationServerCounters>;
  /** What a valid token says; `undefined` for one that is forged, expired, ended early or meant for another resource. */
  verifyAccessToken(token: string, resource: string): Promise<VerifiedToken | undefined>;
  /** From now on refuses every access token issued so far (to one user, or to all), though none has expired. Grants live on. */
  expireAccessTokens(user?: string): void;
  /** Ends every grant of a user: their refresh tokens are refused from now on. */
  revokeGrants(user: string): void;
  close(): Promise<void>;
}

/** Starts the authorization server; resolves when it accepts connections. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const { accessTokenTtlSeconds = 300, accessTokenFormat = 'jwt', requireConsent = true } = options;
  const users = new Set(options.users ?? ['alice', 'bob', 'carol']);
  const counters: AuthorizationServerCounters = {
    registrations: 0,
    authorizations: 0,
    exchanges: 0,
    refreshes: 0,
    revocations: 0,
    metadata: 0,
    refusedGrants: 0,
  };
  // Seconds are too coarse to tell a token ended early from its successor, so tokens carry a generation.
  let generation = 0;
  const oldestAccepted = new Map<string | undefined, number>();

  let serve: (request: IncomingMessage, response: ServerResponse) => unknown = answerNotReady;
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;

  const store: TokenStore = new Map();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const introspector = { id: 'resource-server', secret: randomBytes(32).toString('base64url') };
  const provider = new Provider(issuer, {
    adapter: (model: string) => createAdapter(model, store),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'demo', alg: 'ES256', use: 'sig' }] },
    clients: [
      {
        client_id: introspector.id,
        client_secret: introspector.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
      ...(options.clients ?? []),
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    // Browsers share cookies between ports, so two servers on one host need different names.
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      names: { session: `session_${port}`, interaction: `interaction_${port}`, resume: `resume_${port}` },
    },
    scopes: ['openid', 'offline_access', ...Object.keys(calendarScopes)],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    conformIdTokenClaims: true,
    findAccount: (_context: unknown, sub: string) =>
      users.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined,
    // Every consent makes a grant of its own: ending one leaves the other sign-ins of that person alone.
    loadExistingGrant: (context: ProviderContext) => {
      const grantId = context.oidc.result?.consent?.grantId;
      return grantId === undefined ? undefined : provider.Grant.find(grantId);
    },
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    rotateRefreshToken: true,
    extraTokenClaims: () => ({ generation }),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    renderError: (context: { type: string; body: string }, out: { error_description?: string }) => {
      context.type = 'html';
      context.body = page('This sign-in cannot go on', `<p>${escapeHtml(out.error_description ?? '')}</p>`);
    },
    ttl: {
      AccessToken: accessTokenTtlSeconds,
      AuthorizationCode: 60,
      Grant: 14 * 86_400,
      IdToken: 3_600,
      Interaction: 3_600,
      RefreshToken: 14 * 86_400,
      Session: 14 * 86_400,
    },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: (_context: unknown, client: { clientId: string }, token: { clientId: string }) =>
          client.clientId === token.clientId,
      },
      introspection: {
        enabled: true,
        allowedPolicy: (_context: unknown, client: { clientId: string }) =>
          client.clientId === introspector.id,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => {
          if (!isLoopback(resource)) throw new errors.InvalidTarget();
          return {
            scope: Object.keys(calendarScopes).join(' '),
            audience: resource,
            accessTokenTTL: accessTokenTtlSeconds,
            accessTokenFormat,
            jwt: { sign: { alg: 'ES256' } },
          };
        },
      },
    },
  });
  const countGrant = (context: ProviderContext): void => {
    if (context.oidc.params?.['grant_type'] === 'authorization_code') counters.exchanges++;
    if (context.oidc.params?.['grant_type'] === 'refresh_token') counters.refreshes++;
  };
  provider.on('grant.success', countGrant);
  provider.on('grant.error', (context: ProviderContext) => {
    countGrant(context);
    counters.refusedGrants++;
  });

  const answer = provider.callback();
  const counted = new Map<string, keyof AuthorizationServerCounters>([
    ['/reg', 'registrations'],
    ['/auth', 'authorizations'],
    ['/token/revocation', 'revocations'],
    ['/.well-known/oauth-authorization-server', 'metadata'],
    ['/.well-known/openid-configuration', 'metadata'],
  ]);
  serve = (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    const counter = counted.get(pathname);
    if (counter !== undefined && request.method !== 'OPTIONS') counters[counter]++;
    if (!pathname.startsWith('/interaction/')) return answer(request, response);
    return interact({ provider, issuer, users, requireConsent }, request, response);
  };

  const keySet = createRemoteJWKSet(new URL('/jwks', issuer));
  const readClaims = async (token: string, resource: string): Promise<TokenClaims | undefined> => {
    if (accessTokenFormat === 'jwt') {
      const rules = { issuer, audience: resource, typ: 'at+jwt' };
      return jwtVerify<TokenClaims>(token, keySet, rules).then(
        ({ payload }) => payload,
        () => undefined,
      );
    }
    const credentials = Buffer.from(`${introspector.id}:${introspector.secret}`).toString('base64');
    const answered = await fetch(new URL('/token/introspection', issuer), {
      method: 'POST',
      headers: { authorization: `Basic ${credentials}` },
      body: new URLSearchParams({ token }),
      signal: AbortSignal.timeout(5_000),
    });
    const claims = (await answered.json()) as TokenClaims & { active?: boolean };
    return claims.active === true && claims.aud === resource ? claims : undefined;
  };

  return {
    issuer,
    counters,
    async verifyAccessToken(token, resource) {
      const claims = await readClaims(token, resource);
      if (claims === undefined) return undefined;
      const oldest = Math.max(oldestAccepted.get(undefined) ?? 0, oldestAccepted.get(claims.sub) ?? 0);
      if (claims.generation < oldest) return undefined;
      return {
        subject: claims.sub,
        clientId: claims.client_id,
        scopes: claims.scope?.split(' ') ?? [],
        resource,
        expiresAtSeconds: claims.exp,
      };
    },
    expireAccessTokens(user) {
      oldestAccepted.set(user, ++generation);
    },
    revokeGrants(user) {
      for (const [key, { payload }] of store) {
        if (payload.accountId === user && /^(Grant|\w+Token|AuthorizationCode):/.test(key)) store.delete(key);
      }
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answerNotReady(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503).end();
}

function isLoopback(text: string): boolean {
  const hostname = URL.parse(text)?.hostname;
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
}

interface TokenClaims {
  readonly [claim: string]: unknown;
  readonly sub: string;
  readonly aud: string;
  readonly exp: number;
  readonly client_id: string;
  readonly scope?: string;
  readonly generation: number;
}

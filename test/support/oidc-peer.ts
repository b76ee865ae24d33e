import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, generateKeyPair, type JWK } from 'jose';
import { onTestFinished } from 'vitest';
import { createAdapter, type TokenStore } from '../../demo/provider-adapter.ts';
import { errors, Provider } from '../../demo/provider.ts';
import { calendarScopes, interact } from '../../demo/sign-in-pages.ts';
import { answerMcp } from './minimal-mcp.ts';
import { readText, sendReply, type Reply } from './programmable-reply.ts';

export interface OidcPeerOptions {
  /** Clients that were registered by hand, in the names of RFC 7591. */
  readonly clients?: readonly object[];
  /** Takes authorization requests only when they are pushed. */
  readonly pushed?: boolean;
  /** Tokens must be bound to a key, and each proof carry a nonce. */
  readonly bound?: boolean;
}

/** A real authorization server, oidc-provider, with every way in that it has, and an MCP server that it protects. */
export interface OidcPeer {
  /** The MCP server; its tool `whoami` says whose the token is. */
  readonly url: string;
  /** The person enters the code that was given out last, and consents. */
  approveDevice(accountId: string): Promise<void>;
  /** Grants given out, by their types. */
  readonly granted: readonly string[];
}

export async function startOidcPeer(options: OidcPeerOptions = {}): Promise<OidcPeer> {
  const { clients = [], pushed = false, bound = false } = options;
  let serve: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${issuer}/mcp`;
  const store: TokenStore = new Map();
  const users = new Set(['alice', 'bob']);
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const provider = new Provider(issuer, {
    adapter: (model: string) => createAdapter(model, store),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: 'peer', alg: 'ES256', use: 'sig' }] },
    clients,
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', ...Object.keys(calendarScopes)],
    responseTypes: ['code'],
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    findAccount: (_context: unknown, sub: string) =>
      users.has(sub) ? { accountId: sub, claims: () => ({ sub }) } : undefined,
    issueRefreshToken: (_context: unknown, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    interactions: { url: (_context: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    ttl: { DeviceCode: 600, Interaction: 600, Session: 600, Grant: 600, RefreshToken: 600, IdToken: 600 },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: pushed },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => bound },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => {
          if (resource !== url) throw new errors.InvalidTarget();
          const scope = Object.keys(calendarScopes).join(' ');
          return { scope, audience: resource, accessTokenTTL: 300, accessTokenFormat: 'opaque' };
        },
      },
    },
  });
  const granted: string[] = [];
  provider.on('grant.success', ({ oidc }: { oidc: { params?: Record<string, unknown> } }) => {
    granted.push(String(oidc.params?.['grant_type']));
  });
  const answer = provider.callback();
  serve = async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    if (pathname.startsWith('/interaction/'))
      return interact({ provider, issuer, users, requireConsent: true }, request, response);
    if (pathname.startsWith('/.well-known/oauth-protected-resource')) {
      const body = {
        resource: url,
        authorization_servers: [issuer],
        scopes_supported: ['calendar:read'],
        dpop_bound_access_tokens_required: bound,
      };
      return sendReply({ body }, response);
    }
    if (pathname !== '/mcp') return answer(request, response);
    return sendReply(await guard(request, { store, issuer }), response);
  };
  return {
    url,
    granted,
    async approveDevice(accountId) {
      const found = [...store].findLast(([key]) => key.startsWith('DeviceCode:'));
      if (found === undefined) throw new Error('no code was given out');
      const payload = found[1].payload as Record<string, unknown>;
      const grant = new provider.Grant({ accountId, clientId: String(payload['clientId']) });
      const { scope, resource } = payload['params'] as { scope?: string; resource?: string };
      grant.addResourceScope(resource ?? url, scope ?? '');
      Object.assign(payload, { accountId, grantId: await grant.save(), scope, resource, authTime: 1 });
    },
  };
}

interface Held {
  readonly accountId?: string;
  readonly clientId?: string;
  readonly aud?: string;
  readonly jkt?: string;
}

/** Answers whoever has a token of the server for this place, bound to the key of their proof where it is bound. */
async function guard(
  request: IncomingMessage,
  { store, issuer }: { store: TokenStore; issuer: string },
): Promise<Reply> {
  const [scheme, token = ''] = request.headers.authorization?.split(' ') ?? [];
  const entry = store.get(`AccessToken:${token}`) ?? store.get(`ClientCredentials:${token}`);
  const held: Held | undefined = entry?.payload;
  const { dpop } = request.headers;
  const proved =
    scheme === 'DPoP' && typeof dpop === 'string'
      ? await calculateJwkThumbprint(decodeProtectedHeader(dpop).jwk as JWK)
      : undefined;
  if (held === undefined || held.aud !== `${issuer}/mcp` || held.jkt !== proved) {
    const metadata = `${issuer}/.well-known/oauth-protected-resource/mcp`;
    return { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` } };
  }
  const owner = held.accountId ?? `client ${held.clientId}`;
  const text = await readText(request);
  return answerMcp(
    { method: request.method ?? 'GET', text },
    { name: 'calendar', tools: [{ name: 'whoami' }], call: () => owner },
  );
}

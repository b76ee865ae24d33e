/**
 * A real OAuth authorization server for the demo and the tests: oidc-provider behind two small pages.
 *
 * A person signs in by name alone. It listens on 127.0.0.1 and keeps everything in memory.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createRemoteJWKSet, exportJWK, generateKeyPair, jwtVerify } from 'jose';
// @ts-expect-error oidc-provider ships no types; the part of it used here is declared below.
import { errors as untypedErrors, Provider as UntypedProvider } from 'oidc-provider';

/** What each scope lets a program do, in the words of the consent page. */
export const calendarScopes: Readonly<Record<string, string>> = {
  'calendar:read': 'See your events',
  'calendar:write': 'Add events',
  'calendar:share': 'Share your calendar with others',
};

export interface AuthorizationServerOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Who may sign in. Default alice, bob and carol. */
  readonly users?: readonly string[];
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
      context.body = page('This sign-in cannot go on', `<p>${escape(out.error_description ?? '')}</p>`);
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

interface InteractionRules {
  readonly provider: Provider;
  readonly issuer: string;
  readonly users: ReadonlySet<string>;
  readonly requireConsent: boolean;
}

/** Shows the sign-in or consent page, or takes its answer. */
async function interact(
  { provider, issuer, users, requireConsent }: InteractionRules,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const show = (status: number, title: string, body: string): void => {
    response.writeHead(status, pageHeaders).end(page(title, body));
  };
  try {
    const posted = request.method === 'POST';
    if (posted && (request.headers.origin ?? issuer) !== issuer) {
      return show(403, 'Refused', '<p>This form was sent from another site.</p>');
    }
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    const form = posted ? await readForm(request) : new URLSearchParams();
    const finish = (result: object): Promise<void> => provider.interactionFinished(request, response, result);

    if (prompt.name === 'login') {
      const user = form.get('user')?.trim().toLowerCase() ?? '';
      if (users.has(user)) return await finish({ login: { accountId: user } });
      return show(posted ? 400 : 200, 'Sign in', loginForm(users, posted ? user : undefined));
    }

    if (posted && form.get('decision') === 'deny') {
      return await finish({ error: 'access_denied', error_description: 'The person declined' });
    }
    const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
    if (!requireConsent || (posted && form.get('decision') === 'allow')) {
      const grant = new provider.Grant({ accountId: session?.accountId ?? '', clientId: params.client_id });
      grant.addOIDCScope(missingOIDCScope.join(' '));
      for (const [resource, scopes] of Object.entries(missingResourceScopes)) {
        grant.addResourceScope(resource, scopes.join(' '));
      }
      return await finish({ consent: { grantId: await grant.save() } });
    }
    const client = await provider.Client.find(params.client_id);
    const scopes = Object.values(missingResourceScopes).flat();
    const name = client?.clientName ?? 'A program';
    return show(
      200,
      'Allow access?',
      consentForm(name, session?.accountId ?? '', new URL(params.redirect_uri).host, scopes),
    );
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    const known = error instanceof errors.OIDCProviderError;
    return show(
      known ? 400 : 500,
      'This sign-in cannot go on',
      '<p>Go back to where you came from and start again.</p>',
    );
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > 4_096) throw new RangeError('a form of more than 4096 characters');
  }
  return new URLSearchParams(text);
}

function loginForm(users: ReadonlySet<string>, unknown: string | undefined): string {
  const names = [...users].slice(0, 5).map((name) => `<b>${escape(name)}</b>`);
  const complaint =
    unknown === undefined ? '' : `<p role="alert">Nobody here is called “${escape(unknown)}”.</p>`;
  return `<form method="post">${complaint}
<label for="user">Your name</label>
<input id="user" name="user" required autofocus autocapitalize="none" autocomplete="username" spellcheck="false">
<p class="note">This is a demo without passwords. Try ${names.join(', ')}.</p>
<div class="row"><button>Sign in</button></div></form>`;
}

function consentForm(client: string, user: string, host: string, scopes: readonly string[]): string {
  const wishes = scopes.map(
    (scope) => `<li>${escape(calendarScopes[scope] ?? scope)}<code>${escape(scope)}</code></li>`,
  );
  return `<form method="post">
<p><b>${escape(client)}</b> asks to use the calendar of <b>${escape(user)}</b>.</p>
<ul>${wishes.join('') || '<li>Know who you are</li>'}</ul>
<p class="note">You will be sent back to <b>${escape(host)}</b>.</p>
<div class="row"><button name="decision" value="allow">Allow</button>
<button name="decision" value="deny" class="quiet">Deny</button></div></form>`;
}

const style = `:root{color-scheme:light dark;--ink:light-dark(#1d2430,#e8ebf0);--dim:light-dark(#5b6575,#9aa5b5);
--card:light-dark(#fff,#1c222c);--edge:light-dark(#d5dae2,#38414f);--act:light-dark(#1f5fbf,#8ab4ff);--on:light-dark(#fff,#0e1420)}
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;padding:16px;color:var(--ink);
background:light-dark(#f1f3f6,#11151b);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:25rem;padding:clamp(20px,6vw,32px);background:var(--card);border:1px solid var(--edge);border-radius:12px}
header{color:var(--dim);font-size:.875rem}h1{margin:.2em 0 .7em;font-size:1.5rem;line-height:1.25}p{overflow-wrap:anywhere}
label{display:block;margin-bottom:4px;font-weight:600}input{width:100%;padding:10px 12px;font:inherit;color:inherit;
background:transparent;border:1px solid light-dark(#7d8796,#7a8698);border-radius:8px}ul{margin:0;padding:0;list-style:none;border-top:1px solid var(--edge)}
li{padding:8px 0;border-bottom:1px solid var(--edge)}code{display:block;color:var(--dim);font-size:.8125rem}.note{color:var(--dim);font-size:.875rem}
[role=alert]{color:light-dark(#a3231b,#ff9c94)}.row{display:flex;flex-wrap:wrap;gap:12px;margin-top:20px}
button{flex:1 1 8rem;padding:11px 16px;font:inherit;font-weight:600;color:var(--on);background:var(--act);border:1px solid var(--act);border-radius:8px;cursor:pointer}
.quiet{color:var(--act);background:transparent}:focus-visible{outline:3px solid var(--act);outline-offset:2px}`;

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  // Not no-referrer: under it a browser sends `Origin: null` with the page's own form.
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  // No form-action: Chromium applies it to redirects too, and the consent form ends at the client's own origin.
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; frame-ancestors 'none'`,
};

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(title)}</title><style>${style}</style></head>
<body><main><header>Demo accounts</header><h1>${escape(title)}</h1>${body}</main></body></html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function isLoopback(text: string): boolean {
  const hostname = URL.parse(text)?.hostname;
  return hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
}

type TokenStore = Map<string, { readonly payload: Payload; readonly expiresAtMs: number }>;

/** What oidc-provider asks of its storage, over one map. */
function createAdapter(model: string, store: TokenStore): object {
  const find = (id: string): Payload | undefined => {
    const entry = store.get(`${model}:${id}`);
    return entry !== undefined && entry.expiresAtMs > Date.now() ? entry.payload : undefined;
  };
  return {
    find: async (id: string) => find(id),
    findByUid: async (uid: string) =>
      [...store].find(([key, { payload }]) => key.startsWith('Session:') && payload.uid === uid)?.[1].payload,
    findByUserCode: async () => undefined,
    revokeByGrantId: async (grantId: string) => {
      for (const [key, { payload }] of store) if (payload.grantId === grantId) store.delete(key);
    },
    destroy: async (id: string) => void store.delete(`${model}:${id}`),
    upsert: async (id: string, payload: Payload, expiresInSeconds?: number) => {
      // A registered scope is what a client starts with. Kept as a limit, it would make every step-up fail.
      if (model === 'Client') delete payload.scope;
      const expiresAtMs = expiresInSeconds === undefined ? Infinity : Date.now() + expiresInSeconds * 1_000;
      store.set(`${model}:${id}`, { payload, expiresAtMs });
      if (store.size % 256 === 0) {
        for (const [key, entry] of store) if (entry.expiresAtMs <= Date.now()) store.delete(key);
      }
    },
    consume: async (id: string) => {
      const payload = find(id);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
    },
  };
}

interface Payload {
  accountId?: string;
  grantId?: string;
  uid?: string;
  scope?: string;
  consumed?: number;
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

interface ProviderContext {
  readonly oidc: {
    readonly params?: Readonly<Record<string, unknown>>;
    readonly result?: { readonly consent?: { readonly grantId?: string } };
  };
}

interface Interaction {
  readonly prompt: {
    readonly name: string;
    readonly details: {
      readonly missingOIDCScope?: readonly string[];
      readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
    };
  };
  readonly params: { readonly client_id: string; readonly redirect_uri: string };
  readonly session?: { readonly accountId: string };
}

interface Grant {
  addOIDCScope(scope: string): void;
  addResourceScope(resource: string, scope: string): void;
  save(): Promise<string>;
}

interface Provider extends EventEmitter {
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>;
  readonly Client: { find(id: string): Promise<{ readonly clientName?: string } | undefined> };
  readonly Grant: {
    new (owner: { accountId: string; clientId: string }): Grant;
    find(id: string): Promise<Grant | undefined>;
  };
}

const Provider = UntypedProvider as new (issuer: string, configuration: object) => Provider;
const errors = untypedErrors as Record<'InvalidTarget' | 'OIDCProviderError', new (detail?: string) => Error>;

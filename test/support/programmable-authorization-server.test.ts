import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterEach, describe, expect, test } from 'vitest';
import {
  createAttempt,
  createOAuthHttp,
  discover,
  exchangeCode,
  identifyClient,
  parseChallenge,
  refreshGrant,
  revokeGrant,
  validateCallback,
  type Grant,
  type OAuthHttp,
} from '../../src/oauth/index.ts';
import { initialScopes } from '../../src/oauth/scopes.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServerOptions,
} from './programmable-authorization-server.ts';
import { ProgrammableAuthorization } from './programmable-authorization.ts';
import type { Reply } from './programmable-reply.ts';

const redirectUri = 'http://127.0.0.1:4000/callback';
const coded = (code: string): unknown => expect.objectContaining({ code });
const running: ProgrammableAuthorizationServer[] = [];

async function start(
  options?: ProgrammableAuthorizationServerOptions,
): Promise<ProgrammableAuthorizationServer> {
  const server = await startProgrammableAuthorizationServer(options);
  running.push(server);
  return server;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

function httpFor(server: ProgrammableAuthorizationServer, timeoutMs?: number): OAuthHttp {
  return createOAuthHttp({ trustedBy: server.resource, timeoutMs });
}

/** A whole sign-in, from the 401 to the grant. */
async function signIn(server: ProgrammableAuthorizationServer, configured?: string[]): Promise<Grant> {
  const http = httpFor(server);
  const challenge = parseChallenge(await fetch(server.resource));
  const discovery = await discover(server.resource, challenge, http);
  const scopes = initialScopes({ discovery, configured });
  const client = await identifyClient(
    { discovery, redirectUri, metadata: { clientName: 'Test' }, scopes },
    http,
  );
  const { attempt, state, url } = await createAttempt({ discovery, client, redirectUri, scopes }, http);
  const callback = await server.approve(url);
  expect(callback.searchParams.get('state')).toBe(state);
  return exchangeCode(attempt, validateCallback(attempt, callback.searchParams).code, http);
}

async function askAs(server: ProgrammableAuthorizationServer, grant: Grant): Promise<number> {
  const response = await fetch(server.resource, {
    headers: { authorization: `Bearer ${grant.accessToken}` },
  });
  await response.body?.cancel();
  return response.status;
}

describe('a sign-in over the wire', () => {
  test('ends with a token the resource accepts, and makes each request once', async () => {
    const server = await start();
    const grant = await signIn(server, ['openid', 'a']);
    expect(grant).toMatchObject({ subject: 'user-1', scopes: ['openid', 'a'], resource: server.resource });
    expect(await askAs(server, grant)).toBe(200);
    for (const kind of ['resource-metadata', 'metadata', 'register', 'authorize', 'token'] as const) {
      expect([kind, server.count(kind)]).toEqual([kind, 1]);
    }
  });

  test('refreshes, and a spent refresh token ends the whole family', async () => {
    const server = await start();
    const first = await signIn(server);
    const second = await refreshGrant(first, httpFor(server));
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(await askAs(server, second)).toBe(200);
    await expect(refreshGrant(first, httpFor(server))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_GRANT_INVALID'),
    );
    expect(server.tokens.reuses).toBe(1);
    expect(await askAs(server, second)).toBe(401);
  });

  test('is refused when the refresh answers for another person', async () => {
    const server = await start();
    const grant = await signIn(server, ['openid']);
    await expect(refreshGrant({ ...grant, subject: 'somebody-else' }, httpFor(server))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
    );
  });

  test('is revoked', async () => {
    const server = await start();
    const grant = await signIn(server);
    const ended = await revokeGrant(grant, httpFor(server));
    expect(ended).toEqual({ refreshToken: 'confirmed', accessToken: 'confirmed' });
    expect(await askAs(server, grant)).toBe(401);
  });

  test('goes by a pushed request and a bound key where both are required', async () => {
    const server = await start({
      dpopNonce: 'n1',
      resourceMetadata: { dpop_bound_access_tokens_required: true },
      metadata: { require_pushed_authorization_requests: true },
    });
    server.on('metadata', (call) => ({
      body: {
        issuer: server.issuer,
        authorization_endpoint: `${server.issuer}/authorize`,
        token_endpoint: `${server.issuer}/token`,
        registration_endpoint: `${server.issuer}/register`,
        pushed_authorization_request_endpoint: `${server.issuer}/par`,
        require_pushed_authorization_requests: true,
        code_challenge_methods_supported: ['S256'],
        asked: call.count,
      },
    }));
    const grant = await signIn(server);
    expect(grant).toMatchObject({ tokenType: 'dpop', dpopNonce: 'n1' });
    expect(server.count('par')).toBe(1);
    expect(server.count('token')).toBe(2);
    const tokensBefore = server.count('refresh');
    await refreshGrant(grant, httpFor(server));
    expect(server.count('refresh') - tokensBefore).toBe(1);
  });
});

describe('tokens as the server is told to treat them', () => {
  test('a refresh token that is spent by use is good until what it led to was used', async () => {
    const server = await start({ spentBy: 'use' });
    const first = await signIn(server);
    await refreshGrant(first, httpFor(server));
    const again = await refreshGrant(first, httpFor(server));
    expect([await askAs(server, again), server.tokens.reuses]).toEqual([200, 0]);
    await expect(refreshGrant(first, httpFor(server))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_GRANT_INVALID'),
    );
    expect([await askAs(server, again), server.tokens.reuses]).toEqual([401, 1]);
  });

  test('access tokens end early for one person, for one request, or when they were in use', async () => {
    const server = await start();
    const unused = await signIn(server);
    server.tokens.expireAccessTokens({ inUse: true });
    expect(await askAs(server, unused)).toBe(200);
    server.tokens.expireAccessTokens({ of: 'somebody-else' });
    expect(await askAs(server, unused)).toBe(200);
    server.tokens.expireAccessTokens({ inUse: true, once: true });
    expect([await askAs(server, unused), await askAs(server, unused)]).toEqual([401, 200]);
    server.tokens.expireAccessTokens({ of: 'user-1' });
    expect([await askAs(server, unused), await askAs(server, unused)]).toEqual([401, 401]);
  });

  test('every secret begins with its mark', async () => {
    const server = await start({ mark: 'zmark' });
    const grant = await signIn(server);
    const code = [...server.tokens.codes.keys()];
    for (const secret of [grant.accessToken, grant.refreshToken, ...code]) expect(secret).toMatch(/^zmark/u);
  });

  test('whoever comes is decided for by their request, and may be turned away', async () => {
    const server = await start({
      decide: ({ url }) => ({ subject: url.searchParams.get('state') ?? '', approves: false }),
    });
    await expect(signIn(server)).rejects.toEqual(coded('ERR_POSTERN_AUTH_DENIED'));
    expect([server.count('authorize'), server.count('token'), server.tokens.codes.size]).toEqual([1, 0, 0]);
  });

  test('an override sees what the server would have answered, and calls are counted though not kept', async () => {
    const server = await start({ keepCalls: false });
    const seen: Reply[] = [];
    server.on('refresh', async (_call, standard) => {
      seen.push(await standard());
      return { status: 503 };
    });
    const grant = await signIn(server);
    await expect(refreshGrant(grant, httpFor(server))).rejects.toHaveProperty('code');
    expect(seen).toEqual([{ body: expect.objectContaining({ token_type: 'Bearer' }) }]);
    expect([server.count('refresh'), server.calls]).toEqual([1, []]);
  });

  test('without a socket it answers as a fetch, and refuses to play a broken wire', async () => {
    const server = new ProgrammableAuthorization('https://login.example');
    const response = await server.fetch(server.resource);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('https://login.example/.well-known/oauth-protected-resource/mcp'),
    ]);
    server.on('resource', () => ({ cut: 'now' }));
    await expect(server.fetch(server.resource)).rejects.toBeInstanceOf(TypeError);
  });
});

describe('hostile answers', () => {
  const failing: readonly [string, Reply, string][] = [
    ['fifty megabytes', { floodBytes: 50_000_000 }, 'METADATA_INVALID'],
    ['a byte at a time', { dripEveryMs: 20 }, 'UNREACHABLE'],
    ['headers that never come', { hang: 'headers' }, 'UNREACHABLE'],
    ['a body that never comes', { hang: 'body' }, 'UNREACHABLE'],
    ['a cut connection', { cut: 'now' }, 'UNREACHABLE'],
    ['a body cut short', { cut: 'midway' }, 'UNREACHABLE'],
    ['nesting a hundred thousand deep', { body: '['.repeat(100_000) }, 'METADATA_INVALID'],
    [
      'a redirect into a private network',
      { status: 302, headers: { location: 'http://10.0.0.1/' } },
      'URL_FORBIDDEN',
    ],
  ];

  test.each(failing)(
    'metadata of %s ends in a typed error before the deadline and a second more',
    async (_, reply, code) => {
      const server = await start();
      server.on('metadata', () => reply);
      const startedAt = performance.now();
      await expect(discover(server.resource, undefined, httpFor(server, 400))).rejects.toEqual(
        coded(`ERR_POSTERN_OAUTH_${code}`),
      );
      expect(performance.now() - startedAt).toBeLessThan(4_000);
    },
  );

  test.each(failing.filter(([name]) => !name.includes('redirect')))(
    'a token reply of %s ends in a typed error, and is not asked for again',
    async (_, reply) => {
      const server = await start();
      const grant = await signIn(server);
      server.on('refresh', () => reply);
      await expect(refreshGrant(grant, httpFor(server, 400))).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_POSTERN_OAUTH_(?:UNREACHABLE|RESPONSE_INVALID)$/u),
      });
      expect(server.count('refresh')).toBe(1);
    },
  );

  test('fifty megabytes block nothing and fill nothing', async () => {
    const server = await start();
    server.on('metadata', () => ({ floodBytes: 50_000_000 }));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    const before = process.memoryUsage().rss;
    delay.enable();
    await expect(discover(server.resource, undefined, httpFor(server))).rejects.toHaveProperty('code');
    delay.disable();
    expect(delay.percentile(99) / 1e6).toBeLessThan(500);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('a token endpoint that redirects is not sent the refresh token twice', async () => {
    const server = await start();
    const grant = await signIn(server);
    server.on('refresh', () => ({ status: 307, headers: { location: `${server.origin}/elsewhere` } }));
    await expect(refreshGrant(grant, httpFor(server))).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
    );
    expect(server.count('other')).toBe(0);
  });

  test('metadata of another issuer leads to no token request', async () => {
    const server = await start({ metadata: { issuer: 'https://evil.example' } });
    await expect(signIn(server)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
    expect([server.count('register'), server.count('token')]).toEqual([0, 0]);
  });

  test('a callback from another issuer leads to no token request', async () => {
    const server = await start();
    server.on('authorize', (call) => {
      const location = new URL(call.url.searchParams.get('redirect_uri') ?? '');
      location.search = new URLSearchParams({
        code: 'x',
        state: call.url.searchParams.get('state') ?? '',
        iss: 'https://evil.example',
      }).toString();
      return { status: 302, headers: { location: location.href } };
    });
    await expect(signIn(server)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
    expect(server.count('token')).toBe(0);
  });
});

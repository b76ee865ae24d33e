import { allowPkceUnadvertised } from './allowed.ts';
import { calculatePKCECodeChallenge } from 'oauth4webapi';
import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route } from '../../test/support/programmable-fetch.ts';
import { attemptSchema, createAttempt, type CreateAttemptOptions } from './attempt.ts';
import type { ClientIdentity } from './client-identity.ts';
import { createOAuthHttp, type OAuthHttp } from './oauth-http.ts';

const issuer = 'https://as.example';
const coded = (code: string): unknown => expect.objectContaining({ code });

const client: ClientIdentity = {
  issuer,
  clientId: 'c1',
  tokenEndpointAuthMethod: 'none',
  source: 'dynamic',
  redirectUris: ['http://127.0.0.1:4000/callback'],
};

function options(
  server: Record<string, unknown> = {},
  more: Partial<CreateAttemptOptions> = {},
): CreateAttemptOptions {
  return {
    discovery: {
      issuer,
      resource: 'https://mcp.example/mcp',
      legacyEndpoints: false,
      dpopRequired: false,
      server: {
        issuer,
        authorization_endpoint: `${issuer}/authorize?tenant=1`,
        token_endpoint: `${issuer}/token`,
        code_challenge_methods_supported: ['plain', 'S256'],
        ...server,
      },
    },
    client,
    redirectUri: 'http://127.0.0.1:4000/callback',
    scopes: ['a', 'b'],
    random: (length) => new Uint8Array(length).fill(7),
    ...more,
  };
}

function http(routes: Record<string, Route> = {}): OAuthHttp {
  return createOAuthHttp({ fetch: programmableFetch(routes).fetch, clock: () => 42 });
}

describe('createAttempt', () => {
  test('asks with PKCE, state, resource and scopes, and keeps the query of the endpoint', async () => {
    const { attempt, state, url } = await createAttempt(options(), http());
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      tenant: '1',
      response_type: 'code',
      client_id: 'c1',
      redirect_uri: 'http://127.0.0.1:4000/callback',
      state,
      code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
      code_challenge_method: 'S256',
      scope: 'a b',
      resource: 'https://mcp.example/mcp',
    });
    expect(attempt).toMatchObject({ issuer, tokenEndpoint: `${issuer}/token`, client, createdAtMs: 42 });
    expect(attemptSchema.parse(JSON.parse(JSON.stringify(attempt)))).toEqual(
      JSON.parse(JSON.stringify(attempt)),
    );
  });

  test('state and verifier are of 128 bits or more, and never the same twice', async () => {
    const free = { ...options(), random: undefined };
    const runs = await Promise.all([createAttempt(free, http()), createAttempt(free, http())]);
    const secrets = runs.flatMap(({ state, attempt }) => [state, attempt.codeVerifier]);
    expect(new Set(secrets).size).toBe(4);
    for (const secret of secrets) expect(secret).toMatch(/^[\w-]{22,128}$/u);
    for (const { attempt } of runs) expect(attempt.codeVerifier).toMatch(/^[\w-]{43,128}$/u);
  });

  test('neither the state nor the verifier is written where the other one is', async () => {
    const { attempt, state, url } = await createAttempt({ ...options(), random: undefined }, http());
    expect(url).not.toContain(attempt.codeVerifier);
    expect(JSON.stringify(attempt)).not.toContain(state);
  });

  test.each([[undefined], [[]], [['plain']], [['s256']]])(
    'a server that advertises %j for PKCE is refused, unless the operator allows it',
    async (methods) => {
      const weak = options({ code_challenge_methods_supported: methods });
      await expect(createAttempt(weak, http())).rejects.toEqual(coded('ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED'));
      const { url } = await createAttempt({ ...weak, [allowPkceUnadvertised]: true }, http());
      expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256');
    },
  );

  test('a server without metadata cannot advertise PKCE and is sent it all the same', async () => {
    const legacy = options({ code_challenge_methods_supported: undefined });
    const { url } = await createAttempt(
      { ...legacy, discovery: { ...legacy.discovery, legacyEndpoints: true } },
      http(),
    );
    expect(new URL(url).searchParams.get('code_challenge')).not.toBeNull();
  });

  test('scopes that nobody named are left out', async () => {
    const { url } = await createAttempt(options({}, { scopes: undefined }), http());
    expect(new URL(url).searchParams.has('scope')).toBe(false);
  });

  test('offline access is asked for along with a consent, at an OpenID provider', async () => {
    const openId = { id_token_signing_alg_values_supported: ['ES256'] };
    const { url } = await createAttempt(options(openId, { scopes: ['a', 'offline_access'] }), http());
    expect(new URL(url).searchParams.get('prompt')).toBe('consent');
  });

  test('a profile and the caller add parameters, the caller last', async () => {
    const { url, attempt } = await createAttempt(
      options(
        {},
        {
          profile: {
            authorizeParams: { prompt: 'consent', audience: 'x' },
            omitResource: true,
            scopeSeparator: ',',
          },
          extraAuthorizeParams: { prompt: 'login' },
          loginHint: 'someone',
        },
      ),
      http(),
    );
    const sent = Object.fromEntries(new URL(url).searchParams);
    expect(sent).toMatchObject({ prompt: 'login', audience: 'x', login_hint: 'someone', scope: 'a,b' });
    expect(sent).not.toHaveProperty('resource');
    expect(attempt.resource).toBe('https://mcp.example/mcp');
  });

  test.each([
    'redirect_uri',
    'state',
    'code_challenge',
    'code_challenge_method',
    'response_type',
    'request_uri',
  ])('the parameter %s cannot be set from outside', async (name) => {
    for (const more of [
      { extraAuthorizeParams: { [name]: 'x' } },
      { profile: { authorizeParams: { [name]: 'x' } } },
    ]) {
      await expect(createAttempt(options({}, more), http())).rejects.toEqual(
        coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
      );
    }
  });

  test('a client of another issuer is not used', async () => {
    const foreign = { ...client, issuer: 'https://old.example' };
    await expect(createAttempt(options({}, { client: foreign }), http())).rejects.toEqual(
      coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
    );
  });

  test.each(['http://evil.example/', 'file:///etc/passwd', 'ms-msdt:/id', 'https://127.0.0.1/authorize'])(
    'an authorization endpoint at %s is never opened',
    async (endpoint) => {
      await expect(createAttempt(options({ authorization_endpoint: endpoint }), http())).rejects.toEqual(
        coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
      );
    },
  );

  test('an authorization endpoint cannot smuggle a command', async () => {
    const { url } = await createAttempt(
      options({ authorization_endpoint: `${issuer}/$(calc.exe)?a=\`id\`;b` }),
      http(),
    );
    expect(url).not.toMatch(/[$()`;|'"<>\s]/u);
  });

  test('tokens for a resource that requires it are bound to a fresh key', async () => {
    const bound = options();
    const start = () =>
      createAttempt({ ...bound, discovery: { ...bound.discovery, dpopRequired: true } }, http());
    const [first, second] = [await start(), await start()];
    expect(first.attempt.dpopKeyJwk).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256' });
    expect(first.attempt.dpopKeyJwk?.d).not.toBe(second.attempt.dpopKeyJwk?.d);
    expect(new URL(first.url).searchParams.get('dpop_jkt')).toMatch(/^[\w-]{43}$/u);
  });

  test('a server that requires it is pushed the request, and the URL carries only its handle', async () => {
    const par = `${issuer}/par`;
    const { fetch, sent } = programmableFetch({
      [par]: Response.json({ request_uri: 'urn:x:1', expires_in: 60 }, { status: 201 }),
    });
    const { url, state } = await createAttempt(
      options({ require_pushed_authorization_requests: true, pushed_authorization_request_endpoint: par }),
      createOAuthHttp({ fetch }),
    );
    expect(Object.fromEntries(new URL(url).searchParams)).toEqual({
      tenant: '1',
      client_id: 'c1',
      request_uri: 'urn:x:1',
    });
    expect(sent[0]?.form.get('state')).toBe(state);
    expect(sent[0]?.form.get('code_challenge_method')).toBe('S256');
  });

  test('a push that is refused names only a registered error', async () => {
    const par = `${issuer}/par`;
    const refused = Response.json({ error: 'invalid_request', error_description: 'CNRY' }, { status: 400 });
    const call = createAttempt(
      options({ require_pushed_authorization_requests: true, pushed_authorization_request_endpoint: par }),
      http({ [par]: refused }),
    );
    await expect(call).rejects.toThrow('invalid_request');
    await expect(call).rejects.not.toThrow('CNRY');
  });
});

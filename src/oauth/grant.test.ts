import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route, type SentRequest } from '../../test/support/programmable-fetch.ts';
import type { Attempt } from './attempt.ts';
import { privateKeyFromPem } from './client-authentication.ts';
import type { ClientIdentity } from './client-identity.ts';
import { pollDevice, startDeviceAuthorization } from './device.ts';
import { generateDpopKey } from './dpop.ts';
import {
  clientCredentialsGrant,
  exchangeCode,
  exchangeForIdJag,
  grantSchema,
  jwtBearerGrant,
  refreshGrant,
  revokeGrant,
  type Grant,
} from './grant.ts';
import { createOAuthHttp, type OAuthHttp } from './oauth-http.ts';

const issuer = 'https://as.example';
const token = `${issuer}/token`;
const revoke = `${issuer}/revoke`;
const coded = (code: string): unknown => expect.objectContaining({ code });

const client: ClientIdentity = {
  issuer,
  clientId: 'c 1',
  tokenEndpointAuthMethod: 'none',
  source: 'dynamic',
  redirectUris: [],
};

const attempt: Attempt = {
  issuer,
  issParameterSupported: true,
  authorizationEndpoint: `${issuer}/authorize`,
  tokenEndpoint: token,
  revocationEndpoint: revoke,
  client,
  redirectUri: 'http://127.0.0.1:1/callback',
  resource: 'https://mcp.example/mcp',
  scopes: ['a', 'b'],
  codeVerifier: 'v'.repeat(43),
  createdAtMs: 0,
};

const grant: Grant = {
  accessToken: 'at-0',
  tokenType: 'bearer',
  refreshToken: 'rt-0',
  scopes: ['a', 'b'],
  issuer,
  tokenEndpoint: token,
  revocationEndpoint: revoke,
  client,
  resource: 'https://mcp.example/mcp',
  obtainedAtMs: 1,
};

function serve(routes: Record<string, Route>): { http: OAuthHttp; sent: SentRequest[] } {
  const { fetch, sent } = programmableFetch(routes);
  return { http: createOAuthHttp({ fetch, clock: () => 5000 }), sent };
}

const tokens = (more: Record<string, unknown> = {}): Route => ({
  access_token: 'at-1',
  token_type: 'bearer',
  expires_in: 10,
  ...more,
});

describe('exchangeCode', () => {
  test('sends the code with the attempt’s own verifier, redirect URI and resource', async () => {
    const { http, sent } = serve({ [token]: tokens({ refresh_token: 'rt-1' }) });
    const made = await exchangeCode(attempt, 'the-code', http);
    expect(Object.fromEntries(sent[0]?.form ?? [])).toEqual({
      grant_type: 'authorization_code',
      code: 'the-code',
      code_verifier: attempt.codeVerifier,
      redirect_uri: attempt.redirectUri,
      resource: attempt.resource,
      client_id: 'c 1',
    });
    expect(made).toMatchObject({
      accessToken: 'at-1',
      refreshToken: 'rt-1',
      expiresAtMs: 15_000,
      scopes: ['a', 'b'],
      issuer,
      tokenEndpoint: token,
      obtainedAtMs: 5000,
    });
    expect(grantSchema.parse(JSON.parse(JSON.stringify(made)))).toEqual(JSON.parse(JSON.stringify(made)));
  });

  test('is sent once, whatever goes wrong', async () => {
    for (const answer of [
      new Response('', { status: 500 }),
      new TypeError('cut'),
      [],
      { error: 'invalid_grant' },
    ]) {
      const { http, sent } = serve({ [token]: answer });
      await expect(exchangeCode(attempt, 'c', http)).rejects.toHaveProperty('code');
      expect(sent).toHaveLength(1);
    }
  });

  test('keeps the scopes that were granted instead of those asked for', async () => {
    const { http } = serve({ [token]: tokens({ scope: 'a' }) });
    expect((await exchangeCode(attempt, 'c', http)).scopes).toEqual(['a']);
  });

  test.each([
    ['client_secret_basic', 'c+1:s%2F', null],
    ['client_secret_post', null, 's/'],
  ] as const)('authenticates by %s', async (method, header, secret) => {
    const { http, sent } = serve({ [token]: tokens() });
    const identity = { ...client, clientSecret: 's/', tokenEndpointAuthMethod: method };
    await exchangeCode({ ...attempt, client: identity }, 'c', http);
    const [request] = sent;
    expect(request?.form.get('client_secret')).toBe(secret);
    const sentHeader = request?.headers.get('authorization') ?? null;
    expect(sentHeader && atob(sentHeader.replace('Basic ', ''))).toBe(header);
  });

  test('a secret of letters, digits, `-`, `.` and `_` goes into the header as it is', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const identity = {
      ...client,
      clientId: 'a-b.c_d',
      clientSecret: 'GOCSPX-1_2.3',
      tokenEndpointAuthMethod: 'client_secret_basic' as const,
    };
    await exchangeCode({ ...attempt, client: identity }, 'c', http);
    expect(sent[0]?.headers.get('authorization')).toBe(`Basic ${btoa('a-b.c_d:GOCSPX-1_2.3')}`);
  });

  test('authenticates by an assertion for the issuer, signed with the client’s key', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const privateKeyJwk = { ...(await generateDpopKey()), kid: 'k1' };
    const identity = { ...client, privateKeyJwk, tokenEndpointAuthMethod: 'private_key_jwt' as const };
    await exchangeCode({ ...attempt, client: identity }, 'c', http);
    const assertion = sent[0]?.form.get('client_assertion') ?? '';
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: 'ES256', kid: 'k1' });
    expect(decodeJwt(assertion)).toMatchObject({ iss: 'c 1', sub: 'c 1', aud: issuer });
  });

  test('authenticates by an assertion somebody else makes', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const identity = { ...client, tokenEndpointAuthMethod: 'private_key_jwt' as const };
    await exchangeCode({ ...attempt, client: identity }, 'c', http, { clientAssertion: async () => 'made' });
    expect(sent[0]?.form.get('client_assertion')).toBe('made');
  });

  test('without the secret its method needs, nothing is sent', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const identity = { ...client, tokenEndpointAuthMethod: 'client_secret_basic' as const };
    await expect(exchangeCode({ ...attempt, client: identity }, 'c', http)).rejects.toEqual(
      coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
    );
    expect(sent).toEqual([]);
  });
});

describe('refreshGrant', () => {
  test('asks only the recorded endpoint, for the recorded resource', async () => {
    const { http, sent } = serve({ [token]: tokens({ refresh_token: 'rt-1', scope: 'a' }) });
    const next = await refreshGrant(grant, http);
    expect(sent.map(({ url }) => url)).toEqual([token]);
    expect(Object.fromEntries(sent[0]?.form ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rt-0',
      resource: grant.resource,
      client_id: 'c 1',
    });
    expect(next).toMatchObject({
      accessToken: 'at-1',
      refreshToken: 'rt-1',
      scopes: ['a'],
      obtainedAtMs: 1,
      refreshedAtMs: 5000,
      expiresAtMs: 15_000,
    });
  });

  test('keeps what the reply leaves out, but not an expiry that no longer holds', async () => {
    const { http } = serve({ [token]: { access_token: 'at-1', token_type: 'bearer' } });
    const next = await refreshGrant({ ...grant, expiresAtMs: 1, subject: 'p' }, http);
    expect(next).toMatchObject({
      refreshToken: 'rt-0',
      scopes: ['a', 'b'],
      subject: 'p',
      expiresAtMs: undefined,
    });
  });

  test('keeps fields of a newer version', async () => {
    const { http } = serve({ [token]: tokens() });
    expect(await refreshGrant({ ...grant, later: 1 } as Grant, http)).toMatchObject({ later: 1 });
  });

  test('repeats the granted scopes where the issuer wants them', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    await refreshGrant({ ...grant, profile: { refreshScope: 'granted', omitResource: true } }, http);
    expect(sent[0]?.form.get('scope')).toBe('a b');
    expect(sent[0]?.form.has('resource')).toBe(false);
  });

  test('without a refresh token sends nothing', async () => {
    const { http, sent } = serve({});
    await expect(refreshGrant({ ...grant, refreshToken: undefined }, http)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_GRANT_INVALID'),
    );
    expect(sent).toEqual([]);
  });

  test('with one that has ended by its own account sends nothing', async () => {
    const { http, sent } = serve({});
    await expect(refreshGrant({ ...grant, refreshExpiresAtMs: 5_000 }, http)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_GRANT_INVALID'),
    );
    expect(sent).toEqual([]);
  });

  test.each([
    ['the same token and no word', {}, 9_000_000, undefined],
    ['another token and no word', { refresh_token: 'rt-1' }, undefined, undefined],
    ['a later end', { refresh_token: 'rt-1', refresh_expires_in: 20_000 }, 20_005_000, 5_000],
    ['the same end', { refresh_token: 'rt-1', refresh_expires_in: 8_990 }, 8_995_000, undefined],
  ])('answered with %s knows when its refresh token ends', async (_what, reply, endMs, sinceMs) => {
    const { http } = serve({ [token]: tokens(reply) });
    const next = await refreshGrant({ ...grant, refreshExpiresAtMs: 9_000_000 }, http);
    expect([next.refreshExpiresAtMs, next.refreshIssuedAtMs]).toEqual([endMs, sinceMs]);
  });

  test('never sends a refresh token to a forbidden place', async () => {
    const { http, sent } = serve({});
    await expect(refreshGrant({ ...grant, tokenEndpoint: 'http://10.0.0.1/token' }, http)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'),
    );
    expect(sent).toEqual([]);
  });
});

describe('tokens bound to a key', () => {
  test('are asked for with a proof for the token endpoint', async () => {
    const { http, sent } = serve({ [token]: tokens({ token_type: 'DPoP' }) });
    const dpopKeyJwk = await generateDpopKey();
    const made = await exchangeCode({ ...attempt, dpopKeyJwk }, 'c', http);
    const proof = sent[0]?.headers.get('dpop') ?? '';
    expect(decodeJwt(proof)).toMatchObject({ htm: 'POST', htu: token, iat: 5 });
    expect(decodeProtectedHeader(proof)).toEqual({
      alg: 'ES256',
      typ: 'dpop+jwt',
      jwk: { kty: 'EC', crv: 'P-256', x: dpopKeyJwk.x, y: dpopKeyJwk.y },
    });
    expect(made).toMatchObject({ tokenType: 'dpop', dpopKeyJwk });
  });

  test('are asked for twice when the server wants its nonce, with a fresh proof', async () => {
    const wants = new Response('{"error":"use_dpop_nonce"}', {
      status: 400,
      headers: { 'dpop-nonce': 'n1' },
    });
    let asked = 0;
    const { http, sent } = serve({
      [token]: () => (asked++ === 0 ? wants : (tokens({ token_type: 'dpop' }) as Response)),
    });
    const made = await exchangeCode({ ...attempt, dpopKeyJwk: await generateDpopKey() }, 'c', http);
    const [first, second] = sent.map(({ headers }) => decodeJwt(headers.get('dpop') ?? ''));
    expect(first).not.toHaveProperty('nonce');
    expect(second?.nonce).toBe('n1');
    expect(second?.jti).not.toBe(first?.jti);
    expect(made.dpopNonce).toBe('n1');
  });

  test('are not asked for a third time', async () => {
    const wants = (): Response =>
      new Response('{"error":"use_dpop_nonce"}', {
        status: 400,
        headers: { 'dpop-nonce': crypto.randomUUID() },
      });
    const { http, sent } = serve({ [token]: wants });
    await expect(
      exchangeCode({ ...attempt, dpopKeyJwk: await generateDpopKey() }, 'c', http),
    ).rejects.toMatchObject({ code: 'ERR_POSTERN_OAUTH_REQUEST_FAILED', error: 'use_dpop_nonce' });
    expect(sent).toHaveLength(2);
  });

  test('are refreshed with the nonce remembered, so the first request counts', async () => {
    const { http, sent } = serve({ [token]: tokens({ token_type: 'dpop' }) });
    const bound = {
      ...grant,
      tokenType: 'dpop' as const,
      dpopKeyJwk: await generateDpopKey(),
      dpopNonce: 'n7',
    };
    await refreshGrant(bound, http);
    expect(decodeJwt(sent[0]?.headers.get('dpop') ?? '').nonce).toBe('n7');
  });
});

describe('revokeGrant', () => {
  test('ends the refresh token first, then the access token', async () => {
    const { http, sent } = serve({ [revoke]: new Response(null, { status: 200 }) });
    expect(await revokeGrant(grant, http)).toEqual({ refreshToken: 'confirmed', accessToken: 'confirmed' });
    expect(sent.map(({ form }) => [form.get('token_type_hint'), form.get('token')])).toEqual([
      ['refresh_token', 'rt-0'],
      ['access_token', 'at-0'],
    ]);
  });

  test('says so when there is no place to ask', async () => {
    const { http, sent } = serve({});
    expect(await revokeGrant({ ...grant, revocationEndpoint: undefined }, http)).toEqual({
      refreshToken: 'unsupported',
      accessToken: 'unsupported',
    });
    expect(sent).toEqual([]);
  });

  test('takes a token that is dead already for ended', async () => {
    const { http } = serve({ [revoke]: Response.json({ error: 'invalid_token' }, { status: 400 }) });
    expect(await revokeGrant(grant, http)).toEqual({ refreshToken: 'confirmed', accessToken: 'confirmed' });
  });

  test.each([
    ['unsupported_token_type', 'unsupported'],
    ['invalid_request', 'refused'],
    ['an_error_of_its_own', 'refused'],
  ])(
    'a token that is refused with %s counts as %s, and the other is asked for all the same',
    async (error, end) => {
      const { http, sent } = serve({ [revoke]: () => Response.json({ error }, { status: 400 }) });
      expect(await revokeGrant(grant, http)).toEqual({ refreshToken: end, accessToken: end });
      expect(sent).toHaveLength(2);
    },
  );

  test.each([
    [Response.json({ error: 'invalid_client' }, { status: 401 }), 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    [new Response('', { status: 503 }), 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
    [new TypeError('fetch failed'), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  ])('fails with a typed error', async (answer, code) => {
    const { http } = serve({ [revoke]: answer });
    await expect(revokeGrant(grant, http)).rejects.toEqual(coded(code));
  });
});

describe('grants without a browser', () => {
  const discovery = {
    issuer,
    server: { issuer, token_endpoint: token, device_authorization_endpoint: `${issuer}/device` },
    resource: 'https://mcp.example/mcp',
    dpopRequired: false,
  };

  test('client credentials name scopes and resource', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const made = await clientCredentialsGrant({ discovery, client, scopes: ['a'] }, http);
    expect(Object.fromEntries(sent[0]?.form ?? [])).toMatchObject({
      grant_type: 'client_credentials',
      scope: 'a',
      resource: discovery.resource,
    });
    expect(made).toMatchObject({ accessToken: 'at-1', scopes: ['a'], issuer, resource: discovery.resource });
  });

  test('an assertion is exchanged as it is, and not twice', async () => {
    const { http, sent } = serve({ [token]: Response.json({ error: 'invalid_scope' }, { status: 400 }) });
    await expect(jwtBearerGrant({ discovery, client, assertion: 'a.b.c' }, http)).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REQUEST_REFUSED',
      error: 'invalid_scope',
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.form.get('assertion')).toBe('a.b.c');
    expect(sent[0]?.form.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
  });

  test('a client of another issuer obtains nothing', async () => {
    const { http, sent } = serve({ [token]: tokens() });
    const foreign = { ...client, issuer: 'https://other.example' };
    await expect(clientCredentialsGrant({ discovery, client: foreign }, http)).rejects.toEqual(
      coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
    );
    expect(sent).toEqual([]);
  });

  test('an ID token is exchanged for an ID-JAG, and for nothing else', async () => {
    const type = 'urn:ietf:params:oauth:token-type:id-jag';
    const idJag = { access_token: 'jag', issued_token_type: type, token_type: 'N_A' };
    const options = {
      client,
      tokenEndpoint: token,
      subjectToken: 'id',
      audience: 'https://mcp-as.example',
      resource: discovery.resource,
    };
    const { http, sent } = serve({ [token]: idJag });
    expect(await exchangeForIdJag(options, http)).toBe('jag');
    expect(Object.fromEntries(sent[0]?.form ?? [])).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: type,
      subject_token: 'id',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: 'https://mcp-as.example',
      resource: discovery.resource,
    });
    const other = serve({
      [token]: { ...idJag, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    });
    await expect(exchangeForIdJag(options, other.http)).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
    );
  });

  const device = {
    device_code: 'dc',
    user_code: 'AB-CD',
    verification_uri: 'https://as.example/go',
    expires_in: 60,
  };
  const pollErrors =
    (...errors: string[]): Route =>
    () =>
      Response.json({ error: errors.shift() ?? 'authorization_pending' }, { status: 400 });

  test('a device code slows down by five seconds each time it is told to', async () => {
    const { http } = serve({
      [`${issuer}/device`]: device,
      [token]: pollErrors('slow_down', 'slow_down', 'slow_down', 'authorization_pending'),
    });
    const started = await startDeviceAuthorization({ discovery, client }, http);
    let { intervalMs } = started;
    const intervals = [intervalMs];
    for (let poll = 0; poll < 4; poll++) {
      const found = await pollDevice(started, http, { intervalMs });
      if (found.status === 'waiting') ({ intervalMs } = found);
      intervals.push(intervalMs);
    }
    expect(intervals).toEqual([5000, 10_000, 15_000, 20_000, 20_000]);
  });

  test('a server that answers in form encoding is understood, at the device endpoint and at each poll', async () => {
    const form = (body: Record<string, string>) => new Response(new URLSearchParams(body));
    const answers = [form({ error: 'authorization_pending' }), form({ error: 'slow_down' })];
    const { http } = serve({
      [`${issuer}/device`]: form({
        device_code: 'dc',
        user_code: 'ABCD-EFGH',
        verification_uri: `${issuer}/device-page`,
        expires_in: '900',
        interval: '5',
      }),
      [token]: () => answers.shift() ?? form({ access_token: 'at-1', token_type: 'bearer', scope: 'a' }),
    });
    const started = await startDeviceAuthorization({ discovery, client }, http);
    expect(started).toMatchObject({ userCode: 'ABCD-EFGH', intervalMs: 5000 });
    expect(await pollDevice(started, http)).toEqual({ status: 'waiting', intervalMs: 5000 });
    expect(await pollDevice(started, http)).toEqual({ status: 'waiting', intervalMs: 10_000 });
    expect(await pollDevice(started, http)).toMatchObject({
      status: 'granted',
      grant: { accessToken: 'at-1' },
    });
  });

  test('whom the issuer is to expect is sent along', async () => {
    const { http, sent } = serve({ [`${issuer}/device`]: device });
    await startDeviceAuthorization({ discovery, client, loginHint: 'al@home.example' }, http);
    await startDeviceAuthorization({ discovery, client }, serve({ [`${issuer}/device`]: device }).http);
    expect(sent.map(({ form }) => form.get('login_hint'))).toEqual(['al@home.example']);
  });

  test('a device code ends in a grant, a refusal, or by running out', async () => {
    const start = (answer: Route) => serve({ [`${issuer}/device`]: device, [token]: answer });
    const granted = start(tokens());
    const started = await startDeviceAuthorization({ discovery, client, scopes: ['a'] }, granted.http);
    expect(await pollDevice(started, granted.http)).toMatchObject({
      status: 'granted',
      grant: { accessToken: 'at-1', scopes: ['a'] },
    });
    await expect(pollDevice(started, start(pollErrors('access_denied')).http)).rejects.toEqual(
      coded('ERR_POSTERN_AUTH_DENIED'),
    );
    await expect(pollDevice(started, start(pollErrors('expired_token')).http)).rejects.toEqual(
      coded('ERR_POSTERN_PENDING_EXPIRED'),
    );
    const late = start(tokens());
    await expect(pollDevice({ ...started, expiresAtMs: 5000 }, late.http)).rejects.toEqual(
      coded('ERR_POSTERN_PENDING_EXPIRED'),
    );
    expect(late.sent).toEqual([]);
  });

  test.each([null, 0, -1, 5e-324, 0.9, '', 'soon', [], { toString: 1, valueOf: 1 }])(
    'a device code with a lifetime of %j is refused before anybody sees it',
    async (expires_in) => {
      const { http } = serve({ [`${issuer}/device`]: { ...device, expires_in } });
      await expect(startDeviceAuthorization({ discovery, client }, http)).rejects.toEqual(
        coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
      );
    },
  );

  test.each([{ toString: 1, valueOf: 1 }, 5e-324, 0.001, 0, -1])(
    'a device code whose interval is %j is polled for every five seconds',
    async (interval) => {
      const { http } = serve({ [`${issuer}/device`]: { ...device, interval } });
      expect(await startDeviceAuthorization({ discovery, client }, http)).toMatchObject({ intervalMs: 5000 });
    },
  );

  test.each(['\u001b[2J\u001b[HPassword:', 'AB\r\nCD', 'AB\u202eCD', 'A\u0000B', 'A'.repeat(129), ' \u200b'])(
    'a user code of %j, which nobody could type, is never shown',
    async (user_code) => {
      const { http } = serve({ [`${issuer}/device`]: { ...device, user_code } });
      await expect(startDeviceAuthorization({ discovery, client }, http)).rejects.toEqual(
        coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
      );
    },
  );

  test.each(['WDJB-MJHT', '123 456', 'äöü-漢字'])('a user code of %j is', async (user_code) => {
    const { http } = serve({ [`${issuer}/device`]: { ...device, user_code } });
    expect((await startDeviceAuthorization({ discovery, client }, http)).userCode).toBe(user_code);
  });

  test.each(['javascript:alert(1)', 'http://169.254.169.254/', `https://as.example/${'x'.repeat(10_000)}`])(
    'a device page at %.40s is never shown',
    async (verification_uri) => {
      const { http } = serve({ [`${issuer}/device`]: { ...device, verification_uri } });
      await expect(startDeviceAuthorization({ discovery, client }, http)).rejects.toMatchObject({
        code: expect.stringMatching(/URL_FORBIDDEN|RESPONSE_INVALID/u),
      });
    },
  );
});

describe('privateKeyFromPem', () => {
  test('reads a PKCS #8 key, and quotes nothing of one it cannot read', async () => {
    await expect(
      privateKeyFromPem('-----BEGIN PRIVATE KEY-----\nCNRY\n-----END PRIVATE KEY-----'),
    ).rejects.toEqual(coded('ERR_POSTERN_CONFIG_MISCONFIGURED'));
    const { privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
    ]);
    const der = new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey));
    const pem = `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...der))}\n-----END PRIVATE KEY-----`;
    expect(await privateKeyFromPem(pem)).toMatchObject({ kty: 'EC', alg: 'ES256', d: expect.any(String) });
  });
});

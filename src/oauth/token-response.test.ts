import { generateKeyPair, SignJWT } from 'jose';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPosternError } from '../core/postern-error.ts';
import { profileOf } from './profiles/find-profile.ts';
import { processTokenResponse, type TokenExpectation, type Tokens } from './token-response.ts';

const nowMs = 1_700_000_000_000;
const issuer = 'https://as.example';
const coded = (code: string): unknown => expect.objectContaining({ code });
const good = { access_token: 'CNRY-at', token_type: 'Bearer' };

function process(response: Response, more: Partial<TokenExpectation> = {}): Promise<Tokens> {
  return processTokenResponse(response, {
    issuer,
    clientId: 'c1',
    dpop: false,
    openid: false,
    sentAtMs: nowMs,
    clock: () => nowMs,
    ...more,
  });
}

const json = (body: unknown, status = 200): Response => Response.json(body, { status });

/** Everything an error shows to whoever logs it. */
async function shown(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(isPosternError(error)).toBe(true);
  const { cause, stack, hint } = error as Error & { hint?: string };
  return [String(error), stack, hint, JSON.stringify(error), JSON.stringify(cause), String(cause)].join('\n');
}

describe('a usable reply', () => {
  test('is read', async () => {
    const body = { ...good, expires_in: 60, refresh_token: 'rt', scope: 'a b' };
    expect(await process(json(body))).toEqual({
      accessToken: 'CNRY-at',
      tokenType: 'bearer',
      expiresAtMs: nowMs + 60_000,
      refreshToken: 'rt',
      scopes: ['a', 'b'],
      subject: undefined,
    });
  });

  test.each([
    ['60', 60],
    ['60.9', 60],
    ['315360000', 315_360_000],
    [0, undefined],
    ['0', undefined],
    [0.5, undefined],
    [-5, undefined],
    ['-5', undefined],
    [1e12, undefined],
    ['99999999999', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    [null, undefined],
    [{}, undefined],
    [true, undefined],
  ])(
    'that expires in %j is taken to last %j seconds, which is not said when it cannot be meant',
    async (expires_in, seconds) => {
      const { expiresAtMs } = await process(json({ ...good, expires_in }));
      expect(expiresAtMs).toBe(seconds === undefined ? undefined : nowMs + seconds * 1000);
    },
  );

  test.each([
    [{ refresh_token_expires_in: 7_200 }, 7_200],
    [{ refresh_expires_in: '1800' }, 1_800],
    [{ refresh_expires_in: 0 }, undefined],
    [{ refresh_token: undefined, refresh_expires_in: 1_800 }, undefined],
    [{}, undefined],
  ])('with %j says that its refresh token lasts %j seconds', async (more, seconds) => {
    const { refreshExpiresAtMs } = await process(json({ ...good, refresh_token: 'rt', ...more }));
    expect(refreshExpiresAtMs).toBe(seconds === undefined ? undefined : nowMs + seconds * 1000);
  });

  const jwt = (claims: object): string =>
    [{ alg: 'none' }, claims, {}].map((part) => btoa(JSON.stringify(part)).replaceAll('=', '')).join('.');

  test.each([
    ['a lifetime by the issuer’s own clock', { iat: 5_000, exp: 5_900 }, undefined, 900],
    ['an end by ours', { exp: nowMs / 1000 + 900 }, undefined, 900],
    ['more than the reply says', { iat: 5_000, exp: 5_900 }, 60, undefined],
    ['an end that has passed', { exp: 5_000 }, undefined, undefined],
    ['less than clocks differ by', { iat: 5_000, exp: 5_001 }, undefined, undefined],
    ['no end', { iat: 5_000 }, undefined, undefined],
    ['nonsense for an end', { exp: 'soon' }, undefined, undefined],
  ])('whose token says %s', async (_what, claims, expires_in, seconds) => {
    const { likelyEndMs } = await process(json({ ...good, access_token: jwt(claims), expires_in }));
    expect(likelyEndMs).toBe(seconds === undefined ? undefined : nowMs + seconds * 1000);
  });

  test.each([undefined, null, 7, 'bearer', 'BEARER'])(
    'whose token type is %j is bearer',
    async (token_type) => {
      expect((await process(json({ ...good, token_type }))).tokenType).toBe('bearer');
    },
  );

  test('may be form-encoded', async () => {
    const form = new URLSearchParams({ ...good, expires_in: '28800', scope: '' });
    expect(await process(new Response(form))).toMatchObject({
      accessToken: 'CNRY-at',
      expiresAtMs: nowMs + 28_800_000,
      scopes: undefined,
    });
  });

  test('may hold null and empty fields', async () => {
    const body = { ...good, refresh_token: '', scope: null, id_token: null, error: null };
    expect(await process(json(body))).toMatchObject({ refreshToken: undefined, scopes: undefined });
  });

  test('of GitHub separates its scopes by commas', async () => {
    const profile = profileOf('https://github.com/login/oauth');
    const body = { ...good, scope: 'repo,user:email' };
    expect((await process(json(body), { profile })).scopes).toEqual(['repo', 'user:email']);
  });

  test('of Slack is found where Slack puts it', async () => {
    const profile = profileOf('https://slack.com');
    const body = { ok: true, authed_user: { access_token: 'xoxp', token_type: 'user', scope: 'a,b' } };
    expect(await process(json(body), { profile })).toMatchObject({
      accessToken: 'xoxp',
      tokenType: 'bearer',
      scopes: ['a', 'b'],
    });
  });
});

describe('an unusable reply', () => {
  test.each([
    ['an array', []],
    ['null', null],
    ['a text', 'token'],
    ['empty', {}],
    ['an access token that is a number', { ...good, access_token: 1 }],
    ['an empty access token', { ...good, access_token: '' }],
    ['a null access token', { ...good, access_token: null }],
    ['an unknown token type', { ...good, token_type: 'mac' }],
    ['a token bound to a key that is not ours', { ...good, token_type: 'DPoP' }],
  ])('is refused: %s', async (_, body) => {
    await expect(process(json(body))).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
  });

  test('is refused: a web page', async () => {
    const page = new Response('<html>CNRY</html>', { headers: { 'content-type': 'text/html' } });
    await expect(process(page)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
  });

  test('is refused: a bearer token where one bound to our key was asked for', async () => {
    await expect(process(json(good), { dpop: true })).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'),
    );
  });

  test('no body makes it fail with anything but a typed error that repeats nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), fc.constantFrom(200, 400, 401, 500), async (value, status) => {
        const body = { access_token: value, marker: 'CNRY', token_type: 'CNRY' };
        expect(await shown(process(json(body, status)))).not.toContain('CNRY');
      }),
      { numRuns: 100 },
    );
  });
});

describe('an error', () => {
  test.each([
    ['invalid_grant', 400, 'ERR_POSTERN_OAUTH_GRANT_INVALID'],
    ['invalid_client', 401, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    ['unauthorized_client', 400, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    ['invalid_scope', 400, 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['temporarily_unavailable', 400, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
    ['temporarily_unavailable', 503, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
    ['invalid_grant', 200, 'ERR_POSTERN_OAUTH_GRANT_INVALID'],
  ])('%s with status %i is %s', async (error, status, code) => {
    await expect(process(json({ error }, status))).rejects.toEqual(coded(code));
  });

  test.each([429, 500, 502, 503])('inside a %i is no evidence about the grant', async (status) => {
    await expect(process(json({ error: 'invalid_grant' }, status))).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REQUEST_FAILED',
      status,
    });
  });

  test('of GitHub comes with status 200 and a code of its own', async () => {
    const profile = profileOf('https://github.com/login/oauth');
    const body = { error: 'bad_verification_code', error_description: 'CNRY' };
    await expect(process(json(body), { profile })).rejects.toEqual(coded('ERR_POSTERN_OAUTH_GRANT_INVALID'));
  });

  test.each([
    ['7', 7000],
    ['999999', 3_600_000],
    ['Tue, 14 Nov 2023 22:13:30 GMT', 10_000],
    ['Tue, 14 Nov 2000 22:13:30 GMT', 0],
    ['whenever', undefined],
  ])('with Retry-After %j is to be left alone for %j ms', async (value, retryAfterMs) => {
    const response = new Response('', { status: 429, headers: { 'retry-after': value } });
    await expect(process(response)).rejects.toMatchObject({ retryAfterMs });
  });

  test.each([
    [
      'in the description',
      { error: 'invalid_grant', error_description: 'CNRY', error_uri: 'https://CNRY' },
      400,
    ],
    ['in the code', { error: 'CNRY' }, 400],
    ['in a code that is an object', { error: { message: 'CNRY' } }, 400],
    ['beside the code', { error: 'invalid_client', access_token: 'CNRY', client_secret: 'CNRY' }, 401],
  ])('never repeats what the server says %s', async (_, body, status) => {
    expect(await shown(process(json(body, status)))).not.toContain('CNRY');
  });

  test('with a WWW-Authenticate header is still read from the body', async () => {
    const headers = { 'www-authenticate': 'Basic realm="CNRY"' };
    const response = Response.json({ error: 'invalid_client' }, { status: 401, headers });
    await expect(process(response)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_CLIENT_REJECTED'));
  });
});

describe('an ID token', () => {
  const keys = generateKeyPair('ES256');

  async function idToken(claims: {
    iss?: string;
    aud?: string;
    exp?: number;
    tid?: string;
  }): Promise<string> {
    const nowSeconds = nowMs / 1000;
    return new SignJWT({ sub: 'person', iat: nowSeconds, tid: claims.tid })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(claims.iss ?? issuer)
      .setAudience(claims.aud ?? 'c1')
      .setExpirationTime(claims.exp ?? nowSeconds + 60)
      .sign((await keys).privateKey);
  }

  // learn.microsoft.com, "OpenID Connect on the Microsoft identity platform": the issuer of a tenant alias is a template.
  test.each([
    ['its own tenant', 'https://login.example/8f0c6c4e-0000-4000-8000-000000000001/v2.0', true],
    ['another tenant', 'https://login.example/8f0c6c4e-0000-4000-8000-000000000002/v2.0', false],
    ['the template', 'https://login.example/{tenantid}/v2.0', false],
    ['another host', 'https://evil.example/8f0c6c4e-0000-4000-8000-000000000001/v2.0', false],
  ])(
    'of an issuer that is a template of tenants, and says that it is from %s, is taken: %s, %s',
    async (_who, iss, isTaken) => {
      const id_token = await idToken({ iss, tid: '8f0c6c4e-0000-4000-8000-000000000001' });
      const expected = { openid: true, statedIssuer: 'https://login.example/{tenantid}/v2.0' };
      const result = process(json({ ...good, id_token }), expected).then(
        ({ subject }) => subject === 'person',
        () => false,
      );
      expect(await result).toBe(isTaken);
    },
  );

  test('names the person', async () => {
    const body = { ...good, id_token: await idToken({}) };
    expect((await process(json(body))).subject).toBe('person');
    expect((await process(json(body), { openid: true, idTokenSigningAlgs: ['ES256'] })).subject).toBe(
      'person',
    );
  });

  test.each([
    ['of another issuer', { iss: 'https://evil.example' }],
    ['for another client', { aud: 'c2' }],
    ['that has expired', { exp: nowMs / 1000 - 3600 }],
  ])('%s is refused when it was asked for, and dropped when it was not', async (_, claims) => {
    const body = { ...good, id_token: await idToken(claims) };
    expect(await process(json(body))).toMatchObject({ accessToken: 'CNRY-at', subject: undefined });
    const strict = process(json(body), { openid: true });
    await expect(strict).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESPONSE_INVALID'));
    expect(await shown(strict)).not.toMatch(/CNRY|evil|person/u);
  });

  test.each(['CNRY', 'a.b.c', '.'.repeat(50)])(
    'that is no token at all (%j) does not leak',
    async (id_token) => {
      const body = { ...good, id_token };
      expect((await process(json(body))).subject).toBeUndefined();
      expect(await shown(process(json(body), { openid: true }))).not.toContain('CNRY');
    },
  );
});

import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  UnsecuredJWT,
  type JWK,
  type JWTPayload,
} from 'jose';
import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route } from '../../test/support/programmable-fetch.ts';
import type { Caller } from './namespace-provider.ts';
import { verifiedClaims, type VerifiedClaimsOptions } from './verified-claims.ts';

const issuer = 'https://as.example';
const audience = 'https://mcp.example/mcp';
const nowSeconds = 1_800_000_000;
const clock = (): number => nowSeconds * 1000;
const pair = await generateKeyPair('ES256', { extractable: true });
const stranger = await generateKeyPair('ES256');
const rsa = await generateKeyPair('RS256', { extractable: true });
const publicJwk: JWK = { ...(await exportJWK(pair.publicKey)), kid: 'k1' };
const jwks = { keys: [publicJwk, { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' }] };
const refused = expect.objectContaining({ code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED' });
const misconfigured = expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
const sound = { iss: issuer, aud: audience, sub: 'alice', exp: nowSeconds + 60 };

interface Signed {
  readonly claims?: JWTPayload;
  readonly header?: Record<string, unknown>;
  readonly key?: CryptoKey | Uint8Array;
}

function sign({ claims = {}, header = {}, key = pair.privateKey }: Signed = {}): Promise<string> {
  return new SignJWT({ ...sound, ...claims })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', ...header })
    .sign(key);
}

function provider(more: Partial<VerifiedClaimsOptions> = {}): ReturnType<typeof verifiedClaims> {
  return verifiedClaims({ issuer, audience, jwks, clock, ...more });
}

/** The id of whom a caller is taken for. */
async function idOf(caller: Caller, more: Partial<VerifiedClaimsOptions> = {}): Promise<string> {
  return (await provider(more).resolve(caller)).id;
}

describe('a token', () => {
  test('that its issuer signed names issuer and subject', async () => {
    await expect(provider().resolve({ token: await sign() })).resolves.toEqual({
      kind: 'user',
      id: 'https://as.example sub:alice',
      partition: 'user:https%3A%2F%2Fas.example%20sub%3Aalice',
    });
  });

  test('of the same subject after a refresh names the same namespace', async () => {
    const first = await sign({ claims: { jti: '1' } });
    const second = await sign({ claims: { jti: '2', exp: nowSeconds + 3600 } });
    expect(first).not.toBe(second);
    await expect(idOf({ token: second })).resolves.toBe(await idOf({ token: first }));
  });

  test.each<[string, Signed]>([
    ['for another audience', { claims: { aud: 'https://other.example' } }],
    ['of another issuer', { claims: { iss: 'https://evil.example' } }],
    ['of an issuer that differs by a slash', { claims: { iss: `${issuer}/` } }],
    ['that has expired', { claims: { exp: nowSeconds - 31 } }],
    ['that is not valid yet', { claims: { nbf: nowSeconds + 31 } }],
    ['without an audience', { claims: { aud: undefined } as unknown as JWTPayload }],
    ['without an issuer', { claims: { iss: undefined } as unknown as JWTPayload }],
    ['without an expiry', { claims: { exp: undefined } as unknown as JWTPayload }],
    ['without a subject', { claims: { sub: undefined } as unknown as JWTPayload }],
    ['with an empty subject', { claims: { sub: '' } }],
    ['with a number as subject', { claims: { sub: 7 } as unknown as JWTPayload }],
    ['with a subject that was undefined', { claims: { sub: 'undefined' } }],
    ['with a subject that is not well-formed text', { claims: { sub: 'a\uD800' } }],
    ['with a list as issuer', { claims: { iss: [issuer] } as unknown as JWTPayload }],
    ['signed with another key', { key: stranger.privateKey }],
    ['that names a key nobody published', { header: { kid: 'k9' } }],
    ['made for logging out', { header: { typ: 'logout+jwt' } }],
    ['made as a proof of possession', { header: { typ: 'application/dpop+JWT' } }],
  ])('%s is refused', async (_what, signed) => {
    await expect(idOf({ token: await sign(signed) })).rejects.toEqual(refused);
  });

  test.each(['JWT', 'at+jwt', 'application/at+jwt', 'AT+JWT', 'Bearer', undefined])(
    'of the type %s is accepted',
    async (typ) => {
      await expect(idOf({ token: await sign({ header: { typ } }) })).resolves.toContain('alice');
    },
  );

  test('is accepted up to the clock tolerance after it expired, and not beyond', async () => {
    const token = await sign({ claims: { exp: nowSeconds - 5 } });
    await expect(idOf({ token }, { clockToleranceSeconds: 6 })).resolves.toContain('alice');
    await expect(idOf({ token }, { clockToleranceSeconds: 5 })).rejects.toEqual(refused);
  });

  test('for one of several audiences is accepted', async () => {
    const token = await sign({ claims: { aud: ['https://other.example', audience] } });
    await expect(idOf({ token }, { audience: ['https://second.example', audience] })).resolves.toContain(
      'alice',
    );
  });

  test('without a signature that names a victim is refused, by subject and by e-mail address', async () => {
    const victim = { ...sound, email: 'victim@example.com', email_verified: true };
    const unsecured = new UnsecuredJWT(victim).encode();
    const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forgeries = [
      unsecured,
      `${part({ alg: 'none' })}.${part(victim)}.`,
      `${part({ alg: 'NONE', kid: 'k1' })}.${part(victim)}.AAAA`,
      `${part({ alg: 'ES256', kid: 'k1' })}.${part(victim)}.`,
      `${part({ kid: 'k1' })}.${part(victim)}.AAAA`,
      `${(await sign()).split('.')[0]}.${part(victim)}.${(await sign()).split('.')[2]}`,
    ];
    for (const token of forgeries) {
      for (const identifyBy of ['subject', 'verified-email'] as const) {
        await expect(idOf({ token }, { identifyBy })).rejects.toEqual(refused);
      }
    }
  });

  test('under HS256 with the public key as the secret is refused, whoever finds the key', async () => {
    const secrets = [
      new TextEncoder().encode(await exportSPKI(rsa.publicKey)),
      new TextEncoder().encode(JSON.stringify(jwks.keys[1])),
    ];
    for (const secret of secrets) {
      const token = await sign({ header: { alg: 'HS256', kid: 'rsa' }, key: secret });
      await expect(idOf({ token })).rejects.toEqual(refused);
      await expect(idOf({ token }, { jwks: () => Promise.resolve(secret) })).rejects.toEqual(refused);
    }
  });

  test('under an algorithm that is not on the list is refused', async () => {
    const token = await sign({ header: { alg: 'RS256', kid: 'rsa' }, key: rsa.privateKey });
    await expect(idOf({ token })).resolves.toContain('alice');
    await expect(idOf({ token }, { algorithms: ['ES256'] })).rejects.toEqual(refused);
  });

  test('that brings its own key, or a place to find it, is refused and nothing is fetched', async () => {
    const { fetch, sent } = programmableFetch({});
    const jwk = await exportJWK(stranger.publicKey);
    for (const header of [{ jwk }, { jku: 'https://evil.example/jwks' }, { x5u: 'https://evil.example/x' }]) {
      const token = await sign({ header, key: stranger.privateKey });
      await expect(idOf({ token }, { fetch })).rejects.toEqual(refused);
    }
    expect(sent).toEqual([]);
  });

  test('with an extension nobody here knows is refused', async () => {
    const token = await new SignJWT(sound)
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', crit: ['x'], x: 1 })
      .sign(pair.privateKey, { crit: { x: true } });
    await expect(idOf({ token })).rejects.toEqual(refused);
  });

  test('is refused where there is nothing to verify it with', async () => {
    await expect(idOf({ token: await sign() }, { jwks: undefined })).rejects.toEqual(refused);
  });

  test.each([
    ['nothing', {}],
    ['an empty token', { token: '' }],
    ['the text of undefined', { token: 'undefined' }],
    ['a number', { token: 7 }],
    ['an array', { token: ['a.b.c'] }],
    ['an object with a toString', { token: { toString: () => 'a.b.c' } }],
    ['its scheme still before it', { token: 'Bearer a.b.c' }],
    ['17 000 characters', { token: `a.b.${'c'.repeat(17_000)}` }],
    ['no caller at all', undefined],
  ])('that is %s names nobody', async (_what, caller) => {
    await expect(idOf(caller as Caller)).rejects.toEqual(refused);
  });

  test('leaves nothing of itself in the error that refuses it', async () => {
    const token = await sign({ claims: { aud: 'CNRY_aud', sub: 'CNRY_sub', email: 'CNRY@example.com' } });
    const error: unknown = await idOf({ token }).catch((caught: unknown) => caught);
    expect(error).toEqual(refused);
    expect(error).not.toHaveProperty('cause');
    expect(String(error) + JSON.stringify(error)).not.toMatch(/CNRY|ey[JI]/u);
    expect(String(error)).toContain('"aud"');
  });
});

describe('claims of a gate in front', () => {
  test('are used when they name issuer and subject', async () => {
    const claims = { iss: issuer, sub: 'alice' };
    await expect(idOf({ claims }, { jwks: undefined })).resolves.toBe(await idOf({ token: await sign() }));
  });

  test.each([
    ['of another issuer', { iss: 'https://evil.example', sub: 'alice' }],
    ['for another audience', { ...sound, aud: 'https://other.example' }],
    ['for no audience', { ...sound, aud: [] }],
    ['that have expired', { ...sound, exp: nowSeconds - 31 }],
    ['with an expiry that is no number', { ...sound, exp: 'never' }],
    ['with an empty subject', { ...sound, sub: '' }],
  ])('%s are refused, and the token beside them is not looked at instead', async (_what, claims) => {
    await expect(idOf({ claims, token: await sign() })).rejects.toEqual(refused);
  });

  test.each([
    ['no subject', { iss: issuer }],
    ['no issuer', { sub: 'mallory' }],
    ['a number as subject', { iss: issuer, sub: 7 }],
    ['only an e-mail address', { email: 'victim@example.com', email_verified: true }],
  ])('with %s do not count: the token decides, and without one nobody is named', async (_what, claims) => {
    await expect(idOf({ claims, token: await sign() })).resolves.toBe(`${issuer} sub:alice`);
    await expect(idOf({ claims })).rejects.toEqual(refused);
  });
});

describe('who somebody is', () => {
  const emailIdOf = (claims: Record<string, unknown>): Promise<string> =>
    idOf({ claims: { iss: issuer, sub: 's', ...claims } }, { identifyBy: 'verified-email' });

  test('differs between two issuers with the same subject and the same e-mail address', async () => {
    for (const identifyBy of ['subject', 'verified-email'] as const) {
      const ids = await Promise.all(
        ['https://one.example', 'https://two.example'].map((iss) =>
          idOf(
            { claims: { iss, sub: 'alice', email: 'alice@example.com', email_verified: true } },
            { issuer: iss, identifyBy },
          ),
        ),
      );
      expect(new Set(ids).size).toBe(2);
    }
  });

  test('by e-mail address follows the address, in whatever case its domain is written', async () => {
    const one = await emailIdOf({ sub: 's1', email: 'Alice@Example.COM', email_verified: true });
    const two = await emailIdOf({ sub: 's2', email: 'Alice@example.com', email_verified: true });
    expect(one).toBe(`${issuer} email:Alice@example.com`);
    expect(two).toBe(one);
  });

  test('by e-mail address tells apart local parts that differ in case', async () => {
    const one = await emailIdOf({ email: 'Alice@example.com', email_verified: true });
    await expect(emailIdOf({ email: 'alice@example.com', email_verified: true })).resolves.not.toBe(one);
  });

  test('by e-mail address does not take the Kelvin sign for a k', async () => {
    const one = await emailIdOf({ email: 'a@ban\u212A.example', email_verified: true });
    await expect(emailIdOf({ email: 'a@bank.example', email_verified: true })).resolves.not.toBe(one);
  });

  test.each([
    ['not verified', { email: 'a@example.com', email_verified: false }],
    ['of which nothing is said', { email: 'a@example.com' }],
    ['verified as text', { email: 'a@example.com', email_verified: 'true' }],
    ['verified as a number', { email: 'a@example.com', email_verified: 1 }],
    ['missing', { email_verified: true }],
    ['empty', { email: '', email_verified: true }],
    ['without a domain', { email: 'a@', email_verified: true }],
    ['without a local part', { email: '@example.com', email_verified: true }],
    ['a list', { email: ['a@example.com'], email_verified: true }],
    ['with a space in it', { email: 'a b@example.com', email_verified: true }],
    ['with a line break in it', { email: 'a\n@example.com', email_verified: true }],
  ])('is not told by an e-mail address that is %s, nor by the subject instead', async (_what, claims) => {
    await expect(emailIdOf(claims)).rejects.toEqual(refused);
  });

  test('is never the same for a subject that looks like an e-mail address', async () => {
    const bySubject = await idOf({ claims: { iss: issuer, sub: 'alice@example.com' } });
    await expect(emailIdOf({ email: 'alice@example.com', email_verified: true })).resolves.not.toBe(
      bySubject,
    );
  });

  test.each([
    ['300 characters', 'a'.repeat(300)],
    ['5 kB', 'a'.repeat(5_000)],
    ['200 characters that no store takes once they are encoded', '語'.repeat(200)],
  ])('is kept as a hash when the subject has %s, and still tells two apart', async (_what, sub) => {
    const [one, other] = await Promise.all(
      [sub, `${sub}b`].map((each) => idOf({ claims: { iss: issuer, sub: each } })),
    );
    expect(one).toMatch(/^sha256:[\w-]{43}$/u);
    expect(other).toMatch(/^sha256:[\w-]{43}$/u);
    expect(one).not.toBe(other);
  });

  test.each(['*', '../../etc/passwd', 'a\u0000b', "' OR 1=1--", '__proto__', 'x\n{"level":"info"}'])(
    'is taken literally for the subject %j',
    async (sub) => {
      const namespace = await provider().resolve({ claims: { iss: issuer, sub } });
      expect(namespace.id).toBe(`${issuer} sub:${sub}`);
      expect(namespace.partition).toMatch(/^user:[\w.%-]+$/u);
    },
  );
});

describe('introspection', () => {
  const opaque = 'opaque-token';
  const answered = (answer: Record<string, unknown> | undefined): Partial<VerifiedClaimsOptions> => ({
    jwks: undefined,
    introspect: () => Promise.resolve(answer),
  });

  test('names whom the issuer says a token belongs to', async () => {
    await expect(idOf({ token: opaque }, answered(sound))).resolves.toBe(`${issuer} sub:alice`);
  });

  test.each<[string, Record<string, unknown> | undefined]>([
    ['not active', undefined],
    ['of another issuer', { ...sound, iss: 'https://evil.example' }],
    ['for another audience', { ...sound, aud: ['https://other.example'] }],
    ['for nobody in particular', { iss: issuer, sub: 'alice' }],
    ['without a subject', { ...sound, sub: undefined }],
    ['without an issuer', { ...sound, iss: undefined }],
    ['that has expired', { ...sound, exp: 1 }],
  ])('of a token %s names nobody', async (_what, answer) => {
    await expect(idOf({ token: opaque }, answered(answer))).rejects.toEqual(refused);
  });

  test('that fails, in whatever way, names nobody', async () => {
    const fail = (): never => {
      throw new Error('CNRY_ down');
    };
    for (const introspect of [fail, async () => fail()]) {
      const error: unknown = await idOf({ token: opaque }, { jwks: undefined, introspect }).catch(
        (e: unknown) => e,
      );
      expect(error).toEqual(refused);
      expect(String(error)).not.toContain('CNRY_');
    }
  });

  test('is not asked about a JWT where there are keys, so a forged one is refused by its signature', async () => {
    const asked: string[] = [];
    const introspect = (token: string): Promise<Record<string, unknown>> => {
      asked.push(token);
      return Promise.resolve(sound);
    };
    const forged = await sign({ key: stranger.privateKey });
    await expect(idOf({ token: forged }, { introspect })).rejects.toEqual(refused);
    await expect(idOf({ token: opaque }, { introspect })).resolves.toBe(`${issuer} sub:alice`);
    expect(asked).toEqual([opaque]);
  });
});

describe('a published key set', () => {
  const url = new URL('https://as.example/jwks');
  const served = (route: Route): ReturnType<typeof programmableFetch> =>
    programmableFetch({ [url.href]: route });

  test('is fetched once for many tokens', async () => {
    const { fetch, sent } = served(jwks);
    const namespaces = provider({ jwks: url, fetch });
    const token = await sign();
    await Promise.all(Array.from({ length: 20 }, () => namespaces.resolve({ token })));
    expect(sent).toHaveLength(1);
  });

  test.each<[string, Route]>([
    ['cannot be reached', new TypeError('CNRY_ refused')],
    ['answers with status 500, keys or not', Response.json(jwks, { status: 500 })],
    ['redirects', new Response('', { status: 302, headers: { location: 'https://evil.example/' } })],
    ['is not JSON', 'CNRY_ <html>'],
    ['is no key set', { keys: 'all' }],
    ['has more than 256 KiB', JSON.stringify({ ...jwks, pad: 'x'.repeat(262_144) })],
  ])('that %s refuses everybody, with a cause that says to try again', async (_what, route) => {
    const { fetch } = served(route);
    const token = await sign();
    const error: unknown = await provider({ jwks: url, fetch })
      .resolve({ token })
      .catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED',
      hint: 'Try again in a moment.',
      cause: { code: 'ERR_POSTERN_OAUTH_UNREACHABLE' },
    });
    expect(String(error)).not.toContain('CNRY_');
  });

  test('that fails is not asked for again before five seconds have passed, however many tokens come', async () => {
    let nowMs = clock();
    const { fetch, sent } = served(new Response('', { status: 500 }));
    const namespaces = provider({ jwks: url, fetch, clock: () => nowMs });
    for (let n = 0; n < 20; n++) {
      const token = await sign({ header: { kid: `made-up-${n}` } });
      await expect(namespaces.resolve({ token })).rejects.toEqual(refused);
    }
    expect(sent).toHaveLength(1);
    nowMs += 5_000;
    await expect(namespaces.resolve({ token: await sign() })).rejects.toEqual(refused);
    expect(sent).toHaveLength(2);
  });

  test('is not asked for again because of made-up key ids', async () => {
    const { fetch, sent } = served(jwks);
    const namespaces = provider({ jwks: url, fetch });
    for (let n = 0; n < 20; n++) {
      const token = await sign({ header: { kid: `made-up-${n}` } });
      await expect(namespaces.resolve({ token })).rejects.toEqual(refused);
    }
    expect(sent).toHaveLength(1);
  });
});

describe('verifiedClaims', () => {
  test.each<[string, unknown]>([
    ['no issuer', { issuer: undefined }],
    ['an issuer with a space', { issuer: `${issuer} sub:x` }],
    ['no audience', { audience: undefined }],
    ['an empty list of audiences', { audience: [] }],
    ['an empty audience', { audience: '' }],
    ['another way to identify', { identifyBy: 'email' }],
    ['the algorithm none', { algorithms: ['ES256', 'none'] }],
    ['an algorithm with a shared secret', { algorithms: ['HS256'] }],
    ['no algorithm', { algorithms: [] }],
    ['an hour of clock tolerance', { clockToleranceSeconds: 3600 }],
    ['a clock tolerance that is no number', { clockToleranceSeconds: Number.NaN }],
    ['keys as text', { jwks: 'https://as.example/jwks' }],
    ['a key set without keys', { jwks: {} }],
    ['a key set over plain http', { jwks: new URL('http://as.example/jwks') }],
    ['a key set with a password', { jwks: new URL('https://a:b@as.example/jwks') }],
    ['a key set in a file', { jwks: new URL('file:///etc/passwd') }],
  ])('refuses %s when it is made', (_what, wrong) => {
    expect(() => provider(wrong as Partial<VerifiedClaimsOptions>)).toThrow(misconfigured);
  });
});

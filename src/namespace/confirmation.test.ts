import { createHash, X509Certificate } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { makeSelfSigned } from '../../test/support/self-signed.ts';
import { certificateThumbprint, skipConfirmation } from './confirmation.ts';
import type { Caller } from './namespace-provider.ts';
import { verifiedClaims, type VerifiedClaimsOptions } from './verified-claims.ts';

const issuer = 'https://as.example';
const audience = 'https://mcp.example/mcp';
const pair = await generateKeyPair('ES256');
const [al, bea] = [makeSelfSigned('al'), makeSelfSigned('bea')].map(({ cert }) => new X509Certificate(cert));
const thumbprints = await Promise.all([certificateThumbprint(al!.raw), certificateThumbprint(bea!.raw)]);
const [certificateOfAl, certificateOfBea] = thumbprints;
const boundToAl = { 'x5t#S256': certificateOfAl };

async function tokenOf(cnf: unknown): Promise<string> {
  return new SignJWT({ cnf })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('al')
    .setExpirationTime('1 minute')
    .sign(pair.privateKey);
}

function outcomeOf(caller: Caller, more: Partial<VerifiedClaimsOptions> = {}): Promise<string> {
  const provider = verifiedClaims({ issuer, audience, jwks: async () => pair.publicKey, ...more });
  return provider.resolve(caller).then(
    ({ id }) => id,
    ({ code, message }: { code: string; message: string }) => `${code} ${message}`,
  );
}

const taken = `${issuer} sub:al`;
const refused = expect.stringMatching(/^ERR_POSTERN_NAMESPACE_UNVERIFIED .*bound to/u);

describe('a token that is bound to a certificate', () => {
  test('is taken over a connection that was made with it, and over no other', async () => {
    const token = await tokenOf(boundToAl);
    expect(await outcomeOf({ token, certificateThumbprint: certificateOfAl })).toBe(taken);
    expect(await outcomeOf({ token, certificateThumbprint: certificateOfBea })).toEqual(refused);
    expect(await outcomeOf({ token })).toEqual(refused);
  });

  test('is held to it as the issuer tells of it, too', async () => {
    const introspect = async () => ({ iss: issuer, aud: audience, sub: 'al', cnf: boundToAl });
    const asking = { jwks: undefined, introspect };
    expect(await outcomeOf({ token: 'opaque', certificateThumbprint: certificateOfAl }, asking)).toBe(taken);
    expect(await outcomeOf({ token: 'opaque' }, asking)).toEqual(refused);
  });

  test('that a gate in front has verified is refused where the certificate that was seen is another', async () => {
    const claims = { iss: issuer, sub: 'al', cnf: boundToAl };
    expect(await outcomeOf({ claims, certificateThumbprint: certificateOfBea })).toEqual(refused);
    expect(await outcomeOf({ claims, certificateThumbprint: certificateOfAl })).toBe(taken);
    expect(await outcomeOf({ claims })).toBe(taken);
  });
});

test.each([[{ jkt: 'a' }], [{}], [null], ['text'], [7], [{ 'x5t#S256': 7 }]])(
  'a token that is bound to what nobody has proved is refused: %j',
  async (cnf) => {
    const token = await tokenOf(cnf);
    expect(await outcomeOf({ token, certificateThumbprint: certificateOfAl })).toEqual(refused);
    expect(await outcomeOf({ token }, { [skipConfirmation]: true })).toBe(taken);
  },
);

test('a certificate that a caller shows with a token that is bound to none changes nothing', async () => {
  const token = await tokenOf(undefined);
  expect(await outcomeOf({ token, certificateThumbprint: certificateOfAl })).toBe(taken);
});

test('a certificate has one thumbprint, in DER and in PEM, and none where there is none', async () => {
  const expected = createHash('sha256').update(al!.raw).digest('base64url');
  expect([certificateOfAl, await certificateThumbprint(al!.toString())]).toEqual([expected, expected]);
  expect(await certificateThumbprint(undefined)).toBeUndefined();
  await expect(certificateThumbprint('no PEM')).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});

import type { JWK } from 'jose';
import { encodeBase64Url } from '../core/base64url.ts';
import { systemClock, type Clock } from '../core/clock.ts';
import { hashId, randomId, type RandomBytes } from '../core/random.ts';

/** What {@link createDpopProof} takes. */
export interface DpopProofOptions {
  /** The private key the token is bound to. */
  readonly keyJwk: JWK;
  readonly method: string;
  readonly url: string | URL;
  /** Left out at the token endpoint. */
  readonly accessToken?: string | undefined;
  readonly nonce?: string | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: RandomBytes | undefined;
}

/**
 * Signs a fresh proof that the caller holds the key. One proof serves one request.
 *
 * @see RFC 9449 §4.2
 */
export async function createDpopProof(options: DpopProofOptions): Promise<string> {
  const { keyJwk, method, accessToken, nonce, clock = systemClock, random } = options;
  const { origin, pathname } = new URL(options.url);
  const { importJWK, SignJWT } = await import('jose');
  const alg = keyJwk.alg ?? 'ES256';
  const claims = {
    jti: randomId(random),
    htm: method.toUpperCase(),
    htu: origin + pathname,
    iat: Math.floor(clock() / 1000),
    ...(nonce !== undefined && { nonce }),
    ...(accessToken !== undefined && { ath: await hashId(accessToken) }),
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: publicJwk(keyJwk) })
    .sign(await importJWK(keyJwk, alg));
}

/** A new private key for one grant, as JSON: whatever holds it must be kept as secret as the tokens. */
export async function generateDpopKey(): Promise<JWK> {
  const { exportJWK, generateKeyPair } = await import('jose');
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'ES256' };
}

/** A new key for tokens to be bound to, where the caller, the resource or the issuer's profile wants them bound. */
export async function bindingKey({
  dpop,
  discovery,
  profile,
}: {
  /** Default: as the others want it. */
  readonly dpop?: boolean | undefined;
  readonly discovery: { readonly dpopRequired?: boolean | undefined };
  readonly profile?: { readonly dpop?: 'always' | 'asked' | undefined } | undefined;
}): Promise<{ readonly dpopKeyJwk?: JWK }> {
  const isBound = dpop ?? (discovery.dpopRequired === true || profile?.dpop === 'always');
  return isBound ? { dpopKeyJwk: await generateDpopKey() } : {};
}

/** The RFC 7638 thumbprint of an EC key, by which a server knows it. */
export async function dpopThumbprint(keyJwk: JWK): Promise<string> {
  const { crv, kty, x, y } = keyJwk;
  const members = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  return encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', members)));
}

/** Only the members every public key may show; a private one that is unknown here stays behind. */
export function publicJwk(jwk: JWK): JWK {
  const { kty, crv, x, y, n, e } = jwk;
  return Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  ) as JWK;
}

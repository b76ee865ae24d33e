import type { errors as JoseErrors, JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { signatureAlgorithms } from '../core/signature-algorithms.ts';
import { claimsIdentity, type Claims, type IdentifyBy } from './claims-identity.ts';
import { checkConfirmation, skipConfirmation } from './confirmation.ts';
import { localKeySet } from './local-key-set.ts';
import type { Caller, NamespaceProvider } from './namespace-provider.ts';
import { createNamespace, isName } from './namespace.ts';
import { remoteKeySet, type KeySetFetch } from './remote-key-set.ts';
import { isBearerToken, unverified } from './unverified-caller.ts';

/**
 * Asks the issuer about a token. `undefined`: it is not active.
 *
 * The claims must name the issuer, the subject and the audience; add what the issuer leaves out only where it is
 * known from elsewhere.
 */
export type Introspect = (token: string) => Promise<Claims | undefined>;

/** What {@link verifiedClaims} takes. */
export interface VerifiedClaimsOptions {
  /** Whose word is taken, exactly as its tokens write it. */
  readonly issuer: string;
  /** This server, as the issuer's tokens name it. One of several is enough. */
  readonly audience: string | readonly string[];
  /** The issuer's public keys: where they are published, the keys themselves, or a function that finds one. */
  readonly jwks?: URL | JSONWebKeySet | JWTVerifyGetKey | undefined;
  /** For tokens that are not signed. Beside `jwks`, tokens in the form of a JWT are verified by their signature alone. */
  readonly introspect?: Introspect | undefined;
  /** Default `subject`. An address can pass to another person; a subject does not. */
  readonly identifyBy?: IdentifyBy | undefined;
  /** Default: every asymmetric algorithm that is in use. */
  readonly algorithms?: readonly string[] | undefined;
  /** How far the issuer's clock may be from ours. Default 30, at most 300. */
  readonly clockToleranceSeconds?: number | undefined;
  /** For `jwks` as a URL. Default: the network of this process. */
  readonly fetch?: KeySetFetch | undefined;
  readonly clock?: Clock | undefined;
  readonly [skipConfirmation]?: boolean | undefined;
}

const asymmetric: ReadonlySet<string> = new Set(signatureAlgorithms);

/**
 * The namespace of whom an issuer vouches for: the issuer and the subject, or a verified e-mail address.
 *
 * Claims that a gate in front has verified are used when they name issuer and subject; their audience and expiry are
 * checked where they state them. Otherwise the token is verified here. One that is bound to a certificate is taken only over a
 * connection that was made with it, and one that is bound to anything else, which nobody has proved here, not at all. A token
 * is never merely decoded, and where neither `jwks` nor `introspect` is given, only claims are accepted. `resolve` of the provider
 * throws ERR_POSTERN_NAMESPACE_UNVERIFIED for everybody else.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when an option cannot work.
 */
export function verifiedClaims(options: VerifiedClaimsOptions): NamespaceProvider {
  const { issuer, introspect, identifyBy = 'subject', clock = systemClock } = options;
  const toleranceSeconds = options.clockToleranceSeconds ?? 30;
  const audience = typeof options.audience === 'string' ? [options.audience] : [...(options.audience ?? [])];
  const algorithms = [...(options.algorithms ?? asymmetric)];
  checkOptions({ issuer, audience, identifyBy, algorithms, toleranceSeconds });
  const findKey = keyFinder(options);

  async function verifySignature(token: string, keys: JWTVerifyGetKey): Promise<Claims> {
    const { errors, jwtVerify } = await import('jose');
    const verified = jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: toleranceSeconds,
      currentDate: new Date(clock()),
    });
    const { payload, protectedHeader } = await verified.catch((cause: unknown) => {
      throw unverified(`its token was refused, ${reasonOf(cause, errors)}`, cause);
    });
    checkTokenType(protectedHeader.typ);
    return payload;
  }

  async function askIssuer(token: string, ask: Introspect): Promise<Claims> {
    // Within an async function, so that what throws before it returns a promise is a failure like any other.
    const claims = await (async () => ask(token))().catch((cause: unknown) => {
      throw unverified('the issuer could not be asked about its token', cause);
    });
    if (claims === undefined) throw unverified('its token is not active');
    if (claims['aud'] === undefined) throw unverified('the issuer names no audience');
    checkClaims(claims);
    return claims;
  }

  /** What a signature library checks by itself, for claims that came another way. */
  function checkClaims({ iss, aud, exp, nbf }: Claims): void {
    const nowSeconds = clock() / 1000;
    if (iss !== issuer) throw unverified('the claims are of another issuer');
    const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
    if (aud !== undefined && !audience.some((one) => named.includes(one))) {
      throw unverified('the claims are for another audience');
    }
    if (exp !== undefined && !(typeof exp === 'number' && exp + toleranceSeconds > nowSeconds)) {
      throw unverified('the claims have expired');
    }
    if (nbf !== undefined && !(typeof nbf === 'number' && nbf - toleranceSeconds <= nowSeconds)) {
      throw unverified('the claims are not valid yet');
    }
  }

  async function verify({ token, certificateThumbprint }: Partial<Caller>): Promise<Claims> {
    const claims = await read(token);
    if (options[skipConfirmation] !== true) checkConfirmation(claims['cnf'], certificateThumbprint);
    return claims;
  }

  async function read(token: unknown): Promise<Claims> {
    if (token === undefined) throw unverified('it sent neither claims of an issuer nor a token');
    if (!isBearerToken(token)) throw unverified('what it sent does not have the form of a token');
    if (findKey !== undefined && (introspect === undefined || isCompactJws(token))) {
      return verifySignature(token, findKey);
    }
    if (introspect === undefined) throw unverified('there is nothing to verify a token with');
    return askIssuer(token, introspect);
  }

  return {
    async resolve(caller) {
      const given = caller?.claims;
      const vouched = typeof given?.['iss'] === 'string' && typeof given['sub'] === 'string';
      if (vouched) checkClaims(given);
      // Whoever has verified them has seen what they are bound to, unless what was seen says otherwise.
      if (vouched && caller.certificateThumbprint !== undefined)
        checkConfirmation(given['cnf'], caller.certificateThumbprint);
      const claims = vouched ? given : await verify(caller ?? {});
      return createNamespace('user', await claimsIdentity(issuer, claims, identifyBy));
    },
  };
}

function checkOptions(options: {
  issuer: string;
  audience: readonly string[];
  identifyBy: string;
  algorithms: readonly string[];
  toleranceSeconds: number;
}): void {
  const { issuer, audience, algorithms, toleranceSeconds } = options;
  if (!isName(issuer) || /\s/u.test(issuer)) throw misconfigured('"issuer" must be text without white space');
  if (audience.length === 0 || !audience.every(isName)) {
    throw misconfigured('"audience" must name this server; without it, tokens for other servers would do');
  }
  if (options.identifyBy !== 'subject' && options.identifyBy !== 'verified-email') {
    throw misconfigured('"identifyBy" must be "subject" or "verified-email"');
  }
  if (algorithms.length === 0 || !algorithms.every((name) => asymmetric.has(name))) {
    throw misconfigured(`"algorithms" must be among ${[...asymmetric].join(', ')}`);
  }
  if (!(toleranceSeconds >= 0 && toleranceSeconds <= 300)) {
    throw misconfigured('"clockToleranceSeconds" must be between 0 and 300');
  }
}

function keyFinder({ jwks, fetch, clock }: VerifiedClaimsOptions): JWTVerifyGetKey | undefined {
  if (jwks === undefined || typeof jwks === 'function') return jwks;
  if (jwks instanceof URL) return remoteKeySet(jwks, { fetch, clock });
  try {
    return localKeySet(jwks);
  } catch {
    throw misconfigured('"jwks" must be a URL object, a JSON Web Key Set, or a function that finds a key');
  }
}

/**
 * Tokens made for another purpose say so in their type: a logout token also names issuer, subject and audience.
 * Everything else is tolerated, since issuers write many things there.
 *
 * @see RFC 8725 §3.11
 */
function checkTokenType(type: unknown): void {
  const name = typeof type === 'string' ? type.toLowerCase().replace(/^application\//u, '') : '';
  if (name.endsWith('+jwt') && name !== 'at+jwt') throw unverified('its token was made for another purpose');
}

function isCompactJws(token: string): boolean {
  return token.split('.').length === 3;
}

/** Codes and claims' names of the library, never its messages. */
function reasonOf(cause: unknown, errors: typeof JoseErrors): string {
  if (cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired) {
    return `because of its ${JSON.stringify(cause.claim)}`;
  }
  if (cause instanceof errors.JOSEError) return cause.code;
  return cause instanceof PosternError ? cause.code : 'ERR_UNKNOWN';
}

function misconfigured(message: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message);
}

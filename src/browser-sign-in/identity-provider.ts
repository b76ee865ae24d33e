import { errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { PosternError } from '../core/postern-error.ts';
import { signatureAlgorithms } from '../core/signature-algorithms.ts';
import { remoteKeySet } from '../namespace/remote-key-set.ts';
import { attemptOf, createAttempt, type CreateAttemptOptions } from '../oauth/attempt.ts';
import { validateCallback } from '../oauth/callback.ts';
import { describeUrl } from '../oauth/describe-url.ts';
import { discoverAuthorizationServer, type Discovery } from '../oauth/discovery.ts';
import { createOAuthHttp, type OAuthHttp } from '../oauth/oauth-http.ts';
import { profileOf } from '../oauth/profiles/find-profile.ts';
import type { IssuerProfiles } from '../oauth/profiles/issuer-profile.ts';
import { redeemIdToken } from '../oauth/redeem-id-token.ts';
import { identifyClient, type PreregisteredClient } from '../oauth/registration.ts';
import { idTokenIssuer } from '../oauth/token-response.ts';
import { isTrustedInside } from '../oauth/url-policy.ts';
import type { Surroundings } from '../sync/surroundings.ts';

export interface IdentityProviderOptions {
  readonly issuer: string;
  readonly client: PreregisteredClient;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly authorizeParams: Readonly<Record<string, string>>;
  readonly profiles: IssuerProfiles | undefined;
}

/** What ties an answer to the question it is an answer to. */
export interface TripSecrets {
  readonly codeVerifier: string;
  readonly nonce: string;
}

interface Provider {
  readonly attempt: Omit<CreateAttemptOptions, 'codeVerifier' | 'state'>;
  readonly signOutUrl: string | undefined;
  readonly keys: JWTVerifyGetKey;
}

/** How long an issuer's description of itself is gone by. */
const knownMs = 60 * 60_000;

/**
 * Some OpenID providers, Slack's among them, say nothing of PKCE. It is sent all the same; of a client that proves who it
 * is, the `nonce` in the signed ID token binds a code to its question as well.
 *
 * @see RFC 9700 §2.1.1
 */
const nonceIsEnough = { pkceUnadvertised: true };

/** The issuer, as a client of it that wants to know who somebody is. */
export class IdentityProvider {
  readonly #options: IdentityProviderOptions;
  readonly #surroundings: Surroundings;
  readonly #http: OAuthHttp;
  #known: { readonly provider: Promise<Provider>; readonly untilMs: number } | undefined;

  constructor(options: IdentityProviderOptions, surroundings: Surroundings) {
    this.#options = options;
    this.#surroundings = surroundings;
    const { fetch, hasCertificateFor, storeClock: clock } = surroundings;
    this.#http = createOAuthHttp({ fetch, hasCertificateFor, clock, trustedBy: options.issuer });
  }

  /** Where to send a browser, so that it comes back with `state`. */
  async startUrl(state: string, { codeVerifier, nonce }: TripSecrets): Promise<string> {
    const { attempt } = await this.#provider();
    const extraAuthorizeParams = { ...this.#options.authorizeParams, nonce };
    const { url } = await createAttempt(
      { ...attempt, extraAuthorizeParams, state, codeVerifier },
      this.#http,
    );
    return url;
  }

  /**
   * Who came back, by the ID token that the issuer gives for their code.
   *
   * @throws {PosternError} what {@link validateCallback} and {@link redeemIdToken} throw.
   * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when the ID token is not sound, or answers another question.
   */
  async whoCameBack(parameters: URLSearchParams, { codeVerifier, nonce }: TripSecrets): Promise<JWTPayload> {
    const provider = await this.#provider();
    const attempt = await attemptOf({ ...provider.attempt, codeVerifier }, this.#http);
    const { code } = validateCallback(attempt, parameters);
    const idToken = await redeemIdToken(attempt, code, this.#http);
    const { issuer, statedIssuer = issuer, profile, client, idTokenSigningAlgs } = attempt;
    // The library's own choice would take a secret for a key.
    const algorithms = signatureAlgorithms.filter((alg) => idTokenSigningAlgs?.includes(alg) !== false);
    const { payload } = await jwtVerify(idToken, provider.keys, {
      issuer: [await idTokenIssuer(statedIssuer, idToken), ...(profile?.statedIssuers ?? [])],
      audience: client.clientId,
      algorithms,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: 60,
      currentDate: new Date(this.#http.clock()),
    }).catch((cause: unknown) => {
      throw unsound(issuer, reasonOf(cause), cause);
    });
    if (payload['nonce'] !== nonce) throw unsound(issuer, 'its "nonce" is of another sign-in');
    const isShared = Array.isArray(payload.aud) && payload.aud.length > 1;
    const { azp } = payload;
    if ((isShared || azp !== undefined) && azp !== client.clientId) {
      throw unsound(issuer, 'its "azp" is another client');
    }
    return payload;
  }

  /** Where a browser is signed out at the issuer, if it has such a place. @see OpenID Connect RP-Initiated Logout 1.0 */
  async signOutUrl(backTo: string | undefined): Promise<string | undefined> {
    const { signOutUrl } = await this.#provider();
    if (signOutUrl === undefined) return undefined;
    const url = new URL(signOutUrl);
    url.searchParams.set('client_id', this.#options.client.clientId);
    if (backTo !== undefined) url.searchParams.set('post_logout_redirect_uri', backTo);
    return this.#http.checkBrowserUrl(url);
  }

  /** A failure is not remembered. */
  #provider(): Promise<Provider> {
    const { clock } = this.#surroundings;
    if (this.#known !== undefined && clock() < this.#known.untilMs) return this.#known.provider;
    const provider = this.#discover();
    const known = { provider, untilMs: clock() + knownMs };
    this.#known = known;
    provider.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return provider;
  }

  async #discover(): Promise<Provider> {
    const { issuer, client, redirectUri, scopes, profiles } = this.#options;
    const profile = profileOf(issuer, profiles);
    const server = await discoverAuthorizationServer(issuer, this.#http, {
      statedIssuers: () => profile.statedIssuers ?? [],
    });
    const discovery: Discovery = {
      resource: redirectUri,
      issuer,
      server,
      legacyEndpoints: false,
      dpopRequired: false,
    };
    if (server.jwks_uri === undefined) {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_METADATA_INVALID',
        `the metadata of ${describeUrl(issuer)} has no usable "jwks_uri"`,
        { hint: 'Only an OpenID provider can say who somebody is.' },
      );
    }
    const { fetch, clock } = this.#surroundings;
    const keysUrl = this.#http.checkUrl(server.jwks_uri);
    const metadata = { clientName: client.clientId };
    const isConfidential = client.clientSecret !== undefined || client.privateKeyJwk !== undefined;
    return {
      attempt: {
        discovery,
        client: await identifyClient(
          { discovery, redirectUri, metadata, preregistered: client, profile },
          this.#http,
        ),
        redirectUri,
        scopes,
        dpop: false,
        // This is about a person, and wants no token for any API: a separator of the provider's own is for scopes of that.
        profile: {
          ...profile,
          omitResource: true,
          scopeSeparator: ' ',
          ...(isConfidential && nonceIsEnough),
        },
      },
      keys: remoteKeySet(keysUrl, { fetch, clock, inside: isTrustedInside(keysUrl, { trustedBy: issuer }) }),
      signOutUrl:
        server.end_session_endpoint === undefined
          ? undefined
          : this.#http.checkUrl(server.end_session_endpoint).href,
    };
  }
}

function unsound(issuer: string, why: string, cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `${describeUrl(issuer)} sent an ID token that is not accepted: ${why}`,
    { cause, hint: 'Start the sign-in again. If this repeats, the operator of that issuer has to look.' },
  );
}

/** Codes and claims' names of the library, never its messages. */
function reasonOf(cause: unknown): string {
  if (cause instanceof errors.JWTClaimValidationFailed || cause instanceof errors.JWTExpired) {
    return `its ${JSON.stringify(cause.claim)}`;
  }
  if (cause instanceof errors.JOSEError) return cause.code;
  return cause instanceof PosternError ? cause.code : 'ERR_UNKNOWN';
}

import { calculatePKCECodeChallenge } from 'oauth4webapi';
import * as z from 'zod';
import type { ZodType } from 'zod';
import { encodeBase64Url } from '../core/base64url.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId, systemRandom, type RandomBytes } from '../core/random.ts';
import type { ClientAssertion } from './client-authentication.ts';
import type { ClientIdentity } from './client-identity.ts';
import { describeUrl } from './describe-url.ts';
import type { Discovery } from './discovery.ts';
import { bindingKey, dpopThumbprint } from './dpop.ts';
import { endpointsFor } from './mutual-tls.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { allowPkceUnadvertised } from './allowed.ts';
import { isFreeParameter } from './profiles/guarded-parameters.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { checkRedirectUri } from './profiles/redirect-fit.ts';
import { resourceParameter, scopeParameter, shapeParameters } from './profiles/shape-parameters.ts';
import { pushAuthorizationRequest } from './pushed-authorization.ts';
import { tokenEndpointFields, type TokenEndpoint } from './token-endpoint.ts';

/** One run at obtaining a grant, as it is stored between the redirect and the callback. Immutable. */
export interface Attempt extends TokenEndpoint {
  /** Whether the callback must carry `iss`. */
  readonly issParameterSupported: boolean;
  readonly authorizationEndpoint: string;
  readonly redirectUri: string;
  readonly codeVerifier: string;
  readonly createdAtMs: number;
}

export const attemptSchema: ZodType<Attempt> = z.looseObject({
  ...tokenEndpointFields,
  issParameterSupported: z.boolean(),
  authorizationEndpoint: z.string(),
  redirectUri: z.string(),
  codeVerifier: z.string(),
  createdAtMs: z.number(),
});

/** What {@link createAttempt} takes. */
export interface CreateAttemptOptions {
  readonly discovery: Pick<Discovery, 'issuer' | 'server' | 'resource' | 'legacyEndpoints' | 'dpopRequired'>;
  readonly client: ClientIdentity;
  readonly redirectUri: string;
  readonly scopes?: readonly string[] | undefined;
  /** Laid over those of the profile. An empty value leaves out what would be sent otherwise. */
  readonly extraAuthorizeParams?: Readonly<Record<string, string>> | undefined;
  readonly loginHint?: string | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** Binds the tokens to a fresh key. Default: only when the resource or the profile requires it. */
  readonly dpop?: boolean | undefined;
  /** Default: 192 random bits. */
  readonly state?: string | undefined;
  /** Default: 256 random bits, base64url. For who has to know it before the attempt is made. */
  readonly codeVerifier?: string | undefined;
  /** Makes the client's assertion for a pushed request, where its key is held elsewhere. */
  readonly clientAssertion?: ClientAssertion | undefined;
  readonly random?: RandomBytes | undefined;
  /** The operator allows endpoints in a private network: remembered, for whoever comes back and refreshes. */
  readonly privateNetwork?: boolean | undefined;
  readonly [allowPkceUnadvertised]?: boolean | undefined;
}

/** An attempt, the state to find it by, and where to send the person. */
export interface StartedAttempt {
  readonly attempt: Attempt;
  readonly state: string;
  readonly url: string;
}

/**
 * Starts a run at obtaining a grant: makes its secrets, and the URL to send the person to.
 *
 * Sends nothing, unless the server takes authorization requests only when they are pushed to it first.
 * The caller stores the attempt, by its state, before the URL is shown to anyone.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED when the server does not advertise S256.
 * @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when the server has no authorization endpoint.
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when its endpoint may not be opened in a browser.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when an extra parameter is not free to set, or the client is another issuer's.
 */
export async function createAttempt(options: CreateAttemptOptions, http: OAuthHttp): Promise<StartedAttempt> {
  const { random = systemRandom } = options;
  const { server } = options.discovery;
  const attempt = await attemptOf(options, http);
  const state = options.state ?? randomId(random);
  const parameters = await authorizationParameters(attempt, state, options);
  const { query, dpopNonce } =
    server.require_pushed_authorization_requests === true
      ? await pushAuthorizationRequest(server, attempt, parameters, http, options.clientAssertion)
      : { query: parameters, dpopNonce: undefined };
  const url = new URL(attempt.authorizationEndpoint);
  // RFC 6749 §3.1: a query that the endpoint already has is kept.
  for (const [name, value] of query) url.searchParams.set(name, value);
  return {
    attempt: dpopNonce === undefined ? attempt : { ...attempt, dpopNonce },
    state,
    url: http.checkBrowserUrl(url),
  };
}

/**
 * The attempt itself, without its state and its URL. Sends nothing.
 *
 * @throws {PosternError} as {@link createAttempt}.
 */
export async function attemptOf(options: CreateAttemptOptions, http: OAuthHttp): Promise<Attempt> {
  const { discovery, client, random = systemRandom } = options;
  const server = endpointsFor(discovery.server, client);
  checkAttempt(options);
  const authorizationEndpoint =
    server.authorization_endpoint ?? lacks(discovery.issuer, 'authorization_endpoint');
  return {
    issuer: discovery.issuer,
    ...(server.issuer !== discovery.issuer && { statedIssuer: server.issuer }),
    issParameterSupported: server.authorization_response_iss_parameter_supported === true,
    authorizationEndpoint: http.checkUrl(authorizationEndpoint).href,
    tokenEndpoint: server.token_endpoint ?? lacks(discovery.issuer, 'token_endpoint'),
    revocationEndpoint: server.revocation_endpoint,
    idTokenSigningAlgs: server.id_token_signing_alg_values_supported,
    client,
    redirectUri: options.redirectUri,
    resource: discovery.resource,
    scopes: options.scopes,
    codeVerifier: options.codeVerifier ?? encodeBase64Url(random(32)),
    ...(await bindingKey(options)),
    profile: options.profile,
    ...(options.privateNetwork === true && { privateNetwork: true }),
    createdAtMs: http.clock(),
  };
}

async function authorizationParameters(
  attempt: Attempt,
  state: string,
  options: CreateAttemptOptions,
): Promise<URLSearchParams> {
  const { scopes, profile, dpopKeyJwk } = attempt;
  const parameters = {
    ...(needsConsentPrompt(attempt, options) && { prompt: 'consent' }),
    ...profile?.authorizeParams,
    ...(options.loginHint !== undefined && { login_hint: options.loginHint }),
    ...options.extraAuthorizeParams,
    response_type: 'code',
    client_id: attempt.client.clientId,
    redirect_uri: attempt.redirectUri,
    state,
    code_challenge: await calculatePKCECodeChallenge(attempt.codeVerifier),
    code_challenge_method: 'S256',
    ...scopeParameter(scopes, profile),
    ...resourceParameter(attempt.resource, profile),
    ...(dpopKeyJwk !== undefined && { dpop_jkt: await dpopThumbprint(dpopKeyJwk) }),
  };
  return new URLSearchParams(shapeParameters(parameters, profile));
}

/**
 * OpenID Connect Core §11: offline access is granted only along with a consent. Elsewhere `prompt` brings nothing, and may
 * ask a person for what only their administrator can give.
 */
function needsConsentPrompt(
  { scopes, profile }: Pick<Attempt, 'scopes' | 'profile'>,
  { discovery }: Pick<CreateAttemptOptions, 'discovery'>,
): boolean {
  const isOpenId = discovery.server.id_token_signing_alg_values_supported !== undefined;
  return isOpenId && scopes?.includes('offline_access') === true && profile?.omitConsentPrompt !== true;
}

/**
 * Whether an attempt could be started at all: so that what cannot work is said before a person gets a link.
 *
 * @throws {PosternError} as {@link createAttempt}.
 */
export function checkAttempt(
  options: Pick<
    CreateAttemptOptions,
    'discovery' | 'client' | 'extraAuthorizeParams' | 'profile' | typeof allowPkceUnadvertised
  > & { readonly redirectUri?: string | undefined },
): void {
  const { discovery, client, extraAuthorizeParams = {}, profile } = options;
  if (discovery.server.authorization_endpoint === undefined)
    lacks(discovery.issuer, 'authorization_endpoint');
  if (discovery.server.token_endpoint === undefined) lacks(discovery.issuer, 'token_endpoint');
  if (client.issuer !== discovery.issuer) {
    throw misconfigured(
      `the client belongs to ${describeUrl(client.issuer)}, not to ${describeUrl(discovery.issuer)}`,
    );
  }
  const taken = [...Object.keys(extraAuthorizeParams), ...Object.keys(profile?.authorizeParams ?? {})].find(
    (name) => !isFreeParameter(name),
  );
  if (taken !== undefined) {
    throw misconfigured(`the authorization parameter ${JSON.stringify(taken)} cannot be set from outside`);
  }
  if (options.redirectUri !== undefined) checkRedirectUri(options.redirectUri, discovery.issuer, profile);
  if (!isPkceUnadvertised(discovery)) return;
  if (options[allowPkceUnadvertised] === true || profile?.pkceUnadvertised === true) return;
  throw new PosternError(
    'ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED',
    `${describeUrl(discovery.issuer)} does not list "S256" in code_challenge_methods_supported`,
    {
      hint: 'The operator of that server has to turn PKCE on, or to say that it is on. Where it is on all the same, "allowPkceUnadvertised" goes on without.',
    },
  );
}

/** Whether a server that has metadata does not say in it that it has PKCE with S256. */
export function isPkceUnadvertised(discovery: Pick<Discovery, 'server' | 'legacyEndpoints'>): boolean {
  const methods = discovery.server.code_challenge_methods_supported;
  return !discovery.legacyEndpoints && methods?.includes('S256') !== true;
}

function lacks(issuer: string, field: string): never {
  throw new PosternError(
    'ERR_POSTERN_OAUTH_METADATA_INVALID',
    `the metadata of ${describeUrl(issuer)} has no ${JSON.stringify(field)}`,
  );
}

function misconfigured(message: string): PosternError {
  return new PosternError('ERR_POSTERN_CONFIG_MISCONFIGURED', message);
}

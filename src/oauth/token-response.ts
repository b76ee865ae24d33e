import {
  clockSkew,
  clockTolerance,
  getValidatedIdTokenClaims,
  processGenericTokenEndpointResponse,
  type AuthorizationServer,
  type Client,
  type IDToken,
  type TokenEndpointResponse,
} from 'oauth4webapi';
import type { Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import { signatureAlgorithms } from '../core/signature-algorithms.ts';
import { describeUrl } from './describe-url.ts';
import { readJsonBody, type JsonBody } from './json-body.ts';
import { libraryCode, requestRefused } from './oauth-errors.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { isErrorAnswer } from './profiles/meant-error.ts';
import { likelyEndMs, statedSeconds } from './token-lifetime.ts';

/** The tokens of one reply, checked. */
export interface Tokens {
  readonly accessToken: string;
  readonly tokenType: 'bearer' | 'dpop';
  readonly expiresAtMs?: number | undefined;
  /** By the token's own text, where that is sooner. */
  readonly likelyEndMs?: number | undefined;
  readonly refreshToken?: string | undefined;
  readonly refreshExpiresAtMs?: number | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly subject?: string | undefined;
  readonly account?: string | undefined;
}

/** What a reply of a token endpoint is held to. */
export interface TokenExpectation {
  readonly issuer: string;
  readonly statedIssuer?: string | undefined;
  readonly clientId: string;
  readonly idTokenSigningAlgs?: readonly string[] | undefined;
  /** Whether the tokens were asked to be bound to a key. */
  readonly dpop: boolean;
  /** Whether an ID token was asked for. One that was not is read when it is sound, and dropped when not. */
  readonly openid: boolean;
  readonly profile?: IssuerProfile | undefined;
  /** What was sent, which a server may echo in its refusal. */
  readonly secrets?: readonly (string | undefined)[] | undefined;
  /** When the request was sent: tokens age from there. */
  readonly sentAtMs: number;
  readonly clock: Clock;
  /** Is given the tokens of a reply that is refused for something else: nobody else has them. Waited for; must not throw. */
  readonly giveBack?: ((tokens: ReceivedTokens) => Promise<void>) | undefined;
}

/** The tokens of a reply, as they came. */
export interface ReceivedTokens {
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
}

/**
 * Reads the reply of a token endpoint, as the servers that exist write it.
 *
 * An error inside a 200, a form-encoded reply, lifetimes as text and a missing token type are accepted;
 * a lifetime that cannot be meant counts as left out. Nothing of the reply reaches an error but a
 * registered error code.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_GRANT_INVALID, ERR_POSTERN_OAUTH_CLIENT_REJECTED or
 * ERR_POSTERN_OAUTH_REQUEST_FAILED or ERR_POSTERN_OAUTH_REQUEST_REFUSED when the reply is an error.
 * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when it is neither an error nor usable tokens.
 */
export async function processTokenResponse(response: Response, expected: TokenExpectation): Promise<Tokens> {
  const what = `the token endpoint of ${describeUrl(expected.issuer)}`;
  const reply = await readTokenReply(response, expected);
  const body = normalised(reply, expected.profile);
  try {
    return await checked(body, expected, what);
  } catch (error) {
    const { access_token: accessToken, refresh_token: refreshToken } = body;
    await expected.giveBack?.({
      accessToken: isText(accessToken) ? accessToken : undefined,
      refreshToken: isText(refreshToken) ? refreshToken : undefined,
    });
    throw error;
  }
}

async function checked(
  body: Record<string, unknown>,
  expected: TokenExpectation,
  what: string,
): Promise<Tokens> {
  const accepted = await checkedByLibrary(body, expected).catch((error: unknown) => {
    throw unusable(what, libraryCode(error));
  });
  const tokenType = accepted.token_type === 'dpop' ? 'dpop' : 'bearer';
  if ((tokenType === 'dpop') !== expected.dpop) {
    throw unusable(what, expected.dpop ? 'the token is not bound to our key' : 'the token is bound to a key');
  }
  const claims = getValidatedIdTokenClaims(accepted);
  return {
    accessToken: accepted.access_token,
    tokenType,
    ...endsOf(accepted, expected.sentAtMs),
    refreshToken: accepted.refresh_token,
    scopes: splitScopes(accepted.scope, expected.profile),
    subject: claims?.sub,
    ...(claims && accountOf(claims)),
  };
}

function endsOf(
  accepted: TokenEndpointResponse,
  sentAtMs: number,
): Pick<Tokens, 'expiresAtMs' | 'likelyEndMs' | 'refreshExpiresAtMs'> {
  const { expires_in, access_token, refresh_token, refresh_expires_in } = accepted;
  const endOf = (seconds: unknown): number | undefined =>
    typeof seconds === 'number' ? sentAtMs + seconds * 1000 : undefined;
  const expiresAtMs = endOf(expires_in);
  const likely = likelyEndMs(access_token, sentAtMs);
  const refreshExpiresAtMs = refresh_token === undefined ? undefined : endOf(refresh_expires_in);
  return {
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(likely !== undefined && !(likely >= (expiresAtMs ?? Infinity)) && { likelyEndMs: likely }),
    ...(refreshExpiresAtMs !== undefined && { refreshExpiresAtMs }),
  };
}

/** What a person calls the account, for them to tell it from another. It decides nothing. */
function accountOf(claims: IDToken): Pick<Tokens, 'account'> {
  const { email, preferred_username: username } = claims;
  const account = [email, username].find(
    (name) => isText(name) && name.length <= 254 && !/\p{C}/u.test(name),
  );
  return isText(account) ? { account } : {};
}

/**
 * The body of a successful reply.
 *
 * @throws {PosternError} as {@link processTokenResponse} does.
 */
export async function readTokenReply(
  response: Response,
  expected: Pick<TokenExpectation, 'issuer' | 'profile' | 'secrets' | 'clock'>,
): Promise<Record<string, unknown>> {
  const what = `the token endpoint of ${describeUrl(expected.issuer)}`;
  const { status } = response;
  if (status === 429 || status >= 500) {
    const retry = readRetryAfter(response, expected.clock());
    const answer = (await readBody(response)).object;
    throw requestRefused({ what, status, answer, secrets: expected.secrets, ...retry });
  }
  const reply = await readBody(response);
  const { profile, secrets } = expected;
  if (!response.ok || (reply.object !== undefined && isErrorAnswer(reply.object, profile))) {
    throw requestRefused({ what, status, answer: reply.object, profile, secrets });
  }
  if (reply.object === undefined) throw unusable(what, `the body ${reply.problem}`);
  return reply.object;
}

export async function readBody(response: Response): Promise<JsonBody> {
  const form = response.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded');
  if (form !== true) return readJsonBody(response);
  return { object: Object.fromEntries(new URLSearchParams(await response.text())) };
}

/** Brings a reply into the form the standard gives it, and leaves what is wrong for the check that follows. */
function normalised(
  reply: Record<string, unknown>,
  profile: IssuerProfile | undefined,
): Record<string, unknown> {
  const body = unwrapped(reply, profile?.tokenMember);
  const { access_token, refresh_token, id_token, scope } = body;
  const tokenType = typeof body.token_type === 'string' ? body.token_type : 'bearer';
  const bearer = profile?.bearerTokenTypes?.includes(tokenType.toLowerCase()) === true;
  return {
    access_token,
    token_type: bearer ? 'bearer' : tokenType,
    expires_in: statedSeconds(body.expires_in),
    // Of GitHub and Google, and of Keycloak.
    refresh_expires_in:
      statedSeconds(body.refresh_token_expires_in) ?? statedSeconds(body.refresh_expires_in),
    ...(isText(refresh_token) && { refresh_token }),
    ...(isText(id_token) && { id_token }),
    ...(isText(scope) && { scope }),
  };
}

function unwrapped(reply: Record<string, unknown>, member: string | undefined): Record<string, unknown> {
  const inner = member === undefined || isText(reply.access_token) ? undefined : reply[member];
  return typeof inner === 'object' && inner !== null ? { ...reply, ...inner } : reply;
}

/** Entra calls itself by a template in metadata that is for more than one tenant, and by the tenant in its tokens. */
export async function idTokenIssuer(stated: string, idToken: unknown): Promise<string> {
  if (!stated.includes('{tenantid}') || !isText(idToken)) return stated;
  const { decodeJwt } = await import('jose');
  try {
    const tenant = decodeJwt(idToken)['tid'];
    return isText(tenant) && /^[\da-f-]{36}$/iu.test(tenant) ? stated.replace('{tenantid}', tenant) : stated;
  } catch {
    return stated;
  }
}

async function checkedByLibrary(
  body: Record<string, unknown>,
  expected: TokenExpectation,
): Promise<TokenEndpointResponse> {
  const server: AuthorizationServer = {
    issuer: await idTokenIssuer(expected.statedIssuer ?? expected.issuer, body.id_token),
    id_token_signing_alg_values_supported: [...(expected.idTokenSigningAlgs ?? signatureAlgorithms)],
  };
  const client: Client = {
    client_id: expected.clientId,
    [clockSkew]: Math.round((expected.clock() - Date.now()) / 1000),
    [clockTolerance]: 60,
  };
  const check = (content: Record<string, unknown>): Promise<TokenEndpointResponse> =>
    processGenericTokenEndpointResponse(server, client, Response.json(content));
  if (body.id_token === undefined || expected.openid) return check(body);
  const { id_token, ...rest } = body;
  return check(body).catch(() => check(rest));
}

function splitScopes(scope: string | undefined, profile: IssuerProfile | undefined): string[] | undefined {
  const separator = profile?.grantedScopeSeparator ?? profile?.scopeSeparator ?? ' ';
  const scopes = scope
    ?.split(separator)
    .flatMap((part) => part.split(/\s+/u))
    .filter(isText);
  return scopes === undefined || scopes.length === 0 ? undefined : scopes;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function unusable(what: string, why: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `${what} sent a reply that cannot be used: ${why}`,
  );
}

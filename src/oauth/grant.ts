import { PosternError } from '../core/postern-error.ts';
import type { Attempt } from './attempt.ts';
import { describeUrl } from './describe-url.ts';
import { canRefresh, type Grant } from './grant-record.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { giveBack, requestTokens } from './obtain-tokens.ts';
import { scopeParameter } from './profiles/shape-parameters.ts';
import { tokenEndpointOf } from './token-endpoint.ts';
import type { TokenRequestOptions } from './token-request.ts';
import type { Tokens } from './token-response.ts';

export { grantSchema, type Grant } from './grant-record.ts';
export { clientCredentialsGrant, exchangeForIdJag, jwtBearerGrant } from './machine-grants.ts';
export { revokeGrant, type GrantRevocation, type TokenEnd } from './revocation.ts';
export type { TokenRequestOptions } from './token-request.ts';

/**
 * Redeems the code of an attempt, at that attempt's own token endpoint and with its own verifier.
 *
 * A code works once, so the caller saves the grant whatever else happens in the meantime.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_GRANT_INVALID when the code is refused.
 * @throws {PosternError} ERR_POSTERN_OAUTH_CLIENT_REJECTED when the client is.
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_FAILED or ERR_POSTERN_OAUTH_REQUEST_REFUSED when the answer is any other error.
 * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when it is no answer OAuth allows.
 * @throws {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE when there is none in time. Whether the code was used is then unknown.
 */
export async function exchangeCode(
  attempt: Attempt,
  code: string,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<Grant> {
  const { tokens, dpopNonce } = await requestTokens(
    attempt,
    'authorization_code',
    { code, redirect_uri: attempt.redirectUri, code_verifier: attempt.codeVerifier },
    http,
    options,
  );
  return {
    ...tokenEndpointOf(attempt),
    ...tokens,
    // RFC 6749 §5.1: a reply without scopes grants those that were asked for.
    scopes: tokens.scopes ?? attempt.scopes,
    obtainedAtMs: http.clock(),
    dpopNonce,
  };
}

/**
 * Redeems the refresh token of a grant, at the token endpoint recorded in it, and returns its next version.
 *
 * What the reply leaves out stays as it was: the refresh token and its end, the scopes, the subject. A refresh token may
 * work once, so the caller does not abandon the call, and saves what it returns.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_GRANT_INVALID when the refresh token is refused, or there is none, or it has ended
 * by its own account; then nothing is sent.
 * @throws {PosternError} ERR_POSTERN_OAUTH_RESPONSE_INVALID when the reply is for another subject.
 * @throws {PosternError} as {@link exchangeCode} does; after those the grant may still be good.
 */
export async function refreshGrant(
  grant: Grant,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<Grant> {
  if (grant.refreshToken === undefined || !canRefresh(grant, http.clock())) {
    throw new PosternError('ERR_POSTERN_OAUTH_GRANT_INVALID', 'the grant has no refresh token that is good', {
      hint: 'Sign in again.',
    });
  }
  const { tokens, dpopNonce } = await requestTokens(
    grant,
    'refresh_token',
    {
      refresh_token: grant.refreshToken,
      ...(grant.profile?.refreshScope === 'granted' && scopeParameter(grant.scopes, grant.profile)),
    },
    http,
    options,
  );
  if (tokens.subject !== undefined && grant.subject !== undefined && tokens.subject !== grant.subject) {
    await giveBack(tokens, { endpoint: grant, held: grant.refreshToken }, http, options);
    throw new PosternError(
      'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
      `the token endpoint of ${describeUrl(grant.issuer)} answered a refresh with another person's tokens`,
    );
  }
  return {
    ...grant,
    accessToken: tokens.accessToken,
    tokenType: tokens.tokenType,
    expiresAtMs: tokens.expiresAtMs,
    likelyEndMs: tokens.likelyEndMs,
    refreshToken: tokens.refreshToken ?? grant.refreshToken,
    ...refreshEndOf(grant, tokens, http.clock()),
    scopes: tokens.scopes ?? grant.scopes,
    subject: tokens.subject ?? grant.subject,
    account: tokens.account ?? grant.account,
    refreshedAtMs: http.clock(),
    dpopNonce,
  };
}

/** Two replies that mean one end differ by what they took. */
const sameEndMs = 60_000;

/** A refresh token that is replaced without a word about its end may have another. */
function refreshEndOf(
  grant: Grant,
  { refreshToken, refreshExpiresAtMs: stated }: Tokens,
  nowMs: number,
): Pick<Grant, 'refreshExpiresAtMs' | 'refreshIssuedAtMs'> {
  const isReplaced = refreshToken !== undefined && refreshToken !== grant.refreshToken;
  const before = grant.refreshExpiresAtMs;
  const refreshExpiresAtMs = stated ?? (isReplaced ? undefined : before);
  const hasMoved = refreshExpiresAtMs !== undefined && !(refreshExpiresAtMs - (before ?? 0) <= sameEndMs);
  return { refreshExpiresAtMs, refreshIssuedAtMs: hasMoved ? nowMs : grant.refreshIssuedAtMs };
}

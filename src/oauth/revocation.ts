import { allowInsecureRequests, customFetch, revocationRequest } from 'oauth4webapi';
import { authenticationOf, libraryClient } from './client-authentication.ts';
import { describeUrl } from './describe-url.ts';
import type { Grant } from './grant-record.ts';
import { readJsonBody } from './json-body.ts';
import { registeredError, requestRefused, retryAfterMs } from './oauth-errors.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { TokenRequestOptions } from './token-request.ts';

/** What can be revoked: tokens, and where they are from. Grants are such. */
export type RevocableTokens = Pick<
  Grant,
  'issuer' | 'statedIssuer' | 'revocationEndpoint' | 'client' | 'accessToken' | 'refreshToken'
>;

/**
 * Asks the authorization server to end a grant: its refresh token first, then its access token.
 *
 * Resolves to `false` when the server has no place to ask. A token that is dead already counts as ended.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_FAILED, ERR_POSTERN_OAUTH_CLIENT_REJECTED or
 * ERR_POSTERN_OAUTH_UNREACHABLE when the server did not do it.
 * @see RFC 7009 §2
 */
export async function revokeGrant(
  grant: RevocableTokens,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<boolean> {
  if (grant.revocationEndpoint === undefined) return false;
  const { refreshToken, accessToken } = grant;
  if (refreshToken !== undefined) await revokeToken(grant, 'refresh_token', refreshToken, http, options);
  await revokeToken(grant, 'access_token', accessToken, http, options);
  return true;
}

async function revokeToken(
  grant: RevocableTokens,
  kind: 'refresh_token' | 'access_token',
  token: string,
  http: OAuthHttp,
  options: TokenRequestOptions,
): Promise<void> {
  const response = await revocationRequest(
    { issuer: grant.statedIssuer ?? grant.issuer, revocation_endpoint: grant.revocationEndpoint ?? '' },
    libraryClient(grant.client),
    await authenticationOf(grant.client, options.clientAssertion),
    token,
    {
      [customFetch]: http.fetch,
      [allowInsecureRequests]: true,
      additionalParameters: { token_type_hint: kind },
    },
  );
  if (response.ok) return;
  const { object } = await readJsonBody(response);
  const error = registeredError(object?.error);
  if (error === 'invalid_token' || error === 'invalid_grant') return;
  // Many servers revoke refresh tokens only, and end the access tokens with them.
  if (kind === 'access_token' && error === 'unsupported_token_type') return;
  throw requestRefused({
    what: `the revocation endpoint of ${describeUrl(grant.issuer)}`,
    status: response.status,
    error: object?.error,
    retryAfterMs: retryAfterMs(response, http.clock()),
  });
}

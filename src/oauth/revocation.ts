import { revocationRequest } from 'oauth4webapi';
import { readRetryAfter } from '../core/retry-after.ts';
import { authenticationOf, libraryClient } from './client-authentication.ts';
import { describeUrl } from './describe-url.ts';
import type { Grant } from './grant-record.ts';
import { readJsonBody } from './json-body.ts';
import { sentBy } from './mutual-tls.ts';
import { registeredError, requestRefused } from './oauth-errors.ts';
import { isErrorAnswer, meantError } from './profiles/meant-error.ts';
import { shapeParameters } from './profiles/shape-parameters.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { TokenRequestOptions } from './token-request.ts';

/** What can be revoked: tokens, and where they are from. Grants are such. */
export type RevocableTokens = Pick<
  Grant,
  'issuer' | 'statedIssuer' | 'revocationEndpoint' | 'client' | 'refreshToken' | 'profile'
> & { readonly accessToken: string | undefined };

/**
 * What an authorization server made of a token it was asked to end. `confirmed`: it is dead. `unsupported`: the server ends
 * no such token, or has no place to ask. `refused`: it would not, and would not the next time.
 */
export type TokenEnd = 'confirmed' | 'unsupported' | 'refused';

/** What became of a grant's tokens, each by itself: the end of one may leave the other alive. */
export interface GrantRevocation {
  /** Each is left out where the grant has none. */
  readonly refreshToken?: TokenEnd;
  readonly accessToken?: TokenEnd;
}

/**
 * Asks the authorization server to end a grant: its refresh token first, then its access token.
 *
 * Only what the server confirms counts as ended. That is also a token it says is dead already.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_REQUEST_FAILED, ERR_POSTERN_OAUTH_CLIENT_REJECTED or
 * ERR_POSTERN_OAUTH_UNREACHABLE when the server may do it another time.
 * @see RFC 7009 §2
 */
export async function revokeGrant(
  grant: RevocableTokens,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<GrantRevocation> {
  const { refreshToken, accessToken } = grant;
  const end = (kind: TokenKind, token: string): Promise<TokenEnd> =>
    revokeToken(grant, kind, token, http, options);
  return {
    ...(refreshToken !== undefined && { refreshToken: await end('refresh_token', refreshToken) }),
    ...(accessToken !== undefined && { accessToken: await end('access_token', accessToken) }),
  };
}

type TokenKind = 'refresh_token' | 'access_token';

async function revokeToken(
  grant: RevocableTokens,
  kind: TokenKind,
  token: string,
  http: OAuthHttp,
  options: TokenRequestOptions,
): Promise<TokenEnd> {
  const { profile, revocationEndpoint } = grant;
  if (revocationEndpoint === undefined) return 'unsupported';
  const response = await revocationRequest(
    { issuer: grant.statedIssuer ?? grant.issuer, revocation_endpoint: revocationEndpoint },
    libraryClient(grant.client),
    await authenticationOf(grant.client, options.clientAssertion),
    token,
    {
      ...sentBy(grant.client, http),
      additionalParameters: shapeParameters({ token_type_hint: kind, ...profile?.revokeParams }, profile),
    },
  );
  const { object } = await readJsonBody(response);
  // Some say "no" with status 200. What they say counts, as in the replies of their other endpoints.
  if (response.ok && (object === undefined || !isErrorAnswer(object, profile))) return 'confirmed';
  // A failing server's word is not evidence of anything.
  const error = response.status < 500 ? registeredError(object && meantError(object, profile)) : undefined;
  if (error === 'invalid_token' || error === 'invalid_grant') return 'confirmed';
  if (error === 'unsupported_token_type') return 'unsupported';
  const refusal = requestRefused({
    what: `the revocation endpoint of ${describeUrl(grant.issuer)}`,
    status: response.status,
    answer: object,
    profile,
    secrets: [token, grant.client.clientSecret],
    ...readRetryAfter(response, http.clock()),
  });
  if (refusal.code === 'ERR_POSTERN_OAUTH_REQUEST_REFUSED') return 'refused';
  throw refusal;
}

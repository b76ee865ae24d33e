import { PosternError } from '../core/postern-error.ts';
import type { Attempt } from './attempt.ts';
import { describeUrl } from './describe-url.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { sendTokenRequest } from './token-request.ts';
import { readTokenReply } from './token-response.ts';

/**
 * Redeems the code of an attempt for who the person is, and leaves the other tokens: nobody keeps them.
 *
 * They are not revoked either: there are issuers where that takes back everything the person has ever agreed to.
 *
 * @returns the ID token as it came. Nothing in it is checked yet.
 * @throws {PosternError} as {@link exchangeCode} does.
 */
export async function redeemIdToken(attempt: Attempt, code: string, http: OAuthHttp): Promise<string> {
  const { codeVerifier, redirectUri, issuer, profile, client } = attempt;
  const { response } = await sendTokenRequest(
    attempt,
    'authorization_code',
    { code, redirect_uri: redirectUri, code_verifier: codeVerifier },
    http,
  );
  const secrets = [client.clientSecret, code, codeVerifier];
  const { id_token: idToken } = await readTokenReply(response, {
    issuer,
    profile,
    secrets,
    clock: http.clock,
  });
  if (typeof idToken === 'string' && idToken !== '') return idToken;
  throw new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `the token endpoint of ${describeUrl(issuer)} sent no ID token`,
    { hint: 'Is it an OpenID provider, and may the client ask for the scope "openid"?' },
  );
}

import { isHeaderValue } from '../core/header-value.ts';
import { PosternError } from '../core/postern-error.ts';
import { describeUrl } from './describe-url.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { revokeGrant } from './revocation.ts';
import { sendTokenRequest, type TokenEndpoint, type TokenRequestOptions } from './token-request.ts';
import { processTokenResponse, type Tokens } from './token-response.ts';

/** Asks for tokens and checks the reply. */
export async function requestTokens(
  endpoint: TokenEndpoint,
  grantType: string,
  parameters: Readonly<Record<string, string>>,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<{ readonly tokens: Tokens; readonly dpopNonce: string | undefined }> {
  const sentAtMs = http.clock();
  const { response, dpopNonce } = await sendTokenRequest(endpoint, grantType, parameters, http, options);
  const { refresh_token: held } = parameters;
  const request = { endpoint, sentAtMs, held, secrets: Object.values(parameters) };
  return { tokens: await acceptTokens(response, request, http, options), dpopNonce };
}

/**
 * The tokens of a reply. An access token that could never be sent is refused here, and what came with it revoked.
 *
 * @throws {PosternError} as {@link processTokenResponse} does.
 */
export async function acceptTokens(
  response: Response,
  request: {
    readonly endpoint: TokenEndpoint;
    readonly sentAtMs: number;
    /** A refresh token that stays with the caller. */
    readonly held?: string | undefined;
    /** What else was sent that is nobody's to read. */
    readonly secrets?: readonly string[] | undefined;
  },
  http: OAuthHttp,
  options: TokenRequestOptions,
): Promise<Tokens> {
  const { endpoint, sentAtMs, held } = request;
  const tokens = await processTokenResponse(response, {
    issuer: endpoint.issuer,
    statedIssuer: endpoint.statedIssuer,
    clientId: endpoint.client.clientId,
    idTokenSigningAlgs: endpoint.idTokenSigningAlgs,
    dpop: endpoint.dpopKeyJwk !== undefined,
    openid: endpoint.scopes?.includes('openid') === true,
    profile: endpoint.profile,
    secrets: [endpoint.client.clientSecret, ...(request.secrets ?? [])],
    sentAtMs,
    clock: http.clock,
  });
  const { accessToken, refreshToken } = tokens;
  if (isHeaderValue(accessToken)) return tokens;
  const refused = {
    ...endpoint,
    accessToken,
    refreshToken: refreshToken === held ? undefined : refreshToken,
  };
  await revokeGrant(refused, http, options).catch(() => {});
  throw new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `the token endpoint of ${describeUrl(endpoint.issuer)} sent an access token that no header can carry`,
    { hint: 'The operator of that authorization server has to look.' },
  );
}

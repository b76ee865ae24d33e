import { isHeaderValue } from '../core/header-value.ts';
import { PosternError } from '../core/postern-error.ts';
import { describeUrl } from './describe-url.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { revokeGrant } from './revocation.ts';
import type { TokenEndpoint } from './token-endpoint.ts';
import { sendTokenRequest, type TokenRequestOptions } from './token-request.ts';
import { processTokenResponse, type ReceivedTokens, type Tokens } from './token-response.ts';

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

/** A reply that is expected, and the request that it answers. */
export interface TokenRequest {
  readonly endpoint: TokenEndpoint;
  readonly sentAtMs: number;
  /** A refresh token that stays with the caller. */
  readonly held?: string | undefined;
  /** What else was sent that is nobody's to read. */
  readonly secrets?: readonly string[] | undefined;
}

/**
 * The tokens of a reply. What is refused here, for whatever reason, is revoked: nobody has it. An access token that could
 * never be sent is refused, too.
 *
 * @throws {PosternError} as {@link processTokenResponse} does.
 */
export async function acceptTokens(
  response: Response,
  request: TokenRequest,
  http: OAuthHttp,
  options: TokenRequestOptions,
): Promise<Tokens> {
  const { endpoint, sentAtMs } = request;
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
    giveBack: (refused) => giveBack(refused, request, http, options),
  });
  if (isHeaderValue(tokens.accessToken)) return tokens;
  await giveBack(tokens, request, http, options);
  throw new PosternError(
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    `the token endpoint of ${describeUrl(endpoint.issuer)} sent an access token that no header can carry`,
    { hint: 'The operator of that authorization server has to look.' },
  );
}

/** Revokes tokens that are refused, but for a refresh token that their caller had before. */
export async function giveBack(
  { accessToken, refreshToken }: Partial<ReceivedTokens>,
  { endpoint, held }: Pick<TokenRequest, 'endpoint' | 'held'>,
  http: OAuthHttp,
  options: TokenRequestOptions,
): Promise<void> {
  const refused = {
    ...endpoint,
    accessToken,
    refreshToken: refreshToken === held ? undefined : refreshToken,
  };
  await revokeGrant(refused, http, options).catch(() => {});
}

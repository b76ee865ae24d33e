import { genericTokenEndpointRequest } from 'oauth4webapi';
import { authenticationOf, libraryClient, type ClientAssertion } from './client-authentication.ts';
import { createDpopProof } from './dpop.ts';
import { sentBy } from './mutual-tls.ts';
import type { OAuthHttp } from './oauth-http.ts';
import { sendProven, type ProvenAnswer } from './send-proven.ts';
import type { TokenEndpoint } from './token-endpoint.ts';
import { resourceParameter, shapeParameters } from './profiles/shape-parameters.ts';

/** What requests to a token endpoint may need beside their records. */
export interface TokenRequestOptions {
  /** Makes the client's assertion, for `private_key_jwt` without a key of our own. */
  readonly clientAssertion?: ClientAssertion | undefined;
}

/**
 * Sends a request to the token endpoint, with `resource` and the client's authentication.
 *
 * It is sent once. Only when the server wants a nonce in the proof, which it says before it looks at the
 * grant, is it sent a second time; never a third. An issuer that says it only after it has spent the refresh token is
 * asked for the nonce beforehand, without that token.
 *
 * @see RFC 9449 §8
 */
export async function sendTokenRequest(
  endpoint: TokenEndpoint,
  grantType: string,
  parameters: Readonly<Record<string, string>>,
  http: OAuthHttp,
  options: TokenRequestOptions = {},
): Promise<ProvenAnswer> {
  const { client, profile, dpopKeyJwk } = endpoint;
  const authentication = await authenticationOf(client, options.clientAssertion);
  const isRefresh = grantType === 'refresh_token';
  const body = shapeParameters(
    {
      ...profile?.tokenParams,
      ...(isRefresh && profile?.refreshParams),
      ...resourceParameter(endpoint.resource, profile),
      ...parameters,
    },
    profile,
  );
  const url = http.checkUrl(endpoint.tokenEndpoint);
  const send = (sent: Record<string, string>, headers: Readonly<Record<string, string>>): Promise<Response> =>
    genericTokenEndpointRequest(
      { issuer: endpoint.statedIssuer ?? endpoint.issuer, token_endpoint: url.href },
      libraryClient(client),
      authentication,
      grantType,
      sent,
      { ...sentBy(client, http), headers: { ...headers } },
    );
  let nonce = endpoint.dpopNonce;
  if (dpopKeyJwk !== undefined && isRefresh && profile?.dpopNonceFirst === true) {
    const { refresh_token: _kept, ...rest } = body;
    const proof = await createDpopProof({
      keyJwk: dpopKeyJwk,
      method: 'POST',
      url,
      nonce,
      clock: http.clock,
    });
    nonce = (await send(rest, { dpop: proof })).headers.get('dpop-nonce') ?? nonce;
  }
  return sendProven({ keyJwk: dpopKeyJwk, url, nonce, clock: http.clock }, (headers) => send(body, headers));
}

import { allowInsecureRequests, customFetch, genericTokenEndpointRequest } from 'oauth4webapi';
import { authenticationOf, libraryClient, type ClientAssertion } from './client-authentication.ts';
import { createDpopProof } from './dpop.ts';
import { readJsonBody } from './json-body.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { TokenEndpoint } from './token-endpoint.ts';
import { resourceParameter, shapeParameters } from './profiles/shape-parameters.ts';

/** What requests to a token endpoint may need beside their records. */
export interface TokenRequestOptions {
  /** Makes the client's assertion, for `private_key_jwt` without a key of our own. */
  readonly clientAssertion?: ClientAssertion | undefined;
}

/** One answer of a token endpoint, and the nonce to begin with next time. */
export interface SentTokenRequest {
  readonly response: Response;
  readonly dpopNonce: string | undefined;
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
): Promise<SentTokenRequest> {
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
  const send = async (nonce: string | undefined, sent = body): Promise<Response> => {
    const url = http.checkUrl(endpoint.tokenEndpoint);
    const proof = dpopKeyJwk && { keyJwk: dpopKeyJwk, method: 'POST', url, nonce, clock: http.clock };
    return genericTokenEndpointRequest(
      { issuer: endpoint.statedIssuer ?? endpoint.issuer, token_endpoint: url.href },
      libraryClient(client),
      authentication,
      grantType,
      sent,
      {
        [customFetch]: http.fetch,
        [allowInsecureRequests]: true,
        ...(proof && { headers: { dpop: await createDpopProof(proof) } }),
      },
    );
  };
  let known = endpoint.dpopNonce;
  if (dpopKeyJwk !== undefined && isRefresh && profile?.dpopNonceFirst === true) {
    const { refresh_token: _kept, ...rest } = body;
    known = (await send(known, rest)).headers.get('dpop-nonce') ?? known;
  }
  const first = await send(known);
  const nonce = first.headers.get('dpop-nonce') ?? undefined;
  if (dpopKeyJwk === undefined || nonce === undefined || !(await wantsNonce(first))) {
    return { response: first, dpopNonce: nonce ?? known };
  }
  const second = await send(nonce);
  return { response: second, dpopNonce: second.headers.get('dpop-nonce') ?? nonce };
}

async function wantsNonce(response: Response): Promise<boolean> {
  if (response.status !== 400 && response.status !== 401) return false;
  const { object } = await readJsonBody(response.clone());
  return object?.error === 'use_dpop_nonce';
}

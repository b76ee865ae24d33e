import { allowInsecureRequests, customFetch, type AuthorizationServer } from 'oauth4webapi';
import { PosternError } from '../core/postern-error.ts';
import { asClientOf, type CertifiedInit } from '../http/certificates.ts';
import type { FetchLike } from '../http/fetch-like.ts';
import type { ClientIdentity, TokenEndpointAuthMethod } from './client-identity.ts';
import { describeUrl } from './describe-url.ts';
import type { OAuthHttp } from './oauth-http.ts';

type Certified = Pick<ClientIdentity, 'issuer' | 'mutualTls'>;

/** By these a client proves who it is with its certificate alone. @see RFC 8705 §2 */
export const tlsMethods: readonly TokenEndpointAuthMethod[] = [
  'tls_client_auth',
  'self_signed_tls_client_auth',
];

export function isTlsMethod(method: TokenEndpointAuthMethod | undefined): boolean {
  return method !== undefined && tlsMethods.includes(method);
}

/** Whether an issuer binds access tokens to the certificate they are asked for with. @see RFC 8705 §3.3 */
export function bindsToCertificates(server: AuthorizationServer): boolean {
  return server['tls_client_certificate_bound_access_tokens'] === true;
}

/**
 * What a client is at its issuer by the certificate that there is for it, or was.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when it proves itself by one, and there is none.
 */
export function withCertificate(
  client: ClientIdentity,
  server: AuthorizationServer,
  http: Pick<OAuthHttp, 'hasCertificateFor'>,
): ClientIdentity {
  const provesItself = isTlsMethod(client.tokenEndpointAuthMethod);
  const has = http.hasCertificateFor?.(client.issuer);
  if (provesItself && has === false) {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the client at ${describeUrl(client.issuer)} proves itself by a certificate, and there is none for that issuer`,
      { hint: 'Name it in "network.clientCertificates", by the issuer.' },
    );
  }
  const certified = bindsToCertificates(server) ? 'bound' : 'shown';
  const mutualTls = has === true || provesItself ? certified : undefined;
  return mutualTls === client.mutualTls ? client : { ...client, mutualTls };
}

/** Where a client sends its requests: one with a certificate where that is asked for. @see RFC 8705 §5 */
export function endpointsFor(server: AuthorizationServer, { mutualTls }: Certified): AuthorizationServer {
  return mutualTls === undefined ? server : { ...server, ...server.mtls_endpoint_aliases };
}

/** How the library sends a request of a client: through `http`, with the client's certificate where it has one. */
export function sentBy(
  client: Certified,
  http: Pick<OAuthHttp, 'fetch'>,
): { [customFetch]: FetchLike; [allowInsecureRequests]: true } {
  const { issuer, mutualTls } = client;
  const certified: FetchLike = (url, init) => {
    const sent: CertifiedInit = { ...init, [asClientOf]: issuer };
    return http.fetch(url, sent);
  };
  return { [customFetch]: mutualTls === undefined ? http.fetch : certified, [allowInsecureRequests]: true };
}

import type { JWK } from 'jose';
import { introspectionRequest } from 'oauth4webapi';
import { PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import { authenticationOf, libraryClient, type ClientAssertion } from './client-authentication.ts';
import type { ClientIdentity, TokenEndpointAuthMethod } from './client-identity.ts';
import { describeUrl } from './describe-url.ts';
import { readJsonBody } from './json-body.ts';
import { sentBy, withCertificate } from './mutual-tls.ts';
import { requestRefused } from './oauth-errors.ts';
import type { OAuthHttp } from './oauth-http.ts';

/** What {@link createIntrospection} takes: an issuer, and who asks it. */
export interface IntrospectionOptions {
  readonly issuer: string;
  /** `introspection_endpoint` of the issuer's metadata; for a client with a certificate, that of `mtls_endpoint_aliases`. */
  readonly endpoint: string | URL;
  /** The server that received the token, as the issuer knows it. */
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly privateKeyJwk?: JWK | undefined;
  /** Makes the client's assertion, for `private_key_jwt` without a key of our own. */
  readonly clientAssertion?: ClientAssertion | undefined;
  /** Default: `private_key_jwt` with a key or an assertion, else `client_secret_basic`. */
  readonly authMethod?: TokenEndpointAuthMethod | undefined;
}

/**
 * Asks an issuer about access tokens. What it returns resolves to the claims of a token that is active, and to
 * `undefined` for every other.
 *
 * The claims are the issuer's answer, with `iss` filled in where it leaves it out; nothing else about them is
 * checked. Each call is one request.
 *
 * The function it returns throws
 * ERR_POSTERN_OAUTH_CLIENT_REJECTED when the issuer refuses this client,
 * ERR_POSTERN_OAUTH_REQUEST_FAILED or ERR_POSTERN_OAUTH_REQUEST_REFUSED when it answers with another error,
 * ERR_POSTERN_OAUTH_RESPONSE_INVALID when the answer does not say whether the token is active, and
 * ERR_POSTERN_OAUTH_UNREACHABLE when there is none in time.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when the endpoint may not be used.
 * @see RFC 7662 §2
 */
export function createIntrospection(
  options: IntrospectionOptions,
  http: OAuthHttp,
): (token: string) => Promise<Readonly<Record<string, unknown>> | undefined> {
  const { issuer } = options;
  const endpoint = http.checkUrl(options.endpoint).href;
  const identity = withCertificate(identityOf(options), { issuer }, http);
  const what = `the introspection endpoint of ${describeUrl(issuer)}`;

  return async (token) => {
    const response = await introspectionRequest(
      { issuer, introspection_endpoint: endpoint },
      libraryClient(identity),
      await authenticationOf(identity, options.clientAssertion),
      token,
      {
        ...sentBy(identity, http),
        requestJwtResponse: false,
        additionalParameters: { token_type_hint: 'access_token' },
      },
    );
    const { object } = await readJsonBody(response);
    if (response.status !== 200) {
      const { status } = response;
      // A 401 is about this client, whatever its body says; a failing server's word is not evidence of anything.
      const error = status === 401 ? 'invalid_client' : status < 500 ? object?.error : undefined;
      throw requestRefused({
        what,
        status,
        error,
        answer: object,
        secrets: [token, options.clientSecret],
        ...readRetryAfter(response, http.clock()),
      });
    }
    if (typeof object?.active !== 'boolean') {
      throw new PosternError(
        'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
        `${what} does not say whether the token is active`,
      );
    }
    const { active, ...claims } = object;
    return active ? { iss: issuer, ...claims } : undefined;
  };
}

function identityOf(options: IntrospectionOptions): ClientIdentity {
  const { issuer, clientId, clientSecret, privateKeyJwk, clientAssertion } = options;
  const signs = privateKeyJwk !== undefined || clientAssertion !== undefined;
  return {
    issuer,
    clientId,
    clientSecret,
    privateKeyJwk,
    tokenEndpointAuthMethod: options.authMethod ?? (signs ? 'private_key_jwt' : 'client_secret_basic'),
    source: 'preregistered',
    redirectUris: [],
  };
}

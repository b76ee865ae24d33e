import type { JWK } from 'jose';
import {
  processPushedAuthorizationResponse,
  pushedAuthorizationRequest,
  type AuthorizationServer,
} from 'oauth4webapi';
import { PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import type { ClientIdentity } from './client-identity.ts';
import { authenticationOf, libraryClient, type ClientAssertion } from './client-authentication.ts';
import { describeUrl } from './describe-url.ts';
import { readJsonBody } from './json-body.ts';
import { endpointsFor, sentBy } from './mutual-tls.ts';
import { libraryCode, requestRefused } from './oauth-errors.ts';
import type { OAuthHttp } from './oauth-http.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { sendProven } from './send-proven.ts';

/**
 * Hands the authorization request to the server beforehand, and returns the two parameters that stand for it, and the nonce
 * to begin with at the token endpoint. With a proof of the key, where the tokens will be bound to one.
 *
 * @see RFC 9126 §2, RFC 9449 §10.1
 */
export async function pushAuthorizationRequest(
  described: AuthorizationServer,
  attempt: {
    readonly issuer: string;
    readonly client: ClientIdentity;
    readonly profile?: IssuerProfile | undefined;
    readonly dpopKeyJwk?: JWK | undefined;
  },
  parameters: URLSearchParams,
  http: OAuthHttp,
  assertion?: ClientAssertion,
): Promise<{ readonly query: URLSearchParams; readonly dpopNonce: string | undefined }> {
  const server = endpointsFor(described, attempt.client);
  const client = libraryClient(attempt.client);
  const what = `the pushed-authorization endpoint of ${describeUrl(attempt.issuer)}`;
  if (server.pushed_authorization_request_endpoint === undefined) {
    throw new PosternError(
      'ERR_POSTERN_OAUTH_METADATA_INVALID',
      `the metadata of ${describeUrl(attempt.issuer)} requires pushed requests and names no endpoint for them`,
    );
  }
  const authentication = await authenticationOf(attempt.client, assertion);
  const url = http.checkUrl(server.pushed_authorization_request_endpoint);
  const { response, dpopNonce } = await sendProven(
    { keyJwk: attempt.dpopKeyJwk, url, nonce: undefined, clock: http.clock },
    (headers) =>
      pushedAuthorizationRequest(server, client, authentication, parameters, {
        ...sentBy(attempt.client, http),
        headers: { ...headers },
      }),
  );
  const { status } = response;
  const { object: reply } = await readJsonBody(response);
  if ((status !== 200 && status !== 201) || reply === undefined) {
    throw requestRefused({
      what,
      status,
      answer: reply,
      profile: attempt.profile,
      secrets: [attempt.client.clientSecret, parameters.get('state') ?? undefined],
      ...readRetryAfter(response, http.clock()),
    });
  }
  const pushed = await processPushedAuthorizationResponse(
    server,
    client,
    Response.json(reply, { status: 201 }),
  ).catch((cause: unknown) => {
    throw new PosternError(
      'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
      `${what} sent a reply that cannot be used (${libraryCode(cause)})`,
    );
  });
  const { clientId } = attempt.client;
  return {
    query: new URLSearchParams({ client_id: clientId, request_uri: pushed.request_uri }),
    dpopNonce,
  };
}

import type { AuthorizationServer, ResourceServer } from 'oauth4webapi';
import * as z from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { describeUrl } from './describe-url.ts';
import type { OAuthHttp } from './oauth-http.ts';

/** A field of the wrong type counts as absent, so a text `"S256"` never passes for a list holding it. */
const strings = z.array(z.string()).optional().catch(undefined);
const flag = z.boolean().optional().catch(undefined);
const endpoint = z.string().optional();

/** Where clients with a certificate are asked for it. What is used of it is judged then. @see RFC 8705 §5 */
const aliases = z
  .object({
    token_endpoint: endpoint.catch(undefined),
    revocation_endpoint: endpoint.catch(undefined),
    introspection_endpoint: endpoint.catch(undefined),
    device_authorization_endpoint: endpoint.catch(undefined),
    pushed_authorization_request_endpoint: endpoint.catch(undefined),
  })
  .transform(withoutUndefined)
  .optional()
  .catch(undefined);

const authorizationServer = z.object({
  issuer: z.string(),
  authorization_endpoint: endpoint,
  token_endpoint: endpoint,
  registration_endpoint: endpoint,
  revocation_endpoint: endpoint,
  device_authorization_endpoint: endpoint,
  pushed_authorization_request_endpoint: endpoint,
  // Judged by who uses them: nobody does who only wants tokens.
  jwks_uri: endpoint.catch(undefined),
  end_session_endpoint: endpoint.catch(undefined),
  mtls_endpoint_aliases: aliases,
  tls_client_certificate_bound_access_tokens: flag,
  require_pushed_authorization_requests: flag,
  authorization_response_iss_parameter_supported: flag,
  client_id_metadata_document_supported: flag,
  scopes_supported: strings,
  response_types_supported: strings,
  grant_types_supported: strings,
  code_challenge_methods_supported: strings,
  token_endpoint_auth_methods_supported: strings,
  token_endpoint_auth_signing_alg_values_supported: strings,
  id_token_signing_alg_values_supported: strings,
  dpop_signing_alg_values_supported: strings,
});

const protectedResource = z.object({
  resource: z.string(),
  resource_name: z.string().optional().catch(undefined),
  authorization_servers: strings,
  scopes_supported: strings,
  bearer_methods_supported: strings,
  dpop_bound_access_tokens_required: flag,
  dpop_signing_alg_values_supported: strings,
});

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'device_authorization_endpoint',
  'pushed_authorization_request_endpoint',
] as const;

/**
 * The fields of an authorization server's metadata that are used here, with its endpoints checked.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when a required field is missing.
 * @throws {PosternError} ERR_POSTERN_OAUTH_URL_FORBIDDEN when an endpoint may not be used.
 */
export function readAuthorizationServer(
  document: Record<string, unknown>,
  from: URL,
  http: OAuthHttp,
): AuthorizationServer {
  const parsed = authorizationServer.safeParse(document);
  if (!parsed.success) throw invalidMetadata(from, firstProblem(parsed.error));
  if (parsed.data.token_endpoint === undefined) throw invalidMetadata(from, 'token_endpoint');
  for (const name of endpoints) {
    const url = parsed.data[name];
    if (url !== undefined) http.checkUrl(url);
  }
  return withoutUndefined(parsed.data) as AuthorizationServer;
}

/** @throws {PosternError} ERR_POSTERN_OAUTH_METADATA_INVALID when a required field is missing. */
export function readProtectedResource(document: Record<string, unknown>, from: URL): ResourceServer {
  const parsed = protectedResource.safeParse(document);
  if (!parsed.success) throw invalidMetadata(from, firstProblem(parsed.error));
  return withoutUndefined(parsed.data) as unknown as ResourceServer;
}

function invalidMetadata(from: URL, field: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_OAUTH_METADATA_INVALID',
    `the metadata at ${describeUrl(from)} has no usable ${JSON.stringify(field)}`,
  );
}

function firstProblem(error: z.ZodError): string {
  return error.issues[0]?.path.join('.') ?? 'content';
}

function withoutUndefined(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

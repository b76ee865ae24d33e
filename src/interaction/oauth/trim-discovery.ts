import type { Discovery } from '../../oauth/discovery.ts';

/** What of an authorization server's metadata a sign-in needs. The rest may be large, and is left out. */
const keptMetadata = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'revocation_endpoint',
  'registration_endpoint',
  'grant_types_supported',
  'pushed_authorization_request_endpoint',
  'require_pushed_authorization_requests',
  'code_challenge_methods_supported',
  'authorization_response_iss_parameter_supported',
  'token_endpoint_auth_methods_supported',
  'token_endpoint_auth_signing_alg_values_supported',
  'id_token_signing_alg_values_supported',
  'dpop_signing_alg_values_supported',
] as const;

/** A discovery without what only the registration needed. */
export function trimDiscovery({ resourceMetadata: _left, server, ...rest }: Discovery): Discovery {
  const kept = keptMetadata.filter((name) => server[name] !== undefined).map((name) => [name, server[name]]);
  return { ...rest, server: Object.fromEntries(kept) as typeof server };
}

export {
  allowPkceUnadvertised,
  attemptSchema,
  createAttempt,
  validateCallback,
  type Attempt,
  type CreateAttemptOptions,
  type StartedAttempt,
} from './attempt.ts';
export { parseChallenge, type Challenge } from './challenge.ts';
export {
  clientIdentitySchema,
  type ClientIdentity,
  type TokenEndpointAuthMethod,
} from './client-identity.ts';
export {
  allowIssuerMismatch,
  discover,
  discoverAuthorizationServer,
  discoverProtectedResource,
  discoverySchema,
  type DiscoverOptions,
  type Discovery,
} from './discovery.ts';
export { createDpopProof, generateDpopKey, type DpopProofOptions } from './dpop.ts';
export {
  clientCredentialsGrant,
  exchangeCode,
  exchangeForIdJag,
  grantSchema,
  jwtBearerGrant,
  refreshGrant,
  revokeGrant,
  type Grant,
  type IdJagOptions,
  type MachineGrantOptions,
  type TokenRequestOptions,
} from './grant.ts';
export { createOAuthHttp, type FetchLike, type OAuthHttp, type OAuthHttpOptions } from './oauth-http.ts';
export { OAuthRequestError } from './oauth-request-error.ts';
export { issuerProfileSchema, profileOf, type IssuerProfile } from './profiles.ts';
export {
  clientMetadataDocument,
  identifyClient,
  type ClientMetadata,
  type ClientMetadataDocumentOptions,
  type IdentifyClientOptions,
  type PreregisteredClient,
} from './registration.ts';
export { initialScopes, isScopeSubset, unionScopes, type ScopeSources } from './scopes.ts';
export { allowPrivateNetwork, checkUrl, type UrlPolicy } from './url-policy.ts';

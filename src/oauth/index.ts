export { allowIssuerMismatch, allowPkceUnadvertised } from './allowed.ts';
export {
  attemptSchema,
  checkAttempt,
  createAttempt,
  type Attempt,
  type CreateAttemptOptions,
  type StartedAttempt,
} from './attempt.ts';
export { validateCallback } from './callback.ts';
export { parseChallenge, type Challenge } from './challenge.ts';
export { privateKeyFromPem, type ClientAssertion } from './client-authentication.ts';
export {
  clientIdentitySchema,
  type ClientIdentity,
  type TokenEndpointAuthMethod,
} from './client-identity.ts';
export {
  clientMetadataDocument,
  type ClientMetadata,
  type ClientMetadataDocumentOptions,
} from './client-metadata.ts';
export {
  deviceAuthorizationSchema,
  pollDevice,
  startDeviceAuthorization,
  type DeviceAuthorization,
  type DeviceAuthorizationOptions,
  type DevicePoll,
} from './device.ts';
export {
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
  type GrantRevocation,
  type IdJagOptions,
  type MachineGrantOptions,
  type TokenEnd,
  type TokenRequestOptions,
} from './grant.ts';
export { createIntrospection, type IntrospectionOptions } from './introspection.ts';
export { createOAuthHttp, type FetchLike, type OAuthHttp, type OAuthHttpOptions } from './oauth-http.ts';
export { OAuthRequestError, type OAuthRequestFailure } from './oauth-request-error.ts';
export { profileOf, type ProfileSubject } from './profiles/find-profile.ts';
export { issuerProfileSchema, type IssuerProfile, type IssuerProfiles } from './profiles/issuer-profile.ts';
export { identifyClient, type IdentifyClientOptions, type PreregisteredClient } from './registration.ts';
export { initialScopes, isScopeSubset, unionScopes, type ScopeSources } from './scopes.ts';
export { allowPrivateNetwork, checkBrowserUrl, checkUrl, type UrlPolicy } from './url-policy.ts';

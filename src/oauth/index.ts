export { allowIssuerMismatch, allowPkceUnadvertised } from './allowed.ts';
export { createAttempt, type Attempt, type CreateAttemptOptions, type StartedAttempt } from './attempt.ts';
export { validateCallback } from './callback.ts';
export { parseChallenge, type Challenge } from './challenge.ts';
export { privateKeyFromPem, type ClientAssertion } from './client-authentication.ts';
export type { ClientIdentity, TokenEndpointAuthMethod } from './client-identity.ts';
export {
  clientMetadataDocument,
  type ClientMetadata,
  type ClientMetadataDocumentOptions,
} from './client-metadata.ts';
export {
  pollDevice,
  startDeviceAuthorization,
  type DeviceAuthorization,
  type DeviceAuthorizationOptions,
  type DevicePoll,
} from './device.ts';
export {
  discover,
  discoverAuthorizationServer,
  type DiscoverOptions,
  type Discovery,
  type DiscoveryLook,
} from './discovery.ts';
export { createDpopProof, generateDpopKey, type DpopProofOptions } from './dpop.ts';
export {
  exchangeCode,
  refreshGrant,
  revokeGrant,
  type Grant,
  type GrantRevocation,
  type TokenEnd,
  type TokenRequestOptions,
} from './grant.ts';
export { createIntrospection, type IntrospectionOptions } from './introspection.ts';
export { createOAuthHttp, type FetchLike, type OAuthHttp, type OAuthHttpOptions } from './oauth-http.ts';
export { OAuthRequestError, type OAuthRequestFailure } from './oauth-request-error.ts';
export { profileOf, type ProfileSubject } from './profiles/find-profile.ts';
export type { IssuerProfile, IssuerProfiles } from './profiles/issuer-profile.ts';
export { identifyClient, type IdentifyClientOptions, type PreregisteredClient } from './registration.ts';
export { allowPrivateNetwork } from './url-policy.ts';

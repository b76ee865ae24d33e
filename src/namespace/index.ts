export type { Claims, IdentifyBy } from './claims-identity.ts';
export { fixedNamespace } from './fixed-namespace.ts';
export { NamespaceInstances, type NamespaceInstancesOptions } from './namespace-instances.ts';
export { namespacePath, type NamespacePathOptions } from './namespace-path.ts';
export type { Caller, NamespaceProvider } from './namespace-provider.ts';
export { createNamespace, namespaceOf, storageOf, type Namespace } from './namespace.ts';
export type { KeySetFetch } from './remote-key-set.ts';
export { tokenHash, type TokenHashOptions } from './token-hash.ts';
export { verifiedClaims, type Introspect, type VerifiedClaimsOptions } from './verified-claims.ts';

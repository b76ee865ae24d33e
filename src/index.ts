/** What every user needs, on whichever side. The rest of the kernel is `postern/kernel`. */
export type { Clock } from './core/clock.ts';
export { explain, type Audience } from './core/explain.ts';
export { errorCodes, type ErrorCodeFacts, type FixedBy, type PosternErrorCode } from './core/error-codes.ts';
export type { FailureEvidence } from './core/failure-evidence.ts';
export { silentLogger, stderrLogger, type LogFields, type Logger } from './core/logger.ts';
export {
  findPosternError,
  isPosternError,
  PosternError,
  type PosternErrorJson,
  type PosternErrorOptions,
} from './core/postern-error.ts';
export { Secret } from './core/secret.ts';
export { certificateThumbprint, skipConfirmation } from './namespace/confirmation.ts';
export { fixedNamespace } from './namespace/fixed-namespace.ts';
export type { Caller, NamespaceProvider } from './namespace/namespace-provider.ts';
export { createNamespace, type Namespace } from './namespace/namespace.ts';
export { tokenHash, type TokenHashOptions } from './namespace/token-hash.ts';
export { verifiedClaims, type VerifiedClaimsOptions } from './namespace/verified-claims.ts';
export {
  checkStorage,
  countByKey,
  reseal,
  createKeyring,
  encrypted,
  generateKeyText,
  keyringFromEnv,
  keyringFromFunction,
  keyringFromText,
  MemoryBackend,
  notSealed,
  type KeyCounts,
  type Keyring,
  type KeyringKey,
  type KeyMaterial,
  type MemoryBackendOptions,
  type Partitions,
  type PartitionsPage,
  type Resealed,
  type StorageBackend,
  type StorageCheckOptions,
} from './storage/index.ts';

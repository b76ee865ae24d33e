export { checkStorage, type StorageCheckOptions } from './check-storage.ts';
export { Collection, type PutOptions, type Stored } from './collection.ts';
export {
  absent,
  type Capabilities,
  type Change,
  type Entry,
  type Key,
  type Page,
  type Partitions,
  type PartitionsPage,
  type StorageBackend,
} from './contract.ts';
export { checkCommit, entryPathOf, type CheckedChange, type CheckedCommit } from './checked-commit.ts';
export { countByKey, notSealed, type KeyCounts } from './count-by-key.ts';
export { reseal, type Resealed } from './reseal.ts';
export { encrypted } from './encrypted.ts';
export {
  createKeyring,
  generateKeyText,
  keyringFromEnv,
  keyringFromFunction,
  keyringFromText,
  type Keyring,
  type KeyringKey,
  type KeyMaterial,
} from './keyring.ts';
export { decodePath, encodePath, encodeSegment, formatKey, isUnder, pathOf } from './keys.ts';
export { MemoryBackend, type MemoryBackendOptions } from './memory-backend.ts';
export { NamespacedStorage } from './namespaced-storage.ts';
export { pageRange, partitionsLimit, type PageRange } from './page-range.ts';
export { logUnreadable, type OnUnreadable } from './unreadable.ts';

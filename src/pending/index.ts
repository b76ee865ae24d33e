export {
  errorOfEnd,
  type Pending,
  type PendingKind,
  type PendingOutcome,
  type PendingStatus,
} from './pending.ts';
export { PendingManager, type PendingManagerOptions, type PendingSpec } from './pending-manager.ts';
export { PendingStore } from './pending-store.ts';

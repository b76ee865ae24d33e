export {
  errorOfEnd,
  type OnPendingEnd,
  type Pending,
  type PendingKind,
  type PendingOutcome,
  type PendingStatus,
  type PendingTransition,
} from './pending.ts';
export { Pendings, type PendingsOptions, type PendingSpec } from './pendings.ts';
export { PendingStore } from './pending-store.ts';

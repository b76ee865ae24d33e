export {
  errorOfEnd,
  type Pending,
  type PendingKind,
  type PendingOutcome,
  type PendingStatus,
} from './pending.ts';
export { Pendings, type PendingsOptions, type PendingSpec } from './pendings.ts';
export { PendingStore } from './pending-store.ts';

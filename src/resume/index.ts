export type { Continuation, ContinuationHandler, ContinuationStatus } from './continuation.ts';
export { Continuations, type ContinuationsOptions, type ResumePolicy } from './continuations.ts';

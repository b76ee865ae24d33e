import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Namespace } from '../namespace/namespace.ts';
import type { PendingStatus } from '../pending/pending.ts';

/** Where a parked request is in its life. */
export type ContinuationStatus = 'waiting' | 'running' | 'done' | 'abandoned';

/** A parked request, as its handler sees it. */
export interface Continuation<P = unknown> {
  /** The same at every attempt: what the handler makes idempotent by. */
  readonly idempotencyKey: string;
  readonly namespace: Namespace;
  readonly payload: P;
  /** The id of the pending it has waited for. */
  readonly waitedFor: string;
  /** How that ended. `pending`: it has not, and the request is tried meanwhile. */
  readonly outcome: PendingStatus;
  /** 1 at the first run. */
  readonly attempt: number;
  /** Aborts when this process has lost the right to run it. */
  readonly signal: AbortSignal;
}

/** What is done with parked requests of one name. */
export interface ContinuationHandler<P = unknown> {
  /**
   * Goes on with the request, after its pending was completed; or tries to, where only that shows that the person is done.
   * An error that asks to wait for the pending is no failure then.
   */
  resume(continuation: Continuation<P>): Promise<void>;
  /** Resumes however its pending ended: `outcome` says how. Left out: only what was completed is resumed, the rest abandoned. */
  readonly takesAnyEnd?: boolean | undefined;
  /**
   * Is told that the request will not go on: the person declined, the pending failed or expired, or `resume` failed
   * as often as the policy allows. `code` says why. Told once, under the same condition as `resume` runs once.
   */
  abandon?(continuation: Continuation<P>, code: string): Promise<void>;
}

/** A parked request as it is stored in its namespace. */
export interface ContinuationRecord {
  readonly id: string;
  readonly handler: string;
  /** Gone once the request is done or abandoned. */
  readonly payload?: unknown;
  /** The id of the pending. */
  readonly waitingFor: string;
  readonly status: ContinuationStatus;
  readonly attempts: number;
  readonly createdAtMs: number;
  /** The code of the last failure. */
  readonly failure?: string | undefined;
}

export const continuationRecord: ZodType<ContinuationRecord> = z.lazy(() =>
  z.looseObject({
    id: z.string(),
    handler: z.string(),
    payload: z.unknown().optional(),
    waitingFor: z.string(),
    status: z.enum(['waiting', 'running', 'done', 'abandoned']),
    attempts: z.number().int(),
    createdAtMs: z.number(),
    failure: z.string().optional(),
  }),
);

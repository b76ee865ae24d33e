import * as z from 'zod';
import type { ZodType } from 'zod';
import { errorCodes, type PosternErrorCode } from '../core/error-codes.ts';
import { PosternError } from '../core/postern-error.ts';
import { untilAskedAgain } from '../core/retry-after.ts';
import type { Namespace } from '../namespace/namespace.ts';

/** The sort of interaction: one of Postern's own, or a service's. */
export type PendingKind = 'oauth_redirect' | 'device_code' | 'secret_form' | (string & {});

/** Where a pending is in its life. It leaves `pending` once, by a commit of its record, and never comes back. */
export type PendingStatus = 'pending' | 'completed' | 'cancelled' | 'failed' | 'expired';

/** One interaction a person must finish. */
export interface Pending<T = unknown> {
  /** Public and unguessable; knowing it is not authority. */
  readonly id: string;
  readonly namespace: Namespace;
  readonly kind: PendingKind;
  /** Which of several accounts, where there are several. */
  readonly alias?: string | undefined;
  /** What the person gives access to. */
  readonly resource?: string | undefined;
  /** The id of the elicitation that announced it, in protocol revision 2025-11-25. */
  readonly elicitId?: string | undefined;
  /** Who must finish it: what the host's `verifyUser` must answer. */
  readonly initiator: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  readonly status: PendingStatus;
  /** Where the person goes. */
  readonly url: string;
  /** Where the person goes back to when it has ended. */
  readonly returnTo?: string | undefined;
  /** Why it failed or was cancelled, when there is a code for it. */
  readonly failure?: PosternErrorCode | undefined;
  /** Until when its person is not asked again by itself: they declined. */
  readonly askAgainAtMs?: number | undefined;
  /** The kind's own data; gone once the pending has ended. */
  readonly data?: T | undefined;
  /** What of its data stays when it has ended. */
  readonly remembered?: unknown;
  /** The version to name in a conditional change. */
  readonly version: string;
}

/** How somebody ends a pending. */
export type PendingOutcome =
  | { readonly status: 'completed' }
  | {
      readonly status: 'cancelled';
      readonly failure?: PosternErrorCode | undefined;
      readonly askAgainAtMs?: number | undefined;
    }
  | { readonly status: 'failed'; readonly failure: PosternErrorCode };

/** How a pending ends: by somebody's word, or by time. */
export type PendingTransition = PendingOutcome | { readonly status: 'expired' };

/**
 * Is told that a pending has ended, by whoever wrote its end and in that process alone: the pending as it was, with its
 * data and its new status. It is told after the commit and the signal, and waited for; what it throws changes nothing.
 */
export type OnPendingEnd<T = unknown> = (
  pending: Pending<T>,
  transition: PendingTransition,
) => void | Promise<void>;

/** A pending as it is stored: without what its key says. */
export type PendingRecord = Omit<Pending, 'namespace' | 'version'>;

export const pendingRecord: ZodType<PendingRecord> = z.lazy(() =>
  z.looseObject({
    id: z.string(),
    kind: z.string(),
    alias: z.string().optional(),
    resource: z.string().optional(),
    elicitId: z.string().optional(),
    initiator: z.string(),
    createdAtMs: z.number(),
    expiresAtMs: z.number(),
    status: z.enum(['pending', 'completed', 'cancelled', 'failed', 'expired']),
    url: z.string(),
    returnTo: z.string().optional(),
    failure: z
      .string()
      .refine((code): code is PosternErrorCode => Object.hasOwn(errorCodes, code))
      .optional()
      .catch('ERR_POSTERN_PENDING_FAILED'),
    askAgainAtMs: z.number().optional(),
    data: z.unknown().optional(),
    remembered: z.unknown().optional(),
  }),
);

/** Whether its person has ended it to be given another: whoever waits for them asks anew, and fails nobody. */
export function isSuperseded({ failure }: { readonly failure?: PosternErrorCode | undefined }): boolean {
  return failure === 'ERR_POSTERN_PENDING_SUPERSEDED';
}

/** The error a pending's end means to whoever waited for it; `undefined` when it was completed, or has not ended. */
export function errorOfEnd(pending: {
  readonly status: PendingStatus;
  readonly failure?: PosternErrorCode | undefined;
  readonly askAgainAtMs?: number | undefined;
}): PosternError | undefined {
  switch (pending.status) {
    case 'pending':
    case 'completed':
      return undefined;
    case 'cancelled': {
      const { failure = 'ERR_POSTERN_PENDING_CANCELLED', askAgainAtMs } = pending;
      const message = 'the person declined, or the request was withdrawn';
      return new PosternError(
        failure,
        message,
        askAgainAtMs === undefined
          ? { hint: 'Ask again if it was a mistake.' }
          : untilAskedAgain(askAgainAtMs),
      );
    }
    case 'expired':
      return new PosternError('ERR_POSTERN_PENDING_EXPIRED', 'nobody finished the interaction in time', {
        hint: 'Ask again for a new link.',
      });
    case 'failed':
      return failed(pending.failure);
  }
}

function failed(code: PosternErrorCode = 'ERR_POSTERN_PENDING_FAILED'): PosternError {
  const isOperators = errorCodes[code].fixedBy === 'operator';
  const hint = isOperators
    ? 'A new link will end the same until whoever is responsible has acted; the reason is in the server’s log.'
    : 'Ask again for a new link. If it fails again, the reason is in the server’s log.';
  return new PosternError(code, 'the interaction failed', { hint });
}

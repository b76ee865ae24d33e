import { explain } from '../../core/explain.ts';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { InteractionData } from '../../interaction/flow.ts';
import type { Interactions } from '../../interaction/interactions.ts';
import { errorOfEnd, type Pending } from '../../pending/pending.ts';
import type { Principal } from '../principal.ts';
import { isUnnamed } from './login-accounts.ts';

/** Where a login is: its person is waited for, or how it ended. */
export type LoginStatus = 'pending' | 'done' | 'declined' | 'withdrawn' | 'expired' | 'failed';

/** A login, under way or over. One that is over is told of for a day. */
export interface Login {
  /** The id of its pending. */
  readonly id: string;
  /** Whom it is for; left out where its person was to choose at the service. */
  readonly handle?: string | undefined;
  readonly alias: string;
  readonly status: LoginStatus;
  /** The link, while it is good. */
  readonly url?: string | undefined;
  readonly startedAtMs: number;
  /** Until when its person has, or had, time. */
  readonly expiresAtMs: number;
  /** Why there is no account, and what to do about it, for its person. */
  readonly why?: string | undefined;
  readonly code?: PosternErrorCode | undefined;
}

/** The last login of each account at a resource, the newest first, and this process sees to those that live. */
export async function listLogins(
  interactions: Interactions,
  { namespace }: Pick<Principal, 'namespace'>,
  resource: string,
): Promise<Login[]> {
  const newest = new Map<string, Pending<InteractionData>>();
  for await (const pending of interactions.pendings.in(namespace).all()) {
    if (pending.resource !== resource || pending.alias === undefined) continue;
    // Whoever did its background work may be gone.
    interactions.attend(pending);
    const known = newest.get(pending.alias);
    if (known === undefined || isNewer(pending, known)) newest.set(pending.alias, pending);
  }
  return [...newest.values()].toSorted((a, b) => b.createdAtMs - a.createdAtMs).map(loginOf);
}

/** A login as its pending says it. */
export function loginOf(pending: Pending): Login {
  const { id, alias = '', url, createdAtMs, expiresAtMs } = pending;
  const error = errorOfEnd(pending);
  return {
    id,
    alias,
    ...(!isUnnamed(alias) && { handle: alias }),
    status: statusOf(pending),
    startedAtMs: createdAtMs,
    expiresAtMs,
    ...(pending.status === 'pending' && { url }),
    ...(error !== undefined && { code: error.code, why: explain(error, { for: 'person' }) }),
  };
}

function statusOf({ status, failure }: Pending): LoginStatus {
  switch (status) {
    case 'completed':
      return 'done';
    case 'cancelled':
      return failure === undefined ? 'withdrawn' : 'declined';
    default:
      return status;
  }
}

/** A live one is the newest, whatever clocks have said. */
function isNewer(one: Pending, other: Pending): boolean {
  if ((one.status === 'pending') !== (other.status === 'pending')) return one.status === 'pending';
  return one.createdAtMs > other.createdAtMs;
}

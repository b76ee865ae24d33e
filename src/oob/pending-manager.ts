import { isPosternError } from '../core/postern-error.ts';
import { currentNamespace, enterPending } from '../interaction/enter-pending.ts';
import { verifyPerson } from '../interaction/gates/verify-person.ts';
import {
  PendingManager as KernelPendingManager,
  type PendingManagerOptions as KernelOptions,
} from '../pending/pending-manager.ts';
import type { OnPendingEnd, Pending } from '../pending/pending.ts';
import { FormRefusedError } from '../web/form-request.ts';
import type { VerifyUser } from '../web/verify-user.ts';
import { wakeParked } from './wake-parked.ts';

export type PendingManagerOptions<T = unknown> = Omit<KernelOptions<T>, 'currentNamespace'>;

/**
 * Pendings for an MCP server. Inside a page of {@link withPending} it reaches nothing of another namespace. Requests that
 * were parked on one go on at once when it ends.
 */
export class PendingManager<T = unknown> extends KernelPendingManager<T> {
  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED naming what is missing. */
  constructor(options: PendingManagerOptions<T>) {
    super({ ...options, currentNamespace, onEnd: wakingParked(options) });
  }
}

function wakingParked<T>(options: PendingManagerOptions<T>): OnPendingEnd<T> | undefined {
  // What lacks a store is said where managers are checked.
  if (options?.storage === undefined) return undefined;
  const wake = wakeParked(options);
  return async (ended, transition) => {
    await Promise.all([wake(ended), options.onEnd?.(ended, transition)]);
  };
}

/** What {@link withPending} can be told. */
export interface WithPendingOptions {
  /**
   * Who is at the browser. Anybody but the pending's initiator is told that there is no such pending. It is asked before
   * anything is said of an id, and has the same time and the same meanings as on our own pages.
   * Without it, whoever holds the link may use it, unless your handler sees to that.
   */
  readonly verifyUser?: VerifyUser | undefined;
}

/**
 * A fetch handler for a page of one's own: loads the pending, enters its namespace, and calls yours.
 *
 * Answers 400 for an id that is none, and 401 when nobody is signed in. Somebody who is, and is not the initiator, gets 404,
 * whether the id is unknown, lives or has ended; the initiator gets 410 when it has. 503 when the store is down, or the
 * host's own check. A `PosternError` that your handler throws becomes its own status, such as 409 for a form that was sent
 * twice, anything else a 500. All bodies are dull.
 */
export function withPending<T>(
  manager: Pick<PendingManager<T>, 'find'>,
  extractId: (request: Request) => string | undefined,
  handler: (pending: Pending<T>, request: Request) => Promise<Response> | Response,
  { verifyUser }: WithPendingOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const id = extractId(request);
      if (id === undefined || !/^[\w-]{16,64}$/u.test(id)) return dull(400);
      const found = await manager.find(id);
      const verdict = verifyUser && (await verifyPerson(verifyUser, request, found));
      if (verdict?.is === 'answered') return verdict.response;
      if (verdict?.is === 'nobody') return dull(401);
      if (verdict?.is === 'stranger' || found === undefined) return dull(404);
      if (found.status !== 'pending') return dull(410);
      return await enterPending(found, async () => handler(found, request));
    } catch (error) {
      return dull(statusOf(error));
    }
  };
}

function statusOf(error: unknown): number {
  if (error instanceof FormRefusedError) return error.status;
  return isPosternError(error) ? error.facts.http : 500;
}

function dull(status: number): Response {
  return new Response(`${status}\n`, {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  });
}

import { isPosternError } from '../core/postern-error.ts';
import { currentNamespace, enterPending } from '../interaction/enter-pending.ts';
import {
  PendingManager as KernelPendingManager,
  type PendingManagerOptions as KernelOptions,
} from '../pending/pending-manager.ts';
import type { Pending } from '../pending/pending.ts';
import type { VerifyUser } from '../web/verify-user.ts';

export type PendingManagerOptions<T = unknown> = Omit<KernelOptions<T>, 'currentNamespace'>;

/** Pendings for an MCP server. Inside a page of {@link withPending} it reaches nothing of another namespace. */
export class PendingManager<T = unknown> extends KernelPendingManager<T> {
  /** @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED naming what is missing. */
  constructor(options: PendingManagerOptions<T>) {
    super({ ...options, currentNamespace });
  }
}

/** What {@link withPending} can be told. */
export interface WithPendingOptions {
  /**
   * Who is at the browser. Anybody but the pending's initiator is told that there is no such pending.
   * Without it, whoever holds the link may use it, unless your handler sees to that.
   */
  readonly verifyUser?: VerifyUser | undefined;
}

/**
 * A fetch handler for a page of one's own: loads the pending, enters its namespace, and calls yours.
 *
 * Answers 400 for an id that is none, 404 for one that is unknown or somebody else's, 410 for one that has ended, 401 when
 * nobody is signed in, 503 when the store is down; all with a dull body. What your handler throws becomes a 500 and is
 * not shown to anybody.
 */
export function withPending<T>(
  manager: Pick<PendingManager<T>, 'get'>,
  extractId: (request: Request) => string | undefined,
  handler: (pending: Pending<T>, request: Request) => Promise<Response> | Response,
  { verifyUser }: WithPendingOptions = {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const id = extractId(request);
      if (id === undefined || !/^[\w-]{16,64}$/u.test(id)) return dull(400);
      const found = await findPending(manager, id);
      if (typeof found === 'number') return dull(found);
      const user = verifyUser === undefined ? found.initiator : await verifyUser(request);
      if (user instanceof Response) return user;
      if (user === undefined || user === '') return dull(401);
      if (user !== found.initiator) return dull(404);
      if (found.status !== 'pending') return dull(410);
      return await enterPending(found, async () => handler(found, request));
    } catch {
      return dull(500);
    }
  };
}

async function findPending<T>(
  manager: Pick<PendingManager<T>, 'get'>,
  id: string,
): Promise<Pending<T> | 404 | 410 | 503> {
  try {
    return await manager.get(id);
  } catch (error) {
    if (isPosternError(error, 'ERR_POSTERN_PENDING_EXPIRED')) return 410;
    return isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND') ? 404 : 503;
  }
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

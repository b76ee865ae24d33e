import type { Clock } from '../core/clock.ts';
import { isPosternError } from '../core/postern-error.ts';
import type { Pending } from '../pending/pending.ts';
import type { Pendings } from '../pending/pendings.ts';
import type { Stored } from '../storage/collection.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import { CredentialStore, type StoredCredential } from './credential-store.ts';
import { dataOf, type Flow, type FlowPendingData } from './flow.ts';
import { savePersistently } from './save-persistently.ts';

interface Place {
  readonly storage: StorageBackend;
  readonly pendings: Pendings<FlowPendingData>;
  readonly flowNamed: (name: string) => Flow | undefined;
  readonly clock: Clock;
}

/**
 * Keeps what a flow has got and ends its pending, in one commit. What cannot be kept is given back at its issuer.
 *
 * Returns whether time had ended the pending by then: its person has consented all the same.
 *
 * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended otherwise.
 */
export async function keepCredential(
  { storage, pendings, flowNamed, clock }: Place,
  pending: Pending<FlowPendingData>,
  credential: unknown,
  scopes?: readonly string[],
): Promise<'in time' | 'late'> {
  const { flow, request } = dataOf(pending);
  const { resource, alias } = request;
  const store = new CredentialStore(storage, pending.namespace);
  const value = { flow, scopes: scopes ?? request.scopes, obtainedAtMs: clock(), credential };
  const alongside = [store.putting(resource, alias, value)];
  try {
    await savePersistently(() => pendings.in(pending.namespace).complete(pending.id, { alongside }));
    return 'in time';
  } catch (error) {
    const kept = await afterFailure(error).catch(() => undefined);
    if (kept !== undefined) return kept;
    await flowNamed(flow)
      ?.discard?.(credential)
      .catch(() => undefined);
    throw error;
  }

  async function afterFailure(error: unknown): Promise<'in time' | 'late' | undefined> {
    const stored = await store.find(resource, alias);
    if (isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED')) {
      return isSame(stored, value) ? 'in time' : undefined;
    }
    if (!isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND')) return undefined;
    // Time has ended it. Whatever the person gave after it had begun is newer.
    const isOlder = stored !== undefined && stored.value.obtainedAtMs < pending.createdAtMs;
    if (stored !== undefined && stored.value.ended !== true && !isOlder) return undefined;
    const late = store.putting(resource, alias, value, { expect: stored?.version ?? absent });
    return (await storage.commit([late])) === undefined ? undefined : 'late';
  }
}

/** Whether it was saved by a try whose answer was lost. */
function isSame(stored: Stored<StoredCredential> | undefined, value: StoredCredential): boolean {
  const { flow, obtainedAtMs, credential } = stored?.value ?? {};
  return (
    flow === value.flow &&
    obtainedAtMs === value.obtainedAtMs &&
    JSON.stringify(credential) === JSON.stringify(value.credential)
  );
}

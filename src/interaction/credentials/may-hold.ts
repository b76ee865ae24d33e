import { storageOf } from '../../namespace/namespace.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import type { Place } from '../want.ts';

/** The part of a namespace where credentials are. */
export const credentialSegment = 'credential';

/** Whether anything is kept for a resource, good or ended. Loads nothing of what reads it, and reads none of it. */
export async function mayHold(
  backend: StorageBackend,
  { namespace, resource }: Pick<Place, 'namespace' | 'resource'>,
): Promise<boolean> {
  const found = await storageOf(backend, namespace).list([credentialSegment, resource], { limit: 1 });
  return found.length > 0;
}

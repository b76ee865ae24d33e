import { PosternError } from '../core/postern-error.ts';
import { absent } from './contract.ts';
import { entryAt } from './entry-at.ts';
import type { NamespacedStorage } from './namespaced-storage.ts';
import type { OnUnreadable } from './unreadable.ts';

const keyBytes = 32;
const maxTries = 20;

/**
 * A random key that all processes on one store share, made by the first who needs it.
 *
 * One that cannot be read any more, such as one that was sealed under a key that is lost, is said and replaced: what it
 * was good for is lost with it, and nothing else is.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when something else lies there.
 */
export async function storeKey(
  storage: NamespacedStorage,
  path: readonly string[],
  onUnreadable: OnUnreadable,
): Promise<Uint8Array<ArrayBuffer>> {
  // Of processes that start together, one writes; all of them go on with what is there then.
  for (let tries = 0; tries < maxTries; tries++) {
    const found = await entryAt(storage, path);
    const { unreadable: error } = found ?? {};
    if (found !== undefined && error === undefined) {
      if (found.value.byteLength === keyBytes) return new Uint8Array(found.value);
      throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a key that processes share is not one');
    }
    if (found !== undefined && error !== undefined) onUnreadable({ ...found, error });
    const value = crypto.getRandomValues(new Uint8Array(keyBytes));
    // What another program has written may have no version.
    const expect = found === undefined ? absent : found.version || undefined;
    await storage.commit([{ put: storage.key(path), value, expect }]);
  }
  throw new PosternError('ERR_POSTERN_STORAGE_CONFLICT', 'a key that processes share kept changing');
}

import { PosternError } from '../core/postern-error.ts';
import { absent } from './contract.ts';
import type { NamespacedStorage } from './namespaced-storage.ts';

const keyBytes = 32;

/**
 * A random key that all processes on one store share, made by the first who needs it.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when something else lies there.
 */
export async function storeKey(
  storage: NamespacedStorage,
  path: readonly string[],
): Promise<Uint8Array<ArrayBuffer>> {
  let found = await storage.get(...path);
  if (found === undefined) {
    // Of processes that start together, one writes; all of them go on with what is there then.
    const value = crypto.getRandomValues(new Uint8Array(keyBytes));
    await storage.commit([{ put: storage.key(path), value, expect: absent }]);
    found = await storage.get(...path);
  }
  if (found?.value.byteLength === keyBytes) return new Uint8Array(found.value);
  throw new PosternError('ERR_POSTERN_STORAGE_CORRUPT', 'a key that processes share is not one');
}

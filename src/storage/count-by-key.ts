import type { Key, StorageBackend } from './contract.ts';
import { keyIdOf } from './seal.ts';

/** As the id of a key, in a count: values that no key has sealed. */
export const notSealed = '';

const pageSize = 500;

/**
 * How many live records each key has sealed, by the key's id, over any driver. Opens none of them, and needs no key.
 *
 * @param backend the driver itself, as it was before `encrypted()` was put around it.
 * @param partitions where to look; a store does not know its own. `docs/storage-schema.md` has their names.
 * @example
 * const left = (await countByKey(openSqlite('server.db'), ['client:alice', 'app'])).get('k1') ?? 0;
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export async function countByKey(
  backend: StorageBackend,
  partitions: Iterable<string> | AsyncIterable<string>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for await (const partition of partitions) {
    let after: Key | undefined;
    do {
      const page = await backend.list([partition], { after, limit: pageSize });
      for (const { value } of page) {
        const id = keyIdOf(value) ?? notSealed;
        counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      after = page.length < pageSize ? undefined : page.at(-1)?.key;
    } while (after !== undefined);
  }
  return counts;
}

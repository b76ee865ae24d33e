import type { StorageBackend } from './contract.ts';
import { partitionsOf, recordsOf, type WhichPartitions } from './partitions-of.ts';
import { keyIdOf } from './seal.ts';

/** As the id of a key, in a count: values that no key has sealed. */
export const notSealed = '';

/** What {@link countByKey} has counted. */
export interface KeyCounts {
  /** How many live records each key has sealed, by the key's id. */
  readonly records: ReadonlyMap<string, number>;
  /** How many partitions were looked through. */
  readonly partitions: number;
  /** How many of those that were named hold nothing: somebody who has nothing stored, or a name that is misspelt. */
  readonly empty: number;
}

/**
 * How many live records each key has sealed, over any driver. Opens none of them, and needs no key.
 *
 * @param driver the driver itself, as it was before `encrypted()` was put around it.
 * @param partitions where to look; left out, everywhere. `docs/storage-schema.md` has their names.
 * @example
 * const { records } = await countByKey(openSqlite('server.db'));
 * console.log(records.get('k1') ?? 0);
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when no partition is named and the store cannot tell which it has.
 */
export async function countByKey(driver: StorageBackend, partitions?: WhichPartitions): Promise<KeyCounts> {
  const records = new Map<string, number>();
  let looked = 0;
  let empty = 0;
  for await (const partition of partitionsOf(driver, partitions)) {
    looked++;
    let found = 0;
    for await (const { value } of recordsOf(driver, partition)) {
      const id = keyIdOf(value) ?? notSealed;
      records.set(id, (records.get(id) ?? 0) + 1);
      found++;
    }
    // What the store itself has named may have ended meanwhile.
    if (found === 0 && partitions !== undefined) empty++;
  }
  return { records, partitions: looked, empty };
}

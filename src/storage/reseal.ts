import type { Entry, Key, StorageBackend } from './contract.ts';
import { encrypted } from './encrypted.ts';
import type { Keyring } from './keyring.ts';
import { partitionsOf, recordsOf, type WhichPartitions } from './partitions-of.ts';
import { keyIdOf } from './seal.ts';
import { isUnreadable } from './unreadable.ts';

/** What came of {@link reseal}, in records and in partitions. */
export interface Resealed {
  /** Sealed with the newest key now. */
  readonly resealed: number;
  /** Left to end by themselves: they have no more than 26 hours to live. */
  readonly ending: number;
  /** Changed by somebody else meanwhile, and so sealed anew by them. */
  readonly changed: number;
  /** Sealed with a key that the ring does not hold, or damaged. Left as they are. */
  readonly unreadable: number;
  /** How many partitions were looked through. */
  readonly partitions: number;
  /** How many of those that were named hold nothing: somebody who has nothing stored, or a name that is misspelt. */
  readonly empty: number;
}

/** Whoever holds a lease, waits for a person, or is remembered after the end is gone by then. */
const endingMs = 26 * 60 * 60_000;

/**
 * Seals what older keys have sealed with the newest one, while everybody works on: so that an old key can be taken away
 * without waiting for each record to be written again. May be stopped and begun anew at any time.
 *
 * @param driver the driver itself, as it was before `encrypted()` was put around it.
 * @param partitions where to look; left out, everywhere. `docs/storage-schema.md` has their names.
 * @example
 * const { unreadable } = await reseal(openSqlite('server.db'), keyringFromEnv(process.env));
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE, ERR_POSTERN_STORAGE_KEY_UNAVAILABLE without a newest key.
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when no partition is named and the store cannot tell which it has.
 */
export async function reseal(
  driver: StorageBackend,
  keyring: Keyring,
  partitions?: WhichPartitions,
): Promise<Resealed> {
  const counts = { resealed: 0, ending: 0, changed: 0, unreadable: 0, partitions: 0, empty: 0 };
  const places = partitionsOf(driver, partitions);
  const newest = (await keyring.current()).id;
  const store = encrypted(driver, keyring);
  for await (const partition of places) {
    counts.partitions++;
    let found = 0;
    for await (const entry of recordsOf(driver, partition)) {
      found++;
      const outcome = await resealOne(driver, store, entry, newest);
      if (outcome !== undefined) counts[outcome]++;
    }
    // What the store itself has named may have ended meanwhile.
    if (found === 0 && partitions !== undefined) counts.empty++;
  }
  return counts;
}

/** What became of a record that is not sealed with the newest key. */
async function resealOne(
  driver: StorageBackend,
  store: StorageBackend,
  { key, value, expiresAtMs, unreadable }: Entry,
  newest: string,
): Promise<'resealed' | 'ending' | 'changed' | 'unreadable' | undefined> {
  if (unreadable !== undefined) return 'unreadable';
  const sealedWith = keyIdOf(value);
  if (sealedWith === undefined || sealedWith === newest) return undefined;
  const nowMs = (await driver.now?.()) ?? Date.now();
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs + endingMs) return 'ending';
  return write(store, key);
}

async function write(store: StorageBackend, key: Key): Promise<'resealed' | 'changed' | 'unreadable'> {
  let entry: Entry | undefined;
  try {
    entry = await store.get(key);
  } catch (error) {
    if (isUnreadable(error)) return 'unreadable';
    throw error;
  }
  if (entry === undefined) return 'changed';
  const { value, version, expiresAtMs } = entry;
  const put = { put: key, value, expect: version, ...(expiresAtMs !== undefined && { expiresAtMs }) };
  return (await store.commit([put])) === undefined ? 'changed' : 'resealed';
}

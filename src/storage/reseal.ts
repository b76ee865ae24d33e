import type { Entry, Key, StorageBackend } from './contract.ts';
import { encrypted } from './encrypted.ts';
import type { Keyring } from './keyring.ts';
import { keyIdOf } from './seal.ts';
import { isUnreadable } from './unreadable.ts';

/** What came of {@link reseal}, in records. */
export interface Resealed {
  /** Sealed with the newest key now. */
  readonly resealed: number;
  /** Left to end by themselves: they have no more than 26 hours to live. */
  readonly ending: number;
  /** Changed by somebody else meanwhile, and so sealed anew by them. */
  readonly changed: number;
  /** Sealed with a key that the ring does not hold, or damaged. Left as they are. */
  readonly unreadable: number;
}

const pageSize = 100;
/** Whoever holds a lease, waits for a person, or is remembered after the end is gone by then. */
const endingMs = 26 * 60 * 60_000;

/**
 * Seals what older keys have sealed with the newest one, while everybody works on: so that an old key can be taken away
 * without waiting for each record to be written again. May be stopped and begun anew at any time.
 *
 * @param driver the driver itself, as it was before `encrypted()` was put around it.
 * @param partitions where to look; a store does not know its own. `docs/storage-schema.md` has their names.
 * @example
 * const { unreadable } = await reseal(openSqlite('server.db'), keyringFromEnv(process.env), ['client:alice', 'app']);
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE, ERR_POSTERN_STORAGE_KEY_UNAVAILABLE without a newest key.
 */
export async function reseal(
  driver: StorageBackend,
  keyring: Keyring,
  partitions: Iterable<string> | AsyncIterable<string>,
): Promise<Resealed> {
  const counts = { resealed: 0, ending: 0, changed: 0, unreadable: 0 };
  const newest = (await keyring.current()).id;
  const store = encrypted(driver, keyring);
  for await (const partition of partitions) {
    for await (const { key, value, expiresAtMs } of recordsOf(driver, partition)) {
      const sealedWith = keyIdOf(value);
      if (sealedWith === undefined || sealedWith === newest) continue;
      const nowMs = (await driver.now?.()) ?? Date.now();
      if (expiresAtMs !== undefined && expiresAtMs <= nowMs + endingMs) counts.ending++;
      else counts[await resealOne(store, key)]++;
    }
  }
  return counts;
}

async function resealOne(store: StorageBackend, key: Key): Promise<'resealed' | 'changed' | 'unreadable'> {
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

async function* recordsOf(driver: StorageBackend, partition: string): AsyncGenerator<Entry> {
  let after: Key | undefined;
  do {
    const page: Entry[] = await driver.list([partition], { after, limit: pageSize });
    yield* page;
    after = page.length < pageSize ? undefined : page.at(-1)?.key;
  } while (after !== undefined);
}

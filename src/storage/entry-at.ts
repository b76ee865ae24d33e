import type { Entry, Key } from './contract.ts';
import { formatKey } from './keys.ts';
import type { NamespacedStorage } from './namespaced-storage.ts';
import { isUnreadable } from './unreadable.ts';

const pageSize = 100;

/** The entry at a path; one that cannot be read stands as in a list, as `unreadable`. */
export async function entryAt(
  storage: NamespacedStorage,
  path: readonly string[],
): Promise<Entry | undefined> {
  try {
    return await storage.get(...path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
  // Only in a list does one that does not open say its version and its end.
  const name = formatKey(storage.key(path));
  const parent = path.slice(0, -1);
  let after: Key | undefined;
  for (;;) {
    const entries: Entry[] = await storage.list(parent, { limit: pageSize, after });
    const found = entries.find(({ key }) => formatKey(key) === name);
    if (found !== undefined) return found;
    if (entries.length < pageSize) return undefined;
    after = entries.at(-1)?.key;
  }
}

import { PosternError } from '../core/postern-error.ts';
import type { Change, Entry, Key, Page, StorageBackend } from './contract.ts';
import { formatKey, isUnder } from './keys.ts';

/**
 * One subtree of a store. Nothing done through it can reach beyond its prefix.
 *
 * All of it lies in one partition, so a commit through it is atomic.
 */
export class NamespacedStorage {
  readonly backend: StorageBackend;
  readonly prefix: Key;

  constructor(backend: StorageBackend, prefix: Key) {
    this.backend = backend;
    this.prefix = prefix;
  }

  /** The subtree below `segments`. */
  namespace(...segments: string[]): NamespacedStorage {
    return new NamespacedStorage(this.backend, this.key(segments));
  }

  key(path: readonly string[]): Key {
    return [...this.prefix, ...path];
  }

  get(...path: string[]): Promise<Entry | undefined> {
    return this.backend.get(this.key(path));
  }

  list(path: readonly string[] = [], page?: Page): Promise<Entry[]> {
    return this.backend.list(this.key(path), page);
  }

  /**
   * All of the changes or none; `undefined` when an expectation failed, else each change's new version.
   *
   * Changes carry whole keys, so that those of several collections of one namespace go into one commit.
   *
   * Rejects with a `TypeError` when a key does not lie under the prefix.
   */
  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    for (const change of changes) {
      const key = 'put' in change ? change.put : change.delete;
      if (!isUnder(this.prefix, key)) {
        throw new TypeError(
          `${JSON.stringify(formatKey(key))} does not lie under ${JSON.stringify(formatKey(this.prefix))}`,
        );
      }
    }
    return this.backend.commit(changes);
  }

  /** Removes the entry and returns it. Of many concurrent callers, one gets it. */
  async take(...path: string[]): Promise<Entry | undefined> {
    for (let tries = 0; tries < 100; tries++) {
      const entry = await this.get(...path);
      if (entry === undefined) return undefined;
      if (await this.commit([{ delete: entry.key, expect: entry.version }])) return entry;
    }
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CONFLICT',
      `${JSON.stringify(formatKey(this.key(path)))} kept changing while it was being taken`,
    );
  }

  /** Deletes everything under the prefix, page by page. Returns how many entries. */
  async clear(): Promise<number> {
    let removed = 0;
    for (;;) {
      const entries = await this.backend.list(this.prefix, { limit: 100 });
      if (entries.length === 0) return removed;
      await this.backend.commit(entries.map((entry) => ({ delete: entry.key })));
      removed += entries.length;
    }
  }

  /** Wakes those who listen to this path, in every process. */
  signal(...path: string[]): Promise<void> {
    return this.backend.signal(formatKey(this.key(path)));
  }

  listen(path: readonly string[], wake: () => void): Promise<() => Promise<void>> {
    return this.backend.listen(formatKey(this.key(path)), wake);
  }
}

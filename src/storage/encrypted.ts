import { isPosternError, PosternError } from '../core/postern-error.ts';
import { checkCommit, entryPathOf } from './checked-commit.ts';
import type {
  Capabilities,
  Change,
  Entry,
  Key,
  Page,
  Partitions,
  PartitionsPage,
  StorageBackend,
} from './contract.ts';
import { isUnder } from './keys.ts';
import type { Keyring } from './keyring.ts';
import { maxSealOverhead, open, seal } from './seal.ts';
import { isUnreadable } from './unreadable.ts';

/**
 * A store whose values are sealed with AES-256-GCM before they reach `backend`.
 *
 * A value is bound to its key: copied elsewhere it does not open. Keys, versions and expiry stay in the clear, and an
 * older value put back in its own place does open. A read of one that does not open rejects with
 * `ERR_POSTERN_STORAGE_TAMPERED` or `ERR_POSTERN_STORAGE_KEY_UNAVAILABLE`, and it is never taken for a missing one; in a
 * list it stands among the others as `unreadable`.
 */
export function encrypted(backend: StorageBackend, keyring: Keyring): StorageBackend {
  return new EncryptedBackend(backend, keyring);
}

class EncryptedBackend implements StorageBackend {
  readonly capabilities: Capabilities;
  readonly now?: () => Promise<number>;
  readonly partitions?: (page?: PartitionsPage) => Promise<Partitions>;
  readonly #backend: StorageBackend;
  readonly #keyring: Keyring;

  constructor(backend: StorageBackend, keyring: Keyring) {
    this.#backend = backend;
    this.#keyring = keyring;
    if (backend.now !== undefined) this.now = () => backend.now!();
    if (backend.partitions !== undefined) this.partitions = (page) => backend.partitions!(page);
    this.capabilities = {
      ...backend.capabilities,
      atRest: 'sealed',
      maxValueBytes: backend.capabilities.maxValueBytes - maxSealOverhead,
    };
  }

  async get(key: Key): Promise<Entry | undefined> {
    // The path as it is now: the caller's array may change while the store answers.
    const place: Key = [...key];
    entryPathOf(place);
    const entry = await this.#backend.get(place);
    return entry && this.#open(place, entry);
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    const under: Key = [...prefix];
    const entries = await this.#backend.list(under, page);
    return Promise.all(
      entries.map((entry) => {
        if (isUnder(under, entry.key)) return this.#openListed(entry);
        throw new PosternError(
          'ERR_POSTERN_STORAGE_TAMPERED',
          'the store listed an entry from another place than was asked for',
        );
      }),
    );
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    const checked = checkCommit(changes, this.capabilities.maxValueBytes);
    // Copied before anything is awaited: the caller may reuse its arrays.
    const copies = checked.changes.map(({ key, value, expiresAtMs, expect }) => ({
      key: [...key] as Key,
      value: value && new Uint8Array(value),
      expiresAtMs,
      expect,
    }));
    const newest = copies.some(({ value }) => value !== undefined)
      ? await this.#keys(() => this.#keyring.current())
      : undefined;
    return this.#backend.commit(
      await Promise.all(
        copies.map(async ({ key, value, expiresAtMs, expect }): Promise<Change> => {
          if (newest === undefined || value === undefined) return { delete: key, expect };
          return { put: key, value: await seal(newest, key, value), expiresAtMs, expect };
        }),
      ),
    );
  }

  signal(channel: string): Promise<void> {
    return this.#backend.signal(channel);
  }

  listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    return this.#backend.listen(channel, wake);
  }

  close(): Promise<void> {
    return this.#backend.close();
  }

  async #open(place: Key, entry: Entry): Promise<Entry> {
    const value = await open(
      { current: () => this.#keyring.current(), find: (id) => this.#keys(() => this.#keyring.find(id)) },
      place,
      entry.value,
    );
    return { ...entry, key: place, value };
  }

  /** One that does not open harms only itself; a keyring that does not answer says nothing about any. */
  async #openListed(entry: Entry): Promise<Entry> {
    if (entry.unreadable !== undefined) return entry;
    try {
      return await this.#open(entry.key, entry);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return { ...entry, value: new Uint8Array(0), unreadable: error };
    }
  }

  async #keys<T>(ask: () => T | Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      if (isPosternError(cause)) throw cause;
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the keyring did not answer', { cause });
    }
  }
}

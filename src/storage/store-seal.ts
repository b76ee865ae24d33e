import { aesKey, type AesKey } from '../core/aes-key.ts';
import type { NamespacedStorage } from './namespaced-storage.ts';
import { openText, sealText } from './sealed-text.ts';
import { storeKey } from './store-key.ts';
import { isUnreadable, type OnUnreadable } from './unreadable.ts';

/** How often, at most, it is looked whether the key is another by now. What strangers send must not cost a read each. */
const lookMs = 5_000;

/** Texts that go out and come back to any process of a store: sealed with a key that lives in it. */
export class StoreSeal {
  readonly #storage: NamespacedStorage;
  readonly #path: readonly string[];
  readonly #onUnreadable: OnUnreadable;
  #key: Promise<AesKey> | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(storage: NamespacedStorage, path: readonly string[], onUnreadable: OnUnreadable) {
    this.#storage = storage;
    this.#path = path;
    this.#onUnreadable = onUnreadable;
  }

  async seal(context: string, text: string): Promise<string> {
    return sealText(await this.#getKey(), context, text);
  }

  /** The inverse of {@link seal}; `undefined` for what was not sealed here. */
  async open(context: string, text: string): Promise<string | undefined> {
    const opened = await openText(await this.#getKey(), context, text);
    if (opened !== undefined || !(await this.#isReplaced())) return opened;
    return openText(await this.#getKey(), context, text);
  }

  /** A failure to read it is not remembered. */
  #getKey(): Promise<AesKey> {
    this.#key ??= storeKey(this.#storage, this.#path, this.#onUnreadable)
      .then(aesKey)
      .catch((error: unknown) => {
        this.#key = undefined;
        throw error;
      });
    return this.#key;
  }

  /** Whether there may be another key than ours: another process has replaced one that it could not read. Ours never replaces theirs. */
  async #isReplaced(): Promise<boolean> {
    if (performance.now() - this.#lookedAt < lookMs) return false;
    this.#lookedAt = performance.now();
    try {
      const found = await this.#storage.get(...this.#path);
      if (found === undefined) return false;
      this.#key = Promise.resolve(aesKey(new Uint8Array(found.value)));
      return true;
    } catch (error) {
      if (isUnreadable(error)) return false;
      throw error;
    }
  }
}

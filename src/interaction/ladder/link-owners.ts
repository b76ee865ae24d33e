import { hashId } from '../../core/random.ts';
import type { Pending } from '../../pending/pending.ts';
import { absent } from '../../storage/contract.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { isUnreadable } from '../../storage/unreadable.ts';

/** The browser that a link belongs to, as far as that is known. */
export interface LinkOwner {
  /** The hash of its cookie; `undefined` when its record cannot be read. */
  readonly browser: string | undefined;
  /** When it opened the link. */
  readonly openedAtMs: number | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Which browser has opened a link first, where nothing else tells people apart: it owns the link for as long as that lives.
 *
 * Nobody takes a link over from it, whoever they are: the id may have been read by another account of the machine, and whoever
 * could take it over could do so at any time, and not only before the person's own browser was there.
 */
export class LinkOwners {
  readonly #storage: NamespacedStorage;

  constructor(storage: NamespacedStorage) {
    this.#storage = storage;
  }

  /** The owner, who is this browser from now on if there was none and it `opens` the link; `undefined` when it has none yet. */
  async owner(
    { id, expiresAtMs }: Pending,
    browser: string,
    { opens, nowMs }: { readonly opens: boolean; readonly nowMs: number },
  ): Promise<LinkOwner | undefined> {
    const path = ['link-owner', await hashId(id)];
    if (opens) {
      const value = encoder.encode(`${browser} ${nowMs}`);
      const change = { put: this.#storage.key(path), value, expiresAtMs, expect: absent };
      if ((await this.#storage.commit([change])) !== undefined) return { browser, openedAtMs: nowMs };
    }
    try {
      const found = await this.#storage.get(...path);
      if (found === undefined) return undefined;
      const [owner, openedAtMs] = decoder.decode(found.value).split(' ');
      return { browser: owner, openedAtMs: openedAtMs === undefined ? undefined : Number(openedAtMs) };
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      return { browser: undefined, openedAtMs: undefined };
    }
  }
}

import type { Change, Entry, Key, Page } from '../../src/storage/contract.ts';
import { formatKey } from '../../src/storage/keys.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';

interface HeldCommit {
  /** What readers still see under the keys that were written. */
  readonly before: ReadonlyMap<string, Entry | undefined>;
  readonly shown: Promise<void>;
}

/**
 * A store that judges and makes a commit when it is asked for, and shows it only when a test says so: a transaction that
 * ends slowly. Until then readers see what was before, and whoever writes the same keys waits, as for a lock on their rows.
 */
export class HeldBackend extends MemoryBackend {
  readonly #clock: () => number;
  readonly #held: HeldCommit[] = [];
  #holdNext: { show: PromiseWithResolvers<void>; asked: PromiseWithResolvers<void> } | undefined;
  #contended = Promise.withResolvers<void>();

  constructor({ clock }: { clock: () => number }) {
    super({ clock });
    this.#clock = clock;
  }

  /** Holds the next commit back. `asked` when it has been judged; `contended` when another waits for it. */
  hold(): { show: () => void; asked: Promise<void>; contended: Promise<void> } {
    const [show, asked] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#holdNext = { show, asked };
    this.#contended = Promise.withResolvers<void>();
    return { show: show.resolve, asked: asked.promise, contended: this.#contended.promise };
  }

  override async get(key: Key): Promise<Entry | undefined> {
    return this.#asSeen(key, await super.get(key));
  }

  override async list(prefix: Key, page?: Page): Promise<Entry[]> {
    const entries = await super.list(prefix, page);
    return entries.flatMap((entry) => this.#asSeen(entry.key, entry) ?? []);
  }

  override async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    const keys = changes.map((change) => ('put' in change ? change.put : change.delete));
    for (;;) {
      const earlier = this.#held.find(({ before }) => keys.some((key) => before.has(formatKey(key))));
      if (earlier === undefined) break;
      this.#contended.resolve();
      await earlier.shown;
    }
    const hold = this.#holdNext;
    if (hold === undefined) return super.commit(changes);
    this.#holdNext = undefined;
    const before = new Map<string, Entry | undefined>();
    for (const key of keys) before.set(formatKey(key), await super.get(key));
    const held = { before, shown: hold.show.promise };
    this.#held.push(held);
    const versions = await super.commit(changes);
    hold.asked.resolve();
    await hold.show.promise;
    this.#held.splice(this.#held.indexOf(held), 1);
    return versions;
  }

  #asSeen(key: Key, entry: Entry | undefined): Entry | undefined {
    const held = this.#held.find(({ before }) => before.has(formatKey(key)));
    if (held === undefined) return entry;
    const before = held.before.get(formatKey(key));
    return before?.expiresAtMs !== undefined && before.expiresAtMs <= this.#clock() ? undefined : before;
  }
}

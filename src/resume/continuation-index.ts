import * as z from 'zod';
import type { ZodType } from 'zod';
import { Collection, type Stored } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { OnUnreadable } from '../storage/unreadable.ts';

/** Where a parked request is. */
export interface ContinuationPointer {
  readonly partition: string;
  /** Not to be looked at before: the end of a back-off, or of the pending's life. */
  readonly dueAtMs: number;
  /** When the request was parked. */
  readonly sinceMs: number;
}

const pointer: ZodType<ContinuationPointer> = z.lazy(() =>
  z.looseObject({
    partition: z.string(),
    dueAtMs: z.number(),
    sinceMs: z.number(),
  }),
);

/**
 * Where a worker looks for parked requests of all namespaces. It only points; each namespace decides for itself.
 *
 * `waiting` is read slowly, and finds what a lost signal or a crash left behind; `ready` is read at every wake.
 */
export class ContinuationIndex {
  readonly storage: NamespacedStorage;
  readonly #pointers: Collection<ContinuationPointer>;

  /** @param onUnreadable is told of a pointer that cannot be read. It keeps no other from being found. */
  constructor(backend: StorageBackend, onUnreadable: OnUnreadable) {
    this.storage = new NamespacedStorage(backend, ['resume']);
    this.#pointers = new Collection(this.storage, pointer, onUnreadable);
  }

  async wait(id: string, to: ContinuationPointer): Promise<void> {
    await this.storage.commit([
      this.#pointers.putting(['waiting', id], to),
      this.#pointers.deleting(['ready', id]),
    ]);
  }

  async ready(id: string, to: ContinuationPointer): Promise<void> {
    await this.setAside(id, to);
    // A hint: workers look for themselves now and then.
    await this.storage.signal('ready').catch(() => {});
  }

  /** Puts a request where no sweep looks at it before `to.dueAtMs`. */
  async setAside(id: string, to: ContinuationPointer): Promise<void> {
    await this.storage.commit([
      this.#pointers.putting(['ready', id], to),
      this.#pointers.deleting(['waiting', id]),
    ]);
  }

  async has(id: string): Promise<boolean> {
    for (const list of ['waiting', 'ready'] as const) {
      if ((await this.#pointers.find(list, id)) !== undefined) return true;
    }
    return false;
  }

  async remove(id: string): Promise<void> {
    await this.storage.commit([
      this.#pointers.deleting(['ready', id]),
      this.#pointers.deleting(['waiting', id]),
    ]);
  }

  /** Every pointer of one list, a page at a time. */
  async *all(list: 'ready' | 'waiting'): AsyncGenerator<Stored<ContinuationPointer> & { id: string }> {
    for await (const stored of this.#pointers.all([list])) yield { ...stored, id: stored.path[1] ?? '' };
  }
}

import * as z from 'zod';
import { hashId } from '../core/random.ts';
import type { Pending } from '../pending/pending.ts';
import { Collection } from '../storage/collection.ts';
import type { Key, StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';

const record = z.looseObject({ id: z.string(), partition: z.string() });

/** Where a live interaction is found. */
export interface LiveInteraction {
  readonly id: string;
  readonly partition: string;
  readonly beganAtMs: number;
  /** Until when its entry is there. */
  readonly untilMs: number;
}

/** How much longer than its pending an entry is there: whoever follows reads its end. */
const graceMs = 60_000;
const pageSize = 500;

/** The interactions that live, of all namespaces, in the order in which they have begun. */
export class LiveInteractions {
  readonly storage: NamespacedStorage;
  readonly #records: Collection<z.infer<typeof record>>;

  constructor(backend: StorageBackend) {
    this.storage = new NamespacedStorage(backend, ['app', 'live-interaction']);
    this.#records = new Collection(this.storage, record, () => {});
  }

  async add({ id, namespace, createdAtMs, expiresAtMs }: Pending): Promise<void> {
    const path = [momentOf(createdAtMs), await hashId(id)];
    const { partition } = namespace;
    await this.#records.put(path, { id, partition }, { expiresAtMs: expiresAtMs + graceMs });
    await this.storage.signal('begun');
  }

  /** Those that have begun since a moment of the store's time. */
  async *since(atMs: number): AsyncGenerator<LiveInteraction> {
    let after: Key = this.storage.key([momentOf(Math.max(0, atMs))]);
    for (;;) {
      const page = await this.#records.list([], { after, limit: pageSize });
      for (const { path, value, expiresAtMs = 0 } of page)
        yield { ...value, beganAtMs: Number(path[0]), untilMs: expiresAtMs };
      const last = page.at(-1);
      if (last === undefined || page.length < pageSize) return;
      after = this.storage.key(last.path);
    }
  }
}

/** Of one length, so that keys are in the order of time. */
function momentOf(ms: number): string {
  return String(Math.floor(ms)).padStart(15, '0');
}

import * as z from 'zod';
import { hashId } from '../core/random.ts';
import { Collection } from '../storage/collection.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { isUnreadable } from '../storage/unreadable.ts';
import { afterlifeMs } from './afterlife.ts';

const routeRecord = z.looseObject({ partition: z.string() });

/**
 * From a public id (a pending's, a state) to the partition it belongs to.
 *
 * A route says where, and never decides: it is written before what it points to, and lives in a partition of its own.
 * It outlives its target by a day, so that a late visitor learns that a link has expired rather than that it never was.
 */
export class Routes {
  readonly #backend: StorageBackend;

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  async add(id: string, partition: string, expiresAtMs: number): Promise<void> {
    const records = await this.#records(id);
    await records.put(['to'], { partition }, { expiresAtMs: expiresAtMs + afterlifeMs });
  }

  /** The partition, or `undefined` for an id nobody gave out, or gave out long ago. */
  async find(id: string): Promise<string | undefined> {
    return (await (await this.#records(id)).find('to'))?.value.partition;
  }

  /** Writes a route anew that cannot be read any more: what it leads to would live and not be found. */
  async mend(id: string, partition: string, expiresAtMs: number): Promise<void> {
    const records = await this.#records(id);
    try {
      await records.find('to');
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      await this.add(id, partition, expiresAtMs);
    }
  }

  async #records(id: string): Promise<Collection<z.infer<typeof routeRecord>>> {
    const storage = new NamespacedStorage(this.#backend, [`route:${await hashId(id)}`]);
    return new Collection(storage, routeRecord);
  }
}

import * as z from 'zod';
import type { Namespace } from '../../namespace/namespace.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection } from '../../storage/collection.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { placePath, type Place } from '../want.ts';

const labelRecord = z.looseObject({ label: z.string() });
const maxLength = 100;

/**
 * What people call what they have connected. For their eyes: nothing is found by it.
 *
 * Apart from the credential, whose version says whether it was renewed.
 */
export class Labels {
  readonly #records: Collection<z.infer<typeof labelRecord>>;

  constructor(backend: StorageBackend, namespace: Namespace) {
    this.#records = new Collection(storageOf(backend, namespace).namespace('label'), labelRecord);
  }

  /** By place, as {@link keyOf} names it. At most 1,000. */
  async all(): Promise<ReadonlyMap<string, string>> {
    const found = await this.#records.list([], { limit: 1_000 });
    return new Map(
      found.map(({ path: [resource = '', alias = ''], value }) => [keyOf({ resource, alias }), value.label]),
    );
  }

  /** An empty one forgets it. */
  async set(place: Pick<Place, 'resource' | 'alias'>, text: string): Promise<void> {
    const label = text.trim().slice(0, maxLength).toWellFormed();
    const path = placePath(place);
    if (label === '') await this.#records.storage.commit([{ delete: this.#records.storage.key(path) }]);
    else await this.#records.put(path, { label });
  }
}

export function keyOf({ resource, alias }: Pick<Place, 'resource' | 'alias'>): string {
  return JSON.stringify([resource, alias]);
}

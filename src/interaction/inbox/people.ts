import * as z from 'zod';
import { hashId } from '../../core/random.ts';
import { createNamespace, isUsableId, namespaceOf, type Namespace } from '../../namespace/namespace.ts';
import { Collection } from '../../storage/collection.ts';
import type { StorageBackend } from '../../storage/contract.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';

const placeRecord = z.looseObject({});
/** The kinds of namespaces that are named after their person, as a rule. */
const ownKinds: readonly string[] = ['user', 'client'];

/**
 * Which namespaces a person finishes interactions for, so that they can see all of it on one page.
 *
 * A namespace that is named after its person needs no record: most have none.
 */
export class People {
  readonly #backend: StorageBackend;
  /** What this process has written, or found, already. */
  readonly #noted = new Set<string>();

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  /** Writes down that somebody is asked for a namespace. Best effort: their page lacks it until they are asked again. */
  async note(person: string, namespace: Namespace): Promise<void> {
    if (isNamedAfter(person, namespace)) return;
    const key = JSON.stringify([person, namespace.partition]);
    if (this.#noted.has(key)) return;
    const records = await this.#recordsOf(person);
    await records.put([namespace.partition], {});
    this.#noted.add(key);
  }

  /** At most 1,000. */
  async namespacesOf(person: string): Promise<Namespace[]> {
    const found = await (await this.#recordsOf(person)).list([], { limit: 1_000 });
    const own = isUsableId(person) ? ownKinds.map((kind) => createNamespace(kind, person)) : [];
    return [...own, ...found.map(({ path: [partition = ''] }) => namespaceOf(partition))];
  }

  async #recordsOf(person: string): Promise<Collection<z.infer<typeof placeRecord>>> {
    const storage = new NamespacedStorage(this.#backend, [`person:${await hashId(person)}`]);
    return new Collection(storage, placeRecord);
  }
}

function isNamedAfter(person: string, { kind, id }: Namespace): boolean {
  return person === id && ownKinds.includes(kind);
}

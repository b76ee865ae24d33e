import { z, type ZodType } from 'zod';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import { absent, type Change, type StorageBackend } from '../../storage/contract.ts';
import { placePath, type Place } from '../want.ts';

interface Tombstone {
  readonly forgottenAtMs: number;
}

const tombstone: ZodType<Tombstone> = z.looseObject({ forgottenAtMs: z.number() });

/** As long as an answer can still come to what was begun before: an attempt outlives its pending by a day. */
const tombstoneMs = 25 * 60 * 60_000;

/**
 * Marks a place whose credential was forgotten, so that nothing begun before that is kept there afterwards: no answer that
 * comes late, and nothing that a machine was about to obtain.
 */
export class Tombstones {
  readonly #backend: StorageBackend;

  constructor(backend: StorageBackend) {
    this.#backend = backend;
  }

  find(place: Place): Promise<Stored<Tombstone> | undefined> {
    return this.#in(place).find(...placePath(place));
  }

  /** The change that marks a place, to be committed with the end of what is there. */
  marking(place: Place, forgottenAtMs: number): Change {
    const expiresAtMs = forgottenAtMs + tombstoneMs;
    return this.#in(place).putting(placePath(place), { forgottenAtMs }, { expiresAtMs });
  }

  /** A change that changes nothing, and lets what is committed with it come about only if the mark is still as it was found. */
  holding(place: Place, found: Stored<Tombstone> | undefined): Change {
    const records = this.#in(place);
    const path = placePath(place);
    if (found === undefined) return records.deleting(path, { expect: absent });
    const { value, version: expect, expiresAtMs } = found;
    return records.putting(path, value, { expect, expiresAtMs });
  }

  #in({ namespace }: Place): Collection<Tombstone> {
    return new Collection(storageOf(this.#backend, namespace).namespace('forgotten'), tombstone);
  }
}

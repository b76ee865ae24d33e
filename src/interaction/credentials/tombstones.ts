import * as z from 'zod';
import type { ZodType } from 'zod';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection } from '../../storage/collection.ts';
import { absent, type Change } from '../../storage/contract.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { placePath, type Place } from '../want.ts';

interface Tombstone {
  readonly forgottenAtMs: number;
}

/** One as it was found. */
interface FoundTombstone extends Tombstone {
  readonly expect: string | undefined;
  readonly expiresAtMs: number;
}

const tombstone: ZodType<Tombstone> = z.looseObject({ forgottenAtMs: z.number() });

/** As long as an answer can still come to what was begun before: an attempt outlives its pending by a day. */
const tombstoneMs = 25 * 60 * 60_000;

/**
 * Marks a place whose credential was forgotten, so that nothing begun before that is kept there afterwards: no answer that
 * comes late, and nothing that a machine was about to obtain.
 */
export class Tombstones {
  readonly #surroundings: Pick<Surroundings, 'storage' | 'onUnreadable'>;

  constructor(surroundings: Pick<Surroundings, 'storage' | 'onUnreadable'>) {
    this.#surroundings = surroundings;
  }

  /** The mark of a place. When one was made that cannot be read, its end says. */
  async find(place: Place): Promise<FoundTombstone | undefined> {
    const { stored, expect, endsAtMs = 0 } = await this.#in(place).lookAt(placePath(place));
    if (expect === absent) return undefined;
    const forgottenAtMs = stored?.value.forgottenAtMs ?? endsAtMs - tombstoneMs;
    return { forgottenAtMs, expect, expiresAtMs: endsAtMs };
  }

  /** The change that marks a place, to be committed with the end of what is there. */
  marking(place: Place, forgottenAtMs: number): Change {
    const expiresAtMs = forgottenAtMs + tombstoneMs;
    return this.#in(place).putting(placePath(place), { forgottenAtMs }, { expiresAtMs });
  }

  /** A change that changes nothing, and lets what is committed with it come about only if the mark is still as it was found. */
  holding(place: Place, found: FoundTombstone | undefined): Change {
    const records = this.#in(place);
    const path = placePath(place);
    if (found === undefined) return records.deleting(path, { expect: absent });
    const { forgottenAtMs, expect, expiresAtMs } = found;
    return records.putting(path, { forgottenAtMs }, { expect, expiresAtMs });
  }

  #in({ namespace }: Place): Collection<Tombstone> {
    const { storage, onUnreadable } = this.#surroundings;
    return new Collection(storageOf(storage, namespace).namespace('forgotten'), tombstone, onUnreadable);
  }
}

import { z } from 'zod';
import { isScopeSubset } from '../../oauth/scopes.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { Collection } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { placePath, type Place, type Want } from '../want.ts';

const declineRecord = z.looseObject({ reason: z.string(), scopes: z.array(z.string()).optional() });

/**
 * What people declined a moment ago, and are not asked again by itself.
 *
 * Declined scopes cool down a question for all of them and more. Whoever declined a step-up can still be asked to sign in.
 */
export class Declines {
  readonly #surroundings: Surroundings;
  readonly #cooldownMs: number;

  constructor(surroundings: Surroundings, cooldownMs: number) {
    this.#surroundings = surroundings;
    this.#cooldownMs = cooldownMs;
  }

  /** The change that remembers a decline, to be committed with the end of its pending. */
  async remembering(place: Place, scopes: readonly string[], reason: string): Promise<Change[]> {
    if (this.#cooldownMs <= 0) return [];
    const expiresAtMs = (await this.#surroundings.now()) + this.#cooldownMs;
    return [this.#records(place).putting(placePath(place), { reason, scopes: [...scopes] }, { expiresAtMs })];
  }

  async covers(want: Want): Promise<boolean> {
    const declined = await this.#records(want).findReadable(...placePath(want));
    return declined !== undefined && isScopeSubset(declined.value.scopes ?? [], want.scopes);
  }

  /** Lets the person be asked again at once. */
  async forget(place: Place): Promise<void> {
    await this.#records(place).delete(placePath(place));
  }

  #records({ namespace }: Place): Collection<z.infer<typeof declineRecord>> {
    return new Collection(
      storageOf(this.#surroundings.storage, namespace).namespace('declined'),
      declineRecord,
      this.#surroundings.onUnreadable,
    );
  }
}

import * as z from 'zod';
import { PosternError } from '../../core/postern-error.ts';
import { untilAskedAgain } from '../../core/retry-after.ts';
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

  /** The change that remembers a decline, to be committed with the end of its pending; until when it is remembered. */
  async remembering(
    place: Place,
    scopes: readonly string[],
    reason: string,
  ): Promise<{ readonly changes: readonly Change[]; readonly untilMs?: number }> {
    if (this.#cooldownMs <= 0) return { changes: [] };
    const untilMs = (await this.#surroundings.now()) + this.#cooldownMs;
    const record = { reason, scopes: [...scopes] };
    const change = this.#records(place).putting(placePath(place), record, { expiresAtMs: untilMs });
    return { changes: [change], untilMs };
  }

  /** @throws {PosternError} ERR_POSTERN_AUTH_DENIED, with until when, where what is wanted was declined, or is more than that. */
  async assertNone(want: Want): Promise<void> {
    const declined = await this.#records(want).findReadable(...placePath(want));
    if (declined === undefined || !isScopeSubset(declined.value.scopes ?? [], want.scopes)) return;
    throw new PosternError(
      'ERR_POSTERN_AUTH_DENIED',
      `access to ${JSON.stringify(want.resource)} was declined a moment ago; askAgain() has it asked for at once`,
      untilAskedAgain(declined.expiresAtMs ?? (await this.#surroundings.now()) + this.#cooldownMs),
    );
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

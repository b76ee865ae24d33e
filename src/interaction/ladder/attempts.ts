import { z, type ZodType } from 'zod';
import { hashId } from '../../core/random.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { Pending } from '../../pending/pending.ts';
import { Routes } from '../../pending/routes.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import { absent, type Change } from '../../storage/contract.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

/** One way through the browser: minted when it is sent out, taken once when it comes back. */
export interface Attempt {
  readonly pendingId: string;
  /** The hash of the browser's cookie. */
  readonly browser: string;
  /** `failed`: nothing came of it, and its pending may go on. */
  readonly status: 'open' | 'taken' | 'done' | 'failed';
  readonly takenAtMs?: number | undefined;
  /** What was asked for when it went out. */
  readonly scopes: readonly string[];
  readonly data?: unknown;
}

const attemptRecord: ZodType<Attempt> = z.looseObject({
  pendingId: z.string(),
  browser: z.string(),
  status: z.enum(['open', 'taken', 'done', 'failed']),
  takenAtMs: z.number().optional(),
  scopes: z.array(z.string()),
  data: z.unknown().optional(),
});

/** How often one link may send its browser out. */
const maxAttempts = 20;
/** As long as the pending's end is remembered: a late duplicate is told how it ended. */
const afterlifeMs = 24 * 60 * 60_000;

/** The attempts of one namespace, each a record of its own: widening a pending and taking an attempt never meet. */
export class Attempts {
  readonly #surroundings: Surroundings;
  readonly #records: Collection<Attempt>;

  constructor(surroundings: Surroundings, storage: NamespacedStorage) {
    this.#surroundings = surroundings;
    this.#records = new Collection(storage.namespace('attempt'), attemptRecord);
  }

  async find(state: string): Promise<Stored<Attempt> | undefined> {
    return this.#records.find(await hashId(state));
  }

  /** Writes an attempt down, and then the way to it. @throws {PosternError} ERR_POSTERN_OOB_LIMIT */
  async mint(
    pending: Pending,
    attempt: { state: string; browser: string; scopes: readonly string[]; data: unknown },
  ): Promise<void> {
    const { state, browser, scopes, data } = attempt;
    const known = await this.#records.list([], { limit: 1_000 });
    if (known.filter(({ value }) => value.pendingId === pending.id).length >= maxAttempts) {
      throw new PosternError('ERR_POSTERN_OOB_LIMIT', `a link was followed more than ${maxAttempts} times`, {
        hint: 'Ask for a new link where you got this one.',
      });
    }
    const { namespace, expiresAtMs } = pending;
    await new Routes(this.#surroundings.storage).add(state, namespace.partition, expiresAtMs);
    await this.#records.put(
      [await hashId(state)],
      { pendingId: pending.id, browser, status: 'open', scopes: [...scopes], data },
      { expect: absent, expiresAtMs: expiresAtMs + afterlifeMs },
    );
  }

  /** @throws {PosternError} ERR_POSTERN_AUTH_STATE_USED when another request was faster. */
  async take(attempt: Stored<Attempt>): Promise<Stored<Attempt>> {
    const value = { ...attempt.value, status: 'taken' as const, takenAtMs: await this.#surroundings.now() };
    const { path, expiresAtMs, version: expect } = attempt;
    const version = await this.#records.put(path, value, { expect, expiresAtMs });
    if (version !== undefined) return { ...attempt, value, version };
    throw new PosternError('ERR_POSTERN_AUTH_STATE_USED', 'the answer was taken by another request');
  }

  /** The change that ends an attempt, and forgets its secrets. */
  ending(attempt: Stored<Attempt>, status: 'done' | 'failed'): Change {
    const { path, value, expiresAtMs, version: expect } = attempt;
    return this.#records.putting(path, { ...value, status, data: undefined }, { expect, expiresAtMs });
  }

  /** Nothing came of it. Best effort: an attempt that stays taken is told the same a little later. */
  async fail(attempt: Stored<Attempt>): Promise<void> {
    try {
      await this.#records.storage.commit([this.ending(attempt, 'failed')]);
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('a failed attempt could not be ended', { code });
    }
  }
}

import * as z from 'zod';
import type { ZodType } from 'zod';
import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { hashId } from '../../core/random.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import type { Pending } from '../../pending/pending.ts';
import { Routes } from '../../pending/routes.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import { absent, type Change } from '../../storage/contract.ts';
import type { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { retryConflicts } from '../../sync/retry-conflicts.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

/** One way through the browser: minted when it is sent out, taken once when it comes back. */
export interface Attempt {
  readonly pendingId: string;
  /** The hash of the browser's cookie. */
  readonly browser: string;
  /** `failed`: nothing came of it, and its pending may go on. */
  readonly status: 'open' | 'taken' | 'done' | 'failed';
  readonly takenAtMs?: number | undefined;
  /** Why nothing came of it, so that a reload is told the same. */
  readonly failure?: PosternErrorCode | undefined;
  /** What was asked for when it went out. */
  readonly scopes: readonly string[];
  readonly data?: unknown;
}

/** One that is about to go out. */
export interface NewAttempt {
  readonly state: string;
  readonly browser: string;
  readonly scopes: readonly string[];
  readonly data: unknown;
  /** Its person carries the address: what becomes of it says nothing of the link's own page. */
  readonly isByHand: boolean;
}

const attemptRecord: ZodType<Attempt> = z.looseObject({
  pendingId: z.string(),
  browser: z.string(),
  status: z.enum(['open', 'taken', 'done', 'failed']),
  takenAtMs: z.number().optional(),
  failure: z
    .string()
    .refine((code): code is PosternErrorCode => Object.hasOwn(errorCodes, code))
    .optional()
    // One that this version does not know.
    .catch('ERR_POSTERN_AUTH_STATE_USED'),
  scopes: z.array(z.string()),
  data: z.unknown().optional(),
});

const countRecord = z.looseObject({ count: z.number(), latest: z.string().optional() });

/** How often one link may send its browser out. */
const maxAttempts = 20;
/** As long as the pending's end is remembered: a late duplicate is told how it ended. */
const afterlifeMs = 24 * 60 * 60_000;

/** The attempts of one namespace, each a record of its own: widening a pending and taking an attempt never meet. */
export class Attempts {
  readonly #surroundings: Surroundings;
  readonly #records: Collection<Attempt>;
  /** How many each pending has had. */
  readonly #counts: Collection<z.infer<typeof countRecord>>;

  constructor(surroundings: Surroundings, storage: NamespacedStorage) {
    this.#surroundings = surroundings;
    this.#records = new Collection(storage.namespace('attempt'), attemptRecord, surroundings.onUnreadable);
    this.#counts = new Collection(storage.namespace('attempts'), countRecord, surroundings.onUnreadable);
  }

  async find(state: string): Promise<Stored<Attempt> | undefined> {
    return this.#records.find(await hashId(state));
  }

  /** @throws {PosternError} ERR_POSTERN_OOB_LIMIT when a link has had as many attempts as it may. */
  async assertMayMint({ id }: Pending): Promise<void> {
    await this.#counted(await hashId(id));
  }

  /** Whether the latest that a browser was sent out with from a link's page has not come back. */
  async isOut({ id }: Pending): Promise<boolean> {
    const latest = (await this.#counts.findReadable(await hashId(id)))?.value.latest;
    return latest !== undefined && (await this.#records.findReadable(latest))?.value.status === 'open';
  }

  /** Writes down the way to an attempt, and then the attempt. @throws as {@link assertMayMint} */
  async mint(pending: Pending, attempt: NewAttempt): Promise<void> {
    const { state, browser, scopes, data, isByHand } = attempt;
    const { id, namespace } = pending;
    const expiresAtMs = pending.expiresAtMs + afterlifeMs;
    const [place, counter] = await Promise.all([hashId(state), hashId(id)]);
    await new Routes(this.#surroundings.storage).add(state, namespace.partition, pending.expiresAtMs);
    const value = { pendingId: id, browser, status: 'open' as const, scopes: [...scopes], data };
    await retryConflicts('the attempts of a link', async () => {
      const { count, latest, version: expect } = await this.#counted(counter);
      const next = { count: count + 1, latest: isByHand ? latest : place };
      return this.#records.storage.backend.commit([
        this.#records.putting([place], value, { expect: absent, expiresAtMs }),
        this.#counts.putting([counter], next, { expect, expiresAtMs }),
      ]);
    });
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
  ending(attempt: Stored<Attempt>, failure?: PosternErrorCode): Change {
    const { path, value, expiresAtMs, version: expect } = attempt;
    const status = failure === undefined ? 'done' : 'failed';
    return this.#records.putting(
      path,
      { ...value, status, failure, data: undefined },
      { expect, expiresAtMs },
    );
  }

  async #counted(
    counter: string,
  ): Promise<{ count: number; latest?: string | undefined; version: string | undefined }> {
    const { stored, expect } = await this.#counts.lookAt([counter]);
    const { count, latest } = stored?.value ?? { count: 0 };
    if (count < maxAttempts) return { count, latest, version: expect };
    throw new PosternError('ERR_POSTERN_OOB_LIMIT', `a link was followed more than ${maxAttempts} times`, {
      hint: 'Ask for a new link where you got this one.',
    });
  }

  /** Nothing came of it. Best effort: an attempt that stays taken is told the same a little later. */
  async fail(attempt: Stored<Attempt>, failure: PosternErrorCode): Promise<void> {
    try {
      await this.#records.storage.commit([this.ending(attempt, failure)]);
    } catch (error) {
      const code = findPosternError(error)?.code;
      this.#surroundings.logger.warn('a failed attempt could not be ended', { code });
    }
  }
}

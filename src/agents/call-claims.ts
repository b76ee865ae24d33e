import type { CallToolResult } from '@modelcontextprotocol/client';
import * as z from 'zod';
import type { ZodType } from 'zod';
import type { Clock } from '../core/clock.ts';
import { hashUnremembered } from '../core/random.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { acquireLease } from '../sync/lease.ts';
import { storeTime } from '../sync/store-time.ts';
import { lostResultWords, told, unknownOutcomeWords } from './model-words.ts';

/** How long it is known that a call was made. */
const keepMs = 25 * 60 * 60_000;
/** After this long without a sign of life, whoever makes a call counts as dead. */
const leaseMs = 30_000;
/** How long to wait for another who makes the same call. */
const waitMs = 10 * 60_000;
const maxResultBytes = 256 * 1024;

interface ClaimRecord {
  readonly status: 'claimed' | 'done';
  /** Left out of what is done: it was too long. */
  readonly result?: CallToolResult | undefined;
}

const claimRecord: ZodType<ClaimRecord> = z.looseObject({
  status: z.enum(['claimed', 'done']),
  result: z.custom<CallToolResult>((value) => typeof value === 'object' && value !== null).optional(),
});

/** The call was certainly not carried out: it may be made later. */
export class NotCarriedOut extends Error {
  override readonly name: string = 'NotCarriedOut';

  constructor(cause: unknown) {
    super('the call was not carried out', { cause });
  }
}

/**
 * Calls that are made once, in all processes on one store: those that a paused run may be resumed into more than once.
 *
 * A claim is written before a call is made, and its result after. Whoever comes second has that result. Where the one who
 * claimed it has died, nobody knows whether the call was carried out; it is not made again, and the model is told.
 */
export class CallClaims {
  readonly #storage: NamespacedStorage;
  readonly #records: Collection<ClaimRecord>;
  readonly #clock: Clock;

  constructor(storage: NamespacedStorage, clock: Clock) {
    this.#storage = storage;
    this.#records = new Collection(storage.namespace('agent-call'), claimRecord);
    this.#clock = clock;
  }

  /** @throws what `work` throws; a call that it says was {@link NotCarriedOut} can be claimed again. */
  async once(
    key: string,
    work: () => Promise<CallToolResult>,
    signal?: AbortSignal,
  ): Promise<CallToolResult> {
    const id = await hashUnremembered(key);
    const lease = await acquireLease(this.#storage, ['agent-calling', id], {
      leaseMs,
      waitMs,
      signal,
      clock: this.#clock,
    });
    const stopRenewing = lease.keepAlive();
    try {
      const expiresAtMs = (await storeTime(this.#storage.backend, this.#clock)) + keepMs;
      const claimed = await this.#records.put([id], { status: 'claimed' }, { expect: absent, expiresAtMs });
      // One that cannot be read was claimed all the same.
      if (claimed === undefined) return resultOf(await this.#records.findReadable(id));
      return await this.#make(id, claimed, expiresAtMs, work);
    } finally {
      stopRenewing();
      await lease[Symbol.asyncDispose]();
    }
  }

  async #make(
    id: string,
    claimed: string,
    expiresAtMs: number,
    work: () => Promise<CallToolResult>,
  ): Promise<CallToolResult> {
    let result: CallToolResult;
    try {
      result = await work();
    } catch (error) {
      if (error instanceof NotCarriedOut) await this.#records.delete([id], { expect: claimed });
      throw error;
    }
    const { maxValueBytes } = this.#storage.backend.capabilities;
    // What seals it makes it longer.
    const mostBytes = Math.min(maxResultBytes, maxValueBytes / 2);
    const isShort = new TextEncoder().encode(JSON.stringify(result)).length <= mostBytes;
    await this.#records.put(
      [id],
      { status: 'done', ...(isShort && { result }) },
      { expect: claimed, expiresAtMs },
    );
    return result;
  }
}

function resultOf(found: Stored<ClaimRecord> | undefined): CallToolResult {
  if (found?.value.status !== 'done') return told(unknownOutcomeWords, { isError: true });
  return found.value.result ?? told(lostResultWords);
}

import * as z from 'zod';
import type { ZodType } from 'zod';
import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { PosternError } from '../../core/postern-error.ts';
import { untilRetry } from '../../core/retry-after.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { OAuthRequestError } from '../../oauth/oauth-request-error.ts';
import { Collection, type Stored } from '../../storage/collection.ts';
import { isUnreadable } from '../../storage/unreadable.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { placePath, type Place } from '../want.ts';

/**
 * After a failed renewal, how long nobody tries again: less for what passes by itself than for what somebody has to put
 * right first.
 */
const cooldownMs = { passing: 2_000, final: 30_000 } as const;
/** Failures that may pass lead to a person when there are as many, over as long a time. */
const patience = { failures: 3, ms: 60_000 } as const;
/** How long failures count together. */
const memoryMs = 24 * 60 * 60_000;

/** How renewing one credential has failed, in whichever process. */
interface RenewalFailure {
  readonly reason: PosternErrorCode;
  readonly hint?: string | undefined;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Of the credential: another one has not failed. */
  readonly obtainedAtMs: number;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  /** Somebody started over since. */
  readonly isLifted?: boolean | undefined;
}

const failureRecord: ZodType<RenewalFailure> = z.looseObject({
  reason: z.string().refine((code): code is PosternErrorCode => Object.hasOwn(errorCodes, code)),
  hint: z.string().optional(),
  status: z.number().optional(),
  error: z.string().optional(),
  retryAfterMs: z.number().optional(),
  obtainedAtMs: z.number(),
  count: z.number(),
  firstAtMs: z.number(),
  lastAtMs: z.number(),
  isLifted: z.boolean().optional(),
});

/** A renewal that failed. `isHopeless`: its person is to be asked, beside it. */
export interface FailedRenewal {
  readonly error: PosternError;
  readonly isHopeless: boolean;
}

/**
 * What came of renewing one credential in vain: nobody tries again for a moment, and whoever comes meanwhile is told the same.
 *
 * A renewal that is refused for good, or fails again and again, does not show that the credential has ended. It leads to
 * its person all the same: nothing else might ever bring it back.
 */
export class RenewalFailures {
  readonly #surroundings: Surroundings;
  readonly #records: Collection<RenewalFailure>;
  readonly #path: readonly string[];
  readonly #obtainedAtMs: number;
  #last: RenewalFailure | undefined;

  private constructor(surroundings: Surroundings, place: Place, obtainedAtMs: number) {
    this.#surroundings = surroundings;
    const storage = storageOf(surroundings.storage, place.namespace).namespace('renewal-failed');
    this.#records = new Collection(storage, failureRecord);
    this.#path = placePath(place);
    this.#obtainedAtMs = obtainedAtMs;
  }

  /** @param obtainedAtMs of the credential that is to be renewed. */
  static async of(surroundings: Surroundings, place: Place, obtainedAtMs: number): Promise<RenewalFailures> {
    const failures = new RenewalFailures(surroundings, place, obtainedAtMs);
    const found = await failures.#find();
    if (found?.value.obtainedAtMs === obtainedAtMs) failures.#last = found.value;
    return failures;
  }

  /** The failure of a moment ago, as it was; `undefined` when it is time to try. */
  async lately(): Promise<FailedRenewal | undefined> {
    if (this.#last === undefined || this.#last.isLifted === true) return undefined;
    const leftMs = endOf(this.#last) - (await this.#surroundings.now());
    // More than there ever was: the clock has been put back.
    if (leftMs <= 0 || leftMs > lengthOf(this.#last)) return undefined;
    return { error: repeated(this.#last, leftMs), isHopeless: isHopeless(this.#last) };
  }

  async add(error: PosternError): Promise<FailedRenewal> {
    const lastAtMs = await this.#surroundings.now();
    const { status, error: said, retryAfterMs } = error instanceof OAuthRequestError ? error : {};
    const value: RenewalFailure = {
      reason: error.code,
      hint: error.hint,
      status,
      error: said,
      retryAfterMs,
      obtainedAtMs: this.#obtainedAtMs,
      count: (this.#last?.count ?? 0) + 1,
      firstAtMs: this.#last?.firstAtMs ?? lastAtMs,
      lastAtMs,
    };
    await this.#put(value);
    return { error, isHopeless: isHopeless(value) };
  }

  /** Somebody starts over: what has failed is tried at once. How often it has failed still counts. */
  static async lift(surroundings: Surroundings, place: Place): Promise<void> {
    const failures = new RenewalFailures(surroundings, place, 0);
    const found = await failures.#find();
    if (found !== undefined) await failures.#put({ ...found.value, isLifted: true });
  }

  /** It was renewed after all. */
  async forget(): Promise<void> {
    if (this.#last !== undefined) await this.#records.delete(this.#path);
  }

  async #put(failure: RenewalFailure): Promise<void> {
    await this.#records.put(this.#path, failure, { expiresAtMs: failure.lastAtMs + memoryMs });
  }

  /** One that cannot be read, or was written before failures were counted, is none. */
  async #find(): Promise<Stored<RenewalFailure> | undefined> {
    try {
      return await this.#records.find(...this.#path);
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  }
}

function isHopeless({ reason, status, count, firstAtMs, lastAtMs }: RenewalFailure): boolean {
  switch (reason) {
    case 'ERR_POSTERN_AUTH_DENIED':
    case 'ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION':
      return true;
    case 'ERR_POSTERN_OAUTH_REQUEST_REFUSED':
      // Any other status may be somebody's in between.
      if (status === undefined || status === 400 || status === 401) return true;
      break;
    // A person would only meet the same: its operator has to act.
    case 'ERR_POSTERN_OAUTH_CLIENT_REJECTED':
      return false;
    default:
  }
  return count >= patience.failures && lastAtMs - firstAtMs >= patience.ms;
}

/** How long nobody tries again: at least as long as the issuer asked for. */
function lengthOf({ reason, retryAfterMs = 0 }: RenewalFailure): number {
  const { retry, fixedBy } = errorCodes[reason];
  // A server that answers nonsense may be having its maintenance.
  return Math.max(retry || fixedBy === 'server' ? cooldownMs.passing : cooldownMs.final, retryAfterMs);
}

function endOf(failure: RenewalFailure): number {
  return failure.lastAtMs + lengthOf(failure);
}

/** The same failure, for whoever comes within the cooldown. It says when that ends. */
function repeated(failure: RenewalFailure, leftMs: number): PosternError {
  const { reason, hint, status, error } = failure;
  const message = `a credential could not be renewed, or obtained, a moment ago (${reason}), and that is not tried again for ${leftMs} ms`;
  const retryAtMs = endOf(failure);
  const isFinal = reason === 'ERR_POSTERN_OAUTH_REQUEST_REFUSED';
  if (!isFinal && reason !== 'ERR_POSTERN_OAUTH_REQUEST_FAILED')
    return new PosternError(reason, message, untilRetry(retryAtMs, { hint }));
  const retryAfterMs = failure.retryAfterMs === undefined ? undefined : leftMs;
  return new OAuthRequestError(message, { status, error, retryAfterMs, retryAtMs, isFinal }, { hint });
}

import { z } from 'zod';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { Collection } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import { formatKey } from '../storage/keys.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { waitFor } from './wait-for.ts';

const leaseRecord = z.looseObject({ holder: z.string() });

/** How long a lease lasts, and how long to wait for one that is taken. */
export interface LeaseOptions {
  /** How long the right lasts unless it is renewed. */
  readonly leaseMs: number;
  /** How long to wait for the present holder. 0: not at all. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A time-limited right to do one thing, in all processes on one store.
 *
 * It saves work and never guards correctness alone: a holder that was frozen past its time does not know it,
 * so whatever it writes must be conditional on a version of its own.
 */
export class Lease implements AsyncDisposable {
  readonly #records: Collection<z.infer<typeof leaseRecord>>;
  readonly #path: readonly string[];
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #holder: string;
  readonly #lost = new AbortController();
  #version: string;

  /** Use {@link acquireLease} or {@link tryAcquireLease}. */
  constructor(
    records: Collection<z.infer<typeof leaseRecord>>,
    path: readonly string[],
    options: { holder: string; version: string; leaseMs: number; clock: Clock },
  ) {
    this.#records = records;
    this.#path = path;
    this.#holder = options.holder;
    this.#version = options.version;
    this.#leaseMs = options.leaseMs;
    this.#clock = options.clock;
  }

  /** Aborts when a renewal finds the lease gone. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /**
   * Extends the lease to its full length from now.
   *
   * @throws {PosternError} ERR_POSTERN_LEASE_LOST when it has ended or another holds it.
   */
  async renew(): Promise<void> {
    const version = await this.#records.put(
      this.#path,
      { holder: this.#holder },
      { expect: this.#version, expiresAtMs: this.#clock() + this.#leaseMs },
    );
    if (version === undefined) {
      const lost = new PosternError(
        'ERR_POSTERN_LEASE_LOST',
        `the lease on ${JSON.stringify(formatKey(this.#records.storage.key(this.#path)))} ended before its work`,
      );
      this.#lost.abort(lost);
      throw lost;
    }
    this.#version = version;
  }

  /** Gives the lease back, if it is still held. */
  async release(): Promise<void> {
    if (await this.#records.delete(this.#path, { expect: this.#version })) {
      await this.#records.storage.signal(...this.#path);
    }
  }

  /** Renews in the background, a third of the lease apart, until the returned function is called. */
  keepAlive(): () => void {
    const timer = setInterval(
      () => {
        // A failed renewal shows in `signal`; a store that does not answer shows at the next one.
        this.renew().catch(() => {});
      },
      Math.max(1, Math.floor(this.#leaseMs / 3)),
    );
    if (typeof timer === 'object') timer.unref();
    return () => clearInterval(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** The lease, or `undefined` when another holds it. */
export async function tryAcquireLease(
  storage: NamespacedStorage,
  path: readonly string[],
  options: { leaseMs: number; clock?: Clock | undefined },
): Promise<Lease | undefined> {
  const records = new Collection(storage, leaseRecord);
  const { leaseMs, clock = systemClock } = options;
  const holder = randomId();
  const version = await records.put(
    path,
    { holder },
    { expect: absent, expiresAtMs: clock() + leaseMs },
  );
  return version === undefined
    ? undefined
    : new Lease(records, path, { holder, version, leaseMs, clock });
}

/**
 * Waits for a lease and takes it.
 *
 * @throws {PosternError} ERR_POSTERN_LEASE_TIMEOUT when `waitMs` is over.
 */
export async function acquireLease(
  storage: NamespacedStorage,
  path: readonly string[],
  options: LeaseOptions,
): Promise<Lease> {
  const lease = await waitFor(storage, path, () => tryAcquireLease(storage, path, options), {
    timeoutMs: options.waitMs,
    signal: options.signal,
    pollMs: Math.min(250, Math.max(20, options.leaseMs / 4)),
  });
  if (lease !== undefined) return lease;
  throw new PosternError(
    'ERR_POSTERN_LEASE_TIMEOUT',
    `another process held ${JSON.stringify(formatKey(storage.key(path)))} for ${options.waitMs} ms`,
  );
}

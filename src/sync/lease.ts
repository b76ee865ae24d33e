import * as z from 'zod';
import type { ZodType } from 'zod';
import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { randomId } from '../core/random.ts';
import { Collection } from '../storage/collection.ts';
import { absent } from '../storage/contract.ts';
import { formatKey } from '../storage/keys.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { storeTime } from './store-time.ts';
import { waitFor } from './wait-for.ts';

interface LeaseRecord {
  readonly holder: string;
}

const leaseRecord: ZodType<LeaseRecord> = z.looseObject({ holder: z.string() });

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
  readonly #records: Collection<LeaseRecord>;
  readonly #path: readonly string[];
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #holder: string;
  readonly #lost = new AbortController();
  #version: string;
  /** When the lease ends unless it is renewed, by a clock that nobody sets. */
  #endsAt: number;
  #writing: Promise<void> = Promise.resolve();
  #released = false;

  /** Use {@link acquireLease} or {@link tryAcquireLease}. */
  constructor(
    records: Collection<LeaseRecord>,
    path: readonly string[],
    options: { holder: string; version: string; leaseMs: number; takenAt: number; clock: Clock },
  ) {
    this.#records = records;
    this.#path = path;
    this.#holder = options.holder;
    this.#version = options.version;
    this.#leaseMs = options.leaseMs;
    this.#clock = options.clock;
    this.#endsAt = options.takenAt + options.leaseMs;
  }

  /** Aborts when a renewal finds the lease gone, or when {@link keepAlive} could not renew it in its time. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** How long the lease lasts yet unless it is renewed, as far as this process knows: none, at the latest when it is over. */
  get leftMs(): number {
    return Math.max(0, this.#endsAt - performance.now());
  }

  /**
   * Extends the lease to its full length from now.
   *
   * @throws {PosternError} ERR_POSTERN_LEASE_LOST when it has ended, was given back, or another holds it.
   */
  renew(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#released) throw this.#end();
      const startedAt = performance.now();
      const now = await storeTime(this.#records.storage.backend, this.#clock);
      const expiresAtMs = now + this.#leaseMs;
      const renewed = await this.#ifHeld((expect) =>
        this.#records.put(this.#path, { holder: this.#holder }, { expect, expiresAtMs }),
      );
      if (renewed === undefined) throw this.#end();
      this.#version = renewed;
      this.#endsAt = startedAt + this.#leaseMs;
    });
  }

  /** Gives the lease back, if it is still held, and wakes whoever waits for it. */
  release(): Promise<void> {
    return this.#inTurn(async () => {
      this.#released = true;
      const deleted = await this.#ifHeld(async (expect) =>
        (await this.#records.delete(this.#path, { expect })) ? true : undefined,
      );
      // A hint: those who wait look for themselves now and then.
      if (deleted) await this.#records.storage.signal(...this.#path).catch(() => {});
    });
  }

  /** Renews in the background, when a third of the lease has passed, until the returned function is called. */
  keepAlive(): () => void {
    let renewing = false;
    const timer = setInterval(
      () => {
        const { leftMs } = this;
        if (leftMs === 0) this.#end();
        // One renewal at a time. A lost lease shows in `signal`; a store that does not answer is asked again soon.
        if (renewing || leftMs > (this.#leaseMs * 2) / 3) return;
        renewing = true;
        void this.renew()
          .catch(() => {})
          .finally(() => (renewing = false));
      },
      Math.max(1, Math.floor(this.#leaseMs / 12)),
    );
    if (typeof timer === 'object') timer.unref();
    return () => clearInterval(timer);
  }

  /** Gives the lease back as well as it can be done: work that is over did not fail because of it, and a lease ends by itself. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release().catch(() => {});
  }

  /** A renewal and a release name the version the one before left, so they never overlap. */
  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(write);
    this.#writing = turn.catch(() => {});
    return turn;
  }

  /** Writes under our version. When that is not there, our own write may have been one whose answer was lost. */
  async #ifHeld<R>(write: (expect: string) => Promise<R | undefined>): Promise<R | undefined> {
    const written = await write(this.#version);
    if (written !== undefined) return written;
    const stored = await this.#records.findReadable(...this.#path);
    if (stored?.value.holder !== this.#holder || stored.version === this.#version) return undefined;
    return write(stored.version);
  }

  #end(): PosternError {
    const lost = new PosternError(
      'ERR_POSTERN_LEASE_LOST',
      `the lease on ${JSON.stringify(formatKey(this.#records.storage.key(this.#path)))} ended before its work`,
    );
    this.#lost.abort(lost);
    return lost;
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
  const now = await storeTime(storage.backend, clock);
  const takenAt = performance.now();
  const version = await records.put(path, { holder }, { expect: absent, expiresAtMs: now + leaseMs });
  return version === undefined
    ? undefined
    : new Lease(records, path, { holder, version, leaseMs, takenAt, clock });
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

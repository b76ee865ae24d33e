import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Namespace } from '../namespace/namespace.ts';
import { storageOf } from '../namespace/namespace.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent, type Change, type StorageBackend } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { pendingRecord, type Pending, type PendingOutcome, type PendingRecord } from './pending.ts';

/** How long an end stays readable, for pages opened twice and for requests parked in processes that were down. */
const rememberMs = 24 * 60 * 60_000;

/** Changes of the same namespace that are made with a transition, or not at all. */
export interface Alongside {
  readonly alongside?: readonly Change[] | undefined;
}

/**
 * The pendings of one namespace. Nothing it is asked reaches another's.
 *
 * A pending leaves `pending` by one conditional commit, so every observer agrees on how it ended.
 */
export class PendingStore<T = unknown> {
  readonly namespace: Namespace;
  readonly storage: NamespacedStorage;
  readonly #records: Collection<PendingRecord>;
  readonly #clock: Clock;

  constructor(backend: StorageBackend, namespace: Namespace, clock: Clock = systemClock) {
    this.namespace = namespace;
    this.storage = storageOf(backend, namespace);
    this.#records = new Collection(this.storage.namespace('pending'), pendingRecord);
    this.#clock = clock;
  }

  /** Writes a new pending. Returns `undefined` when something alongside it did not hold. */
  async put(
    pending: Omit<Pending<T>, 'namespace' | 'version' | 'status' | 'failure'>,
    { alongside = [] }: Alongside = {},
  ): Promise<Pending<T> | undefined> {
    const record = { ...pending, status: 'pending' as const, data: pending.data };
    const path = [await hashId(pending.id)];
    const versions = await this.storage.commit([
      this.#records.putting(path, record, { expect: absent, expiresAtMs: pending.expiresAtMs }),
      ...alongside,
    ]);
    if (versions?.[0] === undefined) return undefined;
    return { ...pending, namespace: this.namespace, status: 'pending', version: versions[0] };
  }

  /** The pending; after it ended, until a day after the time it had. `undefined` once time has ended it. */
  async get(id: string): Promise<Pending<T> | undefined> {
    const stored = await this.#records.find(await hashId(id));
    return stored && this.#present(stored);
  }

  /** Replaces the data of a live pending. Returns `undefined` when it changed meanwhile, or ended. */
  async updateData(pending: Pending<T>, data: T): Promise<Pending<T> | undefined> {
    const path = [await hashId(pending.id)];
    const stored = await this.#records.find(...path);
    if (stored?.version !== pending.version || stored.value.status !== 'pending') return undefined;
    const version = await this.#records.put(
      path,
      { ...stored.value, data },
      { expect: stored.version, expiresAtMs: stored.expiresAtMs },
    );
    return version === undefined ? undefined : { ...pending, data, version };
  }

  complete(id: string, alongside?: Alongside): Promise<Pending<T>> {
    return this.end(id, { status: 'completed' }, alongside);
  }

  cancel(id: string, alongside?: Alongside): Promise<Pending<T>> {
    return this.end(id, { status: 'cancelled' }, alongside);
  }

  /**
   * Ends a pending and wakes those who wait for it. Returns it as it was, with its data, and its new status.
   *
   * @throws {PosternError} ERR_POSTERN_PENDING_NOT_FOUND when there is none, or time has ended it.
   * @throws {PosternError} ERR_POSTERN_PENDING_ALREADY_FINISHED when it had ended before.
   * @throws {PosternError} ERR_POSTERN_STORAGE_CONFLICT when something alongside did not hold.
   */
  async end(id: string, outcome: PendingOutcome, { alongside = [] }: Alongside = {}): Promise<Pending<T>> {
    const path = [await hashId(id)];
    for (let tries = 0; tries < 20; tries++) {
      const stored = await this.#records.find(...path);
      if (stored === undefined) {
        throw new PosternError(
          'ERR_POSTERN_PENDING_NOT_FOUND',
          'there is no such pending, or it has expired',
        );
      }
      if (stored.value.status !== 'pending') {
        throw new PosternError(
          'ERR_POSTERN_PENDING_ALREADY_FINISHED',
          `the pending had already ended: ${stored.value.status}`,
        );
      }
      const { data: _forgotten, ...rest } = stored.value;
      const record = { ...rest, ...outcome } as PendingRecord;
      const versions = await this.storage.commit([
        this.#records.putting(path, record, {
          expect: stored.version,
          expiresAtMs: Math.max(stored.value.expiresAtMs, this.#clock()) + rememberMs,
        }),
        ...alongside,
      ]);
      if (versions !== undefined) {
        // It has ended, whether or not anybody can be told: those who wait look for themselves now and then.
        await this.signal(id).catch(() => {});
        return { ...this.#present(stored), ...outcome, version: versions[0] ?? '' };
      }
    }
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CONFLICT',
      'a pending could not be ended: something it was to be ended with had changed',
    );
  }

  /** Live and ended pendings of the namespace. */
  async list(limit = 100): Promise<Pending<T>[]> {
    return (await this.#records.list([], { limit })).map((stored) => this.#present(stored));
  }

  /** Forgets every pending of the namespace. Those who wait for one see it expire. Returns how many there were. */
  async clear(): Promise<number> {
    const pendings = await this.list(1000);
    const removed = await this.#records.storage.clear();
    await Promise.all(pendings.map((pending) => this.signal(pending.id).catch(() => {})));
    return removed;
  }

  /** The path whose signals announce that a pending has ended. */
  async channel(id: string): Promise<readonly string[]> {
    return ['pending', await hashId(id)];
  }

  async signal(id: string): Promise<void> {
    await this.storage.signal(...(await this.channel(id)));
  }

  /** What the store still has is live: time is the store's, and a process whose clock is wrong ends nothing early. */
  #present({ value, version }: Stored<PendingRecord>): Pending<T> {
    return { ...value, data: value.data as T | undefined, namespace: this.namespace, version };
  }
}

import { systemClock, type Clock } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Namespace } from '../namespace/namespace.ts';
import { storageOf } from '../namespace/namespace.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent, type Change, type StorageBackend } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { OnUnreadable } from '../storage/unreadable.ts';
import { storeTime } from '../sync/store-time.ts';
import { afterlifeMs } from './afterlife.ts';
import {
  pendingRecord,
  type OnPendingEnd,
  type Pending,
  type PendingOutcome,
  type PendingRecord,
  type PendingTransition,
} from './pending.ts';

/** How often a transition is tried again after it met another change of the same record. */
const maxTries = 20;

/** Changes of the same namespace that are made with a transition, or not at all. */
export interface Alongside {
  readonly alongside?: readonly Change[] | undefined;
}

/** Who is told what happens to pendings. */
export interface PendingHooks<T = unknown> {
  /** Told of every end that is written here, by time, too. It must not throw. */
  onEnd?(...told: Parameters<OnPendingEnd<T>>): void | Promise<void>;
  /** What of a pending's data stays when it has ended: JSON, and nothing secret. Default: nothing. */
  remember?(data: T): unknown;
  /** Told of a record that a list leaves out. */
  readonly onUnreadable?: OnUnreadable | undefined;
}

/**
 * The pendings of one namespace. Nothing it is asked reaches another's.
 *
 * A pending leaves `pending` by one conditional commit, so every observer agrees on how it ended. Time is no exception:
 * whoever finds that a pending's time is over by the store's clock writes that down before saying so. Until somebody has,
 * a completion that is under way still counts.
 */
export class PendingStore<T = unknown> {
  readonly namespace: Namespace;
  readonly storage: NamespacedStorage;
  readonly #records: Collection<PendingRecord>;
  readonly #clock: Clock;
  /** As methods: whoever takes pendings of any sort takes these, too. */
  readonly #hooks: PendingHooks<T>;

  constructor(
    backend: StorageBackend,
    namespace: Namespace,
    clock: Clock = systemClock,
    hooks: PendingHooks<T> = {},
  ) {
    this.namespace = namespace;
    this.storage = storageOf(backend, namespace);
    this.#records = new Collection(this.storage.namespace('pending'), pendingRecord, hooks.onUnreadable);
    this.#clock = clock;
    this.#hooks = hooks;
  }

  /** Writes a new pending. Returns `undefined` when something alongside it did not hold. */
  async put(
    given: Omit<Pending<T>, 'namespace' | 'version' | 'status' | 'failure' | 'remembered'>,
    { alongside = [] }: Alongside = {},
  ): Promise<Pending<T> | undefined> {
    const pending = { ...given, ...this.#toRemember(given.data) };
    const record = { ...pending, status: 'pending' as const, data: pending.data };
    const path = [await hashId(pending.id)];
    const versions = await this.storage.commit([
      this.#records.putting(path, record, {
        expect: absent,
        expiresAtMs: pending.expiresAtMs + afterlifeMs,
      }),
      ...alongside,
    ]);
    if (versions?.[0] === undefined) return undefined;
    return { ...pending, namespace: this.namespace, status: 'pending', version: versions[0] };
  }

  /**
   * The pending; after it ended, without its data, until a day after the time it had. `undefined` for one that is long gone.
   *
   * One whose time is over is ended by it first, so what this says of an end holds for everybody.
   */
  async get(id: string): Promise<Pending<T> | undefined> {
    const path = [await hashId(id)];
    for (let tries = 0; tries < maxTries; tries++) {
      const stored = await this.#records.find(...path);
      if (stored === undefined || !(await this.#isOverdue(stored.value))) {
        return stored && this.#present(stored);
      }
      const expired = await this.#end(stored, { status: 'expired' });
      if (expired !== undefined) return { ...expired, data: undefined };
    }
    throw conflict('a pending kept changing while it was being read');
  }

  /** Replaces the data of a live pending. Returns `undefined` when it changed meanwhile, or ended. */
  async updateData(pending: Pending<T>, data: T): Promise<Pending<T> | undefined> {
    const path = [await hashId(pending.id)];
    const stored = await this.#records.find(...path);
    if (stored?.version !== pending.version || stored.value.status !== 'pending') return undefined;
    const version = await this.#records.put(
      path,
      { ...stored.value, data, ...this.#toRemember(data) },
      { expect: stored.version, expiresAtMs: stored.expiresAtMs },
    );
    return version === undefined ? undefined : { ...pending, data, ...this.#toRemember(data), version };
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
    for (let tries = 0; tries < maxTries; tries++) {
      const stored = await this.#records.find(...path);
      if (stored === undefined || stored.value.status === 'expired') {
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
      const ended = await this.#end(stored, outcome, alongside);
      if (ended !== undefined) return ended;
    }
    throw conflict('a pending could not be ended: something it was to be ended with had changed');
  }

  /** Live and ended pendings of the namespace, read a page at a time. What it says of an end holds for everybody. */
  async *all(): AsyncGenerator<Pending<T>> {
    for await (const stored of this.#records.all()) {
      const pending = (await this.#isOverdue(stored.value))
        ? await this.get(stored.value.id)
        : this.#present(stored);
      if (pending !== undefined) yield pending;
    }
  }

  /** All of {@link all} at once. */
  async list(): Promise<Pending<T>[]> {
    const pendings: Pending<T>[] = [];
    for await (const pending of this.all()) pendings.push(pending);
    return pendings;
  }

  /**
   * Forgets every pending of the namespace, and what cannot be read, too. Returns the ids of those it could read.
   *
   * To whoever has not yet learned how one ended, it has expired.
   */
  async clear(): Promise<string[]> {
    const removed = await this.#records.clear();
    const expired = { status: 'expired' } as const;
    await Promise.all(
      removed.map(async (stored) => {
        const wasLive = stored.value.status === 'pending';
        if (wasLive) await this.#announce({ ...this.#present(stored), ...expired }, expired);
        else await this.signal(stored.value.id).catch(() => {});
      }),
    );
    return removed.map(({ value }) => value.id);
  }

  /** The path whose signals announce that a pending has ended. */
  async channel(id: string): Promise<readonly string[]> {
    return ['pending', await hashId(id)];
  }

  async signal(id: string): Promise<void> {
    await this.storage.signal(...(await this.channel(id)));
  }

  /** Written along with the data, and left when that goes: whoever ends a pending need not know what it is about. */
  #toRemember(data: T | undefined): { remembered?: unknown } {
    const remembered = data === undefined ? undefined : this.#hooks.remember?.(data);
    return remembered === undefined ? {} : { remembered };
  }

  /** One transition, by version, with its signal. Returns the pending as it was; `undefined` when it did not hold. */
  async #end(
    stored: Stored<PendingRecord>,
    transition: PendingTransition,
    alongside: readonly Change[] = [],
  ): Promise<Pending<T> | undefined> {
    const { data: _forgotten, ...rest } = stored.value;
    const record = { ...rest, ...transition } as PendingRecord;
    const now = await this.#now();
    const versions = await this.storage.commit([
      this.#records.putting(stored.path, record, {
        expect: stored.version,
        expiresAtMs: Math.max(stored.value.expiresAtMs, now) + afterlifeMs,
      }),
      ...alongside,
    ]);
    if (versions === undefined) return undefined;
    const ended = { ...this.#present(stored), ...transition, version: versions[0] ?? '' };
    await this.#announce(ended, transition);
    return ended;
  }

  /** It has ended, whether or not anybody can be told: those who wait look for themselves now and then. */
  async #announce(ended: Pending<T>, transition: PendingTransition): Promise<void> {
    await this.signal(ended.id).catch(() => {});
    await this.#hooks.onEnd?.(ended, transition);
  }

  /** Whether time has ended it, and nobody has written that down. */
  async #isOverdue({ status, expiresAtMs }: PendingRecord): Promise<boolean> {
    return status === 'pending' && expiresAtMs <= (await this.#now());
  }

  /** The store's time: a process whose clock is wrong ends nothing early. */
  #now(): Promise<number> {
    return storeTime(this.storage.backend, this.#clock);
  }

  #present({ value, version }: Stored<PendingRecord>): Pending<T> {
    return { ...value, data: value.data as T | undefined, namespace: this.namespace, version };
  }
}

function conflict(message: string): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_CONFLICT', message);
}

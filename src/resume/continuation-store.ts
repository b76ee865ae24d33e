import type { Clock } from '../core/clock.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import { PendingStore } from '../pending/pending-store.ts';
import { isSuperseded, type Pending, type PendingStatus } from '../pending/pending.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { OnUnreadable } from '../storage/unreadable.ts';
import { storeTime } from '../sync/store-time.ts';
import { continuationRecord, type ContinuationRecord } from './continuation.ts';

/** How long a request is kept after the time its pending had, or after its last change. */
const keepMs = 24 * 60 * 60_000;

/** How a pending ended, and the code that says why. One that is gone has expired. */
export interface PendingEnd {
  readonly outcome: Exclude<PendingStatus, 'pending'>;
  readonly code: string | undefined;
}

export interface LivePending {
  readonly outcome: 'pending';
  readonly pending: Pending;
}

/** The parked requests of one namespace. What is decided about one is decided here, by the version of its record. */
export class ContinuationStore {
  readonly namespace: Namespace;
  readonly storage: NamespacedStorage;
  readonly #records: Collection<ContinuationRecord>;
  readonly #pendings: PendingStore;
  readonly #clock: Clock;

  /** @param onUnreadable is told of a request that {@link all} leaves out. */
  constructor(backend: StorageBackend, namespace: Namespace, clock: Clock, onUnreadable: OnUnreadable) {
    this.namespace = namespace;
    this.storage = storageOf(backend, namespace);
    this.#records = new Collection(this.storage.namespace('continuation'), continuationRecord, onUnreadable);
    this.#pendings = new PendingStore(backend, namespace, clock);
    this.#clock = clock;
  }

  find(id: string): Promise<Stored<ContinuationRecord> | undefined> {
    return this.#records.find(id);
  }

  /** Every request of the namespace, a page at a time. */
  async *all(): AsyncGenerator<ContinuationRecord> {
    for await (const { value } of this.#records.all()) yield value;
  }

  /**
   * Writes a request, unless it was written before. `dueAtMs` is the end of its pending's time.
   *
   * When the store's answer is lost, the id is taken by a record that never runs, unless the request has it: so what
   * fails here is not there, and a write that is still under way cannot come after all. Only a store that is away for
   * good leaves it open; adding the same id again then settles it. Returns whether the request is there, and not that record.
   */
  async add(record: ContinuationRecord, dueAtMs: number): Promise<boolean> {
    const options = { expect: absent, expiresAtMs: dueAtMs + keepMs };
    try {
      if ((await this.#records.put([record.id], record, options)) !== undefined) return true;
    } catch (error) {
      const never = { ...record, payload: null, status: 'abandoned' as const };
      if ((await this.#records.put([record.id], never, options)) !== undefined) throw error;
    }
    const found = (await this.#records.find(record.id))?.value;
    // What ran and was given up has been tried at least once.
    return found !== undefined && !(found.status === 'abandoned' && found.attempts === 0);
  }

  /** Changes a request; `undefined` when it is not as it was any more. */
  async change(
    from: Stored<ContinuationRecord>,
    change: Partial<ContinuationRecord>,
  ): Promise<Stored<ContinuationRecord> | undefined> {
    const value = { ...from.value, ...change };
    const now = await storeTime(this.storage.backend, this.#clock);
    const expiresAtMs = Math.max(from.expiresAtMs ?? 0, now + keepMs);
    const version = await this.#records.put(from.path, value, { expect: from.version, expiresAtMs });
    return version === undefined ? undefined : { ...from, value, version, expiresAtMs };
  }

  /** The end of the time a pending has; `undefined` when there is none any more. */
  async dueAtMs(pendingId: string): Promise<number | undefined> {
    return (await this.#pendings.get(pendingId))?.expiresAtMs;
  }

  /** How the pending ended; while it has not, the pending itself. */
  async fateOf(pendingId: string): Promise<PendingEnd | LivePending> {
    const pending = await this.#pendings.get(pendingId);
    if (pending === undefined) return { outcome: 'expired', code: undefined };
    // Its person is asked anew, by the request itself.
    if (isSuperseded(pending)) return { outcome: 'completed', code: undefined };
    return pending.status === 'pending'
      ? { outcome: 'pending', pending }
      : { outcome: pending.status, code: pending.failure };
  }

  async hasEnded(pendingId: string): Promise<boolean> {
    return (await this.fateOf(pendingId)).outcome !== 'pending';
  }
}

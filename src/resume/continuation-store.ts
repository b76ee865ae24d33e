import type { Clock } from '../core/clock.ts';
import { storageOf, type Namespace } from '../namespace/namespace.ts';
import { PendingStore } from '../pending/pending-store.ts';
import type { PendingStatus } from '../pending/pending.ts';
import { Collection, type Stored } from '../storage/collection.ts';
import { absent, type StorageBackend } from '../storage/contract.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import type { OnUnreadable } from '../storage/unreadable.ts';
import { continuationRecord, type ContinuationRecord } from './continuation.ts';

/** How long a request is kept after the time its pending had, or after its last change. */
const keepMs = 24 * 60 * 60_000;

/** How a pending ended, and the code that says why. */
export interface PendingEnd {
  readonly outcome: Exclude<PendingStatus, 'pending'>;
  readonly code: string | undefined;
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

  /** Writes a request for the first time. `dueAtMs` is the end of its pending's time. */
  async add(record: ContinuationRecord, dueAtMs: number): Promise<void> {
    await this.#records.put([record.id], record, { expect: absent, expiresAtMs: dueAtMs + keepMs });
  }

  /** Changes a request; `undefined` when it is not as it was any more. */
  async change(
    from: Stored<ContinuationRecord>,
    change: Partial<ContinuationRecord>,
  ): Promise<Stored<ContinuationRecord> | undefined> {
    const value = { ...from.value, ...change };
    const expiresAtMs = Math.max(from.expiresAtMs ?? 0, this.#clock() + keepMs);
    const version = await this.#records.put(from.path, value, { expect: from.version, expiresAtMs });
    return version === undefined ? undefined : { ...from, value, version, expiresAtMs };
  }

  async remove(id: string): Promise<void> {
    await this.#records.delete([id]);
  }

  /** The end of the time a pending has; `undefined` when there is none any more. */
  async dueAtMs(pendingId: string): Promise<number | undefined> {
    return (await this.#pendings.get(pendingId))?.expiresAtMs;
  }

  /** How the pending ended; `undefined` while it has not. One that is gone has expired. */
  async endOf(pendingId: string): Promise<PendingEnd | undefined> {
    const pending = await this.#pendings.get(pendingId);
    if (pending === undefined) return { outcome: 'expired', code: undefined };
    return pending.status === 'pending' ? undefined : { outcome: pending.status, code: pending.failure };
  }
}

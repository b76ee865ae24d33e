import { PosternError } from '../../core/postern-error.ts';
import { storageOf } from '../../namespace/namespace.ts';
import { PendingStore } from '../../pending/pending-store.ts';
import { tryAcquireLease, type Lease } from '../../sync/lease.ts';
import type { Surroundings } from '../../sync/surroundings.ts';
import { placePath, type Place } from '../want.ts';

export interface AdmissionOptions {
  /** How many interactions may wait for one namespace at once. Left out: any number. */
  readonly maxPendings: number | undefined;
  readonly leaseMs: number;
}

/**
 * Who may ask a person: one caller at a time for a resource and alias, and no more at once than a person can make sense of.
 *
 * The right to ask is a lease, so it also counts for those that have not got as far as a pending yet.
 */
export class Admission {
  readonly #surroundings: Surroundings;
  readonly #options: AdmissionOptions;
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(surroundings: Surroundings, options: AdmissionOptions) {
    this.#surroundings = surroundings;
    this.#options = options;
  }

  /** Where the lease on a place lies. Signalled when it is given back. */
  path(place: Place): readonly string[] {
    return ['asking', ...placePath(place)];
  }

  /**
   * The right to ask, or `undefined` when another process has it.
   *
   * @throws {PosternError} ERR_POSTERN_OOB_LIMIT when as many interactions wait for the person as may.
   */
  enter(place: Place): Promise<Lease | undefined> {
    const { partition } = place.namespace;
    // In turn: of many that come at once, as many get in as there is room for, not none.
    const turn = (this.#turns.get(partition) ?? Promise.resolve()).then(() => this.#enter(place));
    const settled = turn
      .catch(() => {})
      .finally(() => {
        if (this.#turns.get(partition) === settled) this.#turns.delete(partition);
      });
    this.#turns.set(partition, settled);
    return turn;
  }

  async #enter(place: Place): Promise<Lease | undefined> {
    const { storage, clock } = this.#surroundings;
    const { leaseMs, maxPendings } = this.#options;
    const own = storageOf(storage, place.namespace);
    const lease = await tryAcquireLease(own, this.path(place), { leaseMs, clock });
    if (lease === undefined || maxPendings === undefined) return lease;
    try {
      // Counted after the lease was written: of two that come at once, at least one sees the other.
      if ((await this.#count(place, maxPendings)) <= maxPendings) return lease;
    } catch (error) {
      await lease.release().catch(() => {});
      throw error;
    }
    await lease.release();
    throw new PosternError(
      'ERR_POSTERN_OOB_LIMIT',
      `${maxPendings} interactions are waiting for this person already`,
      { hint: 'Finish one of the open links first.' },
    );
  }

  /** Those who are being asked, and those who are about to be; stops counting when there are too many. */
  async #count({ namespace }: Place, maxPendings: number): Promise<number> {
    const { storage, clock } = this.#surroundings;
    const asking = await storageOf(storage, namespace).list(['asking'], {
      limit: Math.min(1_000, maxPendings + 1),
    });
    const places = new Set(asking.map(({ key }) => JSON.stringify(key.slice(-2))));
    for await (const { status, resource, alias } of new PendingStore(storage, namespace, clock).all()) {
      if (places.size > maxPendings) break;
      if (status === 'pending') places.add(JSON.stringify([resource, alias]));
    }
    return places.size;
  }
}

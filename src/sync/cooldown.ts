import { z } from 'zod';
import { systemClock, type Clock } from '../core/clock.ts';
import { Collection } from '../storage/collection.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { storeTime } from './store-time.ts';

const cooldownRecord = z.looseObject({ reason: z.string() });

/** A time during which something is not tried again, in any process, and why. */
export class Cooldown {
  readonly #records: Collection<z.infer<typeof cooldownRecord>>;
  readonly #path: readonly string[];
  readonly #clock: Clock;

  constructor(storage: NamespacedStorage, path: readonly string[], clock: Clock = systemClock) {
    this.#records = new Collection(storage, cooldownRecord);
    this.#path = path;
    this.#clock = clock;
  }

  async start(reason: string, lengthMs: number): Promise<void> {
    const now = await storeTime(this.#records.storage.backend, this.#clock);
    await this.#records.put(this.#path, { reason }, { expiresAtMs: now + lengthMs });
  }

  /** Why it is running, or `undefined` when it is not. */
  async reason(): Promise<string | undefined> {
    return (await this.#records.find(...this.#path))?.value.reason;
  }

  async end(): Promise<void> {
    await this.#records.delete(this.#path);
  }
}

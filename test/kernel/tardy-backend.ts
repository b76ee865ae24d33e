import type { Entry, Key } from '../../src/storage/contract.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';

/** A store whose answers arrive a turn of the event loop late, so that callers overtake one another as they do on a network. */
export class TardyBackend extends MemoryBackend {
  #answers = 0;

  /** How many reads were answered. */
  get answers(): number {
    return this.#answers;
  }

  override async get(key: Key): Promise<Entry | undefined> {
    const entry = await super.get(key);
    await new Promise((resolve) => setImmediate(resolve));
    this.#answers++;
    return entry;
  }
}

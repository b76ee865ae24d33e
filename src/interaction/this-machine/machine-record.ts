import * as z from 'zod';
import { hashId } from '../../core/random.ts';
import { Collection } from '../../storage/collection.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { storeKey } from '../../storage/store-key.ts';
import { waitFor } from '../../sync/wait-for.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

const machineRecord = z.looseObject({ port: z.number().int() });

/** The port of the links of one store on one machine; 0 when there is none yet. */
export interface MachinePort {
  readonly port: number;
  /** What a change of it must replace. */
  readonly version: string | undefined;
}

/** What a store knows of this machine: the port of its links, which of them live, and a key. */
export class MachineStore {
  readonly #surroundings: Surroundings;
  #storage: Promise<NamespacedStorage> | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  async port(): Promise<MachinePort> {
    const { stored, expect } = await (await this.#records()).lookAt(['gate']);
    return { port: stored?.value.port ?? 0, version: expect };
  }

  /** Remembers another port, unless somebody else has meanwhile. Returns whether it did. */
  async move(from: MachinePort, port: number): Promise<boolean> {
    return (await (await this.#records()).put(['gate'], { port }, { expect: from.version })) !== undefined;
  }

  /** Tells the other processes that this one has left the port. */
  async announceLeaving(): Promise<void> {
    await (await this.#open()).signal('gate');
  }

  /** Resolves when a process says that it has left the port, when the signal aborts, or after `timeoutMs`. Does not keep the process alive. */
  async untilLeft(timeoutMs: number, signal: AbortSignal): Promise<void> {
    let looks = 0;
    const isWoken = async (): Promise<true | undefined> => (looks++ > 0 ? true : undefined);
    const options = { timeoutMs, pollMs: timeoutMs, signal, keepAlive: false };
    await waitFor(await this.#open(), ['gate'], isWoken, options).catch(() => {});
  }

  /** What the processes of the store know each other by. */
  async key(): Promise<Uint8Array<ArrayBuffer>> {
    return storeKey(await this.#open(), ['key'], this.#surroundings.onUnreadable);
  }

  /** Notes that a link of this machine lives until then. */
  async noteLink(id: string, expiresAtMs: number): Promise<void> {
    const storage = await this.#open();
    const put = storage.key(['live', await hashId(id)]);
    await storage.commit([{ put, value: new Uint8Array([1]), expiresAtMs }]);
  }

  async forgetLink(id: string): Promise<void> {
    const storage = await this.#open();
    await storage.commit([{ delete: storage.key(['live', await hashId(id)]) }]);
  }

  /** When the last of the links that live ends, by the store's clock; `undefined` when none does. */
  async liveUntilMs(): Promise<number | undefined> {
    const live = await (await this.#open()).list(['live'], { limit: 1_000 });
    const now = await this.#surroundings.now();
    const ends = live.map(({ expiresAtMs = 0 }) => expiresAtMs).filter((endsAtMs) => endsAtMs > now);
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  #open(): Promise<NamespacedStorage> {
    this.#storage ??= (async () => {
      const { machineName } = await import('./loopback-listener.ts');
      const path = ['app', 'machine', await hashId(machineName())] as const;
      return new NamespacedStorage(this.#surroundings.storage, path);
    })();
    return this.#storage;
  }

  async #records(): Promise<Collection<z.infer<typeof machineRecord>>> {
    return new Collection(await this.#open(), machineRecord, this.#surroundings.onUnreadable);
  }
}

import { z } from 'zod';
import { decodeBase64Url, encodeBase64Url } from '../../core/base64url.ts';
import { hashId } from '../../core/random.ts';
import { Collection } from '../../storage/collection.ts';
import { absent } from '../../storage/contract.ts';
import { NamespacedStorage } from '../../storage/namespaced-storage.ts';
import { retryConflicts } from '../../sync/retry-conflicts.ts';
import type { Surroundings } from '../../sync/surroundings.ts';

const machineRecord = z.looseObject({ port: z.number().int(), key: z.string() });

/** What the processes of one store on one machine share: the port of their links, and a key they know each other by. */
export interface MachineRecord {
  readonly port: number;
  readonly key: string;
  readonly version: string;
}

/** The record of this machine in a store, and the links that live on it. */
export class MachineStore {
  readonly #surroundings: Surroundings;
  #storage: Promise<NamespacedStorage> | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** The record, made with no port yet if there is none. */
  async read(): Promise<MachineRecord> {
    const records = await this.#records();
    return retryConflicts('the record of this machine', async () => {
      const found = await records.find('gate');
      if (found !== undefined) return { ...found.value, version: found.version };
      const made = { port: 0, key: encodeBase64Url(this.#surroundings.random(32)) };
      const version = await records.put(['gate'], made, { expect: absent });
      return version === undefined ? undefined : { ...made, version };
    });
  }

  /** Remembers another port, unless somebody else has meanwhile. Returns whether it did. */
  async move(from: MachineRecord, port: number): Promise<boolean> {
    const records = await this.#records();
    const moved = { port, key: from.key };
    return (await records.put(['gate'], moved, { expect: from.version })) !== undefined;
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
    return new Collection(await this.#open(), machineRecord);
  }
}

/** What whoever knows the key answers to a challenge. The port is part of it: an answer cannot be passed on from another. */
export async function proofOf(key: string, port: number, nonce: string): Promise<string> {
  const bytes = new Uint8Array(decodeBase64Url(key));
  const secret = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const text = new TextEncoder().encode(JSON.stringify(['postern gate', port, nonce]));
  return encodeBase64Url(new Uint8Array(await crypto.subtle.sign('HMAC', secret, text)));
}

import type { Change, StorageBackend } from '../../src/storage/contract.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { recordsOf } from '../../src/storage/partitions-of.ts';

const before = { id: 'before', key: new Uint8Array(32).fill(1) };
const after = { id: 'after', key: new Uint8Array(32).fill(2) };

/** A sealed store, one of whose keys can be lost. */
export interface LosableStore {
  readonly storage: StorageBackend;
  /** From now on the key is gone that all of a table, or `everything`, is sealed with; the other tables are sealed with another. */
  lose(table: string): Promise<void>;
}

/** The name of a record's table: `app:registration`, `route`, `credential`. */
export function tableOf([partition, segment = '']: readonly string[]): string {
  if (partition === 'app' || partition === 'resume') return `${partition}:${segment}`;
  return /^(route|person|token-subject)(?::|$)/u.exec(partition ?? '')?.[1] ?? segment;
}

export function losableStore(raw: StorageBackend): LosableStore {
  let sealed = encrypted(raw, createKeyring([before]));
  const storage = new Proxy(raw, {
    get(_, name) {
      const value: unknown = Reflect.get(sealed, name, sealed);
      return typeof value === 'function' ? value.bind(sealed) : value;
    },
  });
  const partitions = async (): Promise<readonly string[]> =>
    (await raw.partitions!({ limit: 1_000 })).partitions;
  return {
    storage,
    async lose(table) {
      const next = encrypted(raw, createKeyring([after]));
      for (const partition of await partitions()) {
        const kept: Change[] = [];
        for await (const { key } of recordsOf(raw, partition)) {
          if (table === 'everything' || tableOf(key) === table) continue;
          const { value, expiresAtMs } = (await sealed.get(key))!;
          kept.push({ put: key, value, expiresAtMs });
        }
        await next.commit(kept);
      }
      sealed = next;
    },
  };
}

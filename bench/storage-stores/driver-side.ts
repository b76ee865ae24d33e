import type { Key, StorageBackend } from '../../src/storage/contract.ts';
import { NamespacedStorage } from '../../src/storage/namespaced-storage.ts';
import {
  listLength,
  namespaceOf,
  value,
  valueBytes,
  type Bell,
  type FilledStore,
  type Side,
} from './store-under-bench.ts';

/** Records lie in this many namespaces. */
const namespaces = 64;
const channel = 'bench';

/** A driver through the same calls that Postern makes of it. */
export async function driverSide(backend: StorageBackend): Promise<Side> {
  const versions = new Map<number, string>();
  const shelves = Array.from(
    { length: namespaces },
    (_, index) => new NamespacedStorage(backend, [`client:user:${index}`, 'record']),
  );
  const shelfOf = (at: number): NamespacedStorage => shelves[at % namespaces]!;
  const keyOf = (at: number): Key => shelfOf(at).key([String(at)]);
  const write = async (at: number, expect: string | undefined): Promise<boolean> => {
    const [version] = (await backend.commit([{ put: keyOf(at), value, expect }])) ?? [];
    if (version !== undefined) versions.set(at, version);
    return version !== undefined;
  };
  const list = new NamespacedStorage(backend, ['client:list', 'record']);
  // One by one: dynalite has no transactions.
  for (let index = 0; index < listLength; index++) {
    await list.commit([{ put: list.key([`${index + 100}`]), value }]);
  }
  return {
    put: (at) => write(at, undefined),
    replace: (at) => write(at, versions.get(at)),
    get: async (at) => (await backend.get(keyOf(at)))?.value.byteLength === valueBytes,
    list: async () => (await list.list()).length === listLength,
    take: async (at) => (await shelfOf(at).take(String(at)))?.value.byteLength === valueBytes,
  };
}

/** Signals from one handle to the other. */
export function driverBell([from, to]: readonly [StorageBackend, StorageBackend]): Bell {
  return {
    ring: () => from.signal(channel),
    listen: (wake) => to.listen(channel, wake),
  };
}

/** Puts one record into each namespace, as many at once as the store likes. */
async function fill(backend: StorageBackend, count: number): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < count; at = next++) {
      await backend.commit([{ put: [namespaceOf(at), 'record'], value }]);
    }
  };
  await Promise.all(Array.from({ length: 256 }, work));
}

/** The store that `backend` is, filled. It is closed before what is `below` it. */
export async function filled(
  backend: StorageBackend,
  count: number,
  below: { bareGet: FilledStore['bareGet']; close: () => unknown },
): Promise<FilledStore> {
  const end = async (): Promise<void> => {
    await backend.close();
    await below.close();
  };
  try {
    await fill(backend, count);
  } catch (error) {
    await end();
    throw error;
  }
  return { backend, bareGet: below.bareGet, close: end };
}

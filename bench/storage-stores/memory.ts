import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { filled } from './driver-side.ts';
import {
  namespaceOf,
  value,
  valueBytes,
  type FilledStore,
  type StoreUnderBench,
} from './store-under-bench.ts';

/** The store in memory. There is no client below it to compare it with. */
export async function openMemoryStore(): Promise<StoreUnderBench> {
  const backend = new MemoryBackend();
  return {
    label: 'memory',
    notes: [],
    // It has no second handle: it is seen by its own process alone.
    handles: [backend, backend],
    pollMs: 0,
    sizes: [100, 1_000, 10_000, 100_000],
    openFilled,
    close: () => backend.close(),
  };
}

/** Beside a map that holds as many copies: the least that memory can cost. */
function openFilled(namespaces: number): Promise<FilledStore> {
  const map = new Map(Array.from({ length: namespaces }, (_, index) => [namespaceOf(index), value.slice()]));
  return filled(new MemoryBackend(), namespaces, {
    bareGet: async (namespace) => map.get(namespace)?.slice().byteLength === valueBytes,
    close: () => map.clear(),
  });
}

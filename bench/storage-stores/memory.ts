import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { filled } from './driver-side.ts';
import type { StoreUnderBench } from './store-under-bench.ts';

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
    openFilled: (namespaces) => filled(new MemoryBackend(), namespaces, () => {}),
    close: () => backend.close(),
  };
}

import { sleep } from '../core/clock.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';

/** How long a wait may last, and what may end it sooner. */
export interface WaitOptions {
  /** Always given: there is no wait without a deadline. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** How often to re-read although no signal came. Default 1,000 ms. */
  readonly pollMs?: number | undefined;
}

/**
 * Waits until `read` returns something, and returns it; `undefined` when the time is up.
 *
 * Signals are hints: the store is read after listening began, after every wake, and now and then besides.
 * A store that fails during the wait is asked again; only a failure that lasts to the deadline is thrown.
 *
 * @throws the signal's reason when it aborts.
 */
export async function waitFor<T>(
  storage: NamespacedStorage,
  path: readonly string[],
  read: () => Promise<T | undefined>,
  options: WaitOptions,
): Promise<T | undefined> {
  const { signal, pollMs = 1_000 } = options;
  signal?.throwIfAborted();
  const deadline = performance.now() + options.timeoutMs;
  let wake = new AbortController();
  const onAbort = (): void => wake.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const unlisten = await storage.listen(path, () => wake.abort());
  try {
    for (;;) {
      let failure: unknown;
      wake = new AbortController();
      try {
        const found = await read();
        if (found !== undefined) return found;
      } catch (error) {
        failure = error;
      }
      signal?.throwIfAborted();
      const left = deadline - performance.now();
      if (left <= 0) {
        if (failure !== undefined) throw failure;
        return undefined;
      }
      await sleep(Math.min(left, pollMs), { signal: wake.signal });
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await unlisten();
  }
}

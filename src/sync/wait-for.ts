import { sleep } from '../core/clock.ts';
import type { NamespacedStorage } from '../storage/namespaced-storage.ts';

/** How long a wait may last, and what may end it sooner. */
export interface WaitOptions {
  /** Always given, and finite: there is no wait without a deadline. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** How often to re-read although no signal came. Default 1,000 ms. */
  readonly pollMs?: number | undefined;
  /** Whether the wait keeps the process alive by itself. Default true. */
  readonly keepAlive?: boolean | undefined;
}

/**
 * Waits until `read` returns something, and returns it; `undefined` when the time is up.
 *
 * Signals are hints: the store is read after listening began, after every wake, and now and then besides.
 * A store that fails during the wait is asked again; only a failure that lasts to the deadline is thrown.
 * The last read is not cut short, so a wait ends one answer of the store after its deadline at the latest.
 *
 * @throws the signal's reason when it aborts.
 * @throws {TypeError} when a time is not a finite number.
 */
export async function waitFor<T>(
  storage: NamespacedStorage,
  path: readonly string[],
  read: () => Promise<T | undefined>,
  options: WaitOptions,
): Promise<T | undefined> {
  const { timeoutMs, signal, pollMs = 1_000, keepAlive = true } = options;
  // A timer takes NaN for no time at all, and the loop below would never end.
  if (!Number.isFinite(timeoutMs)) throw new TypeError('timeoutMs must be a finite number');
  if (!(pollMs >= 1)) throw new TypeError('pollMs must be at least 1');
  signal?.throwIfAborted();
  const deadline = performance.now() + timeoutMs;
  let wake = new AbortController();
  // A store that cannot signal just now can still be read.
  const unlisten = await storage.listen(path, () => wake.abort()).catch(() => undefined);
  const onAbort = (): void => wake.abort();
  signal?.addEventListener('abort', onAbort, { once: true });
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
      await sleep(Math.min(left, pollMs), { signal: wake.signal, keepAlive });
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // What was found counts, whether or not the store takes note that nobody listens any more.
    await unlisten?.().catch(() => {});
  }
}

/** The present, in milliseconds since the epoch. Injected wherever time decides something. */
export type Clock = () => number;

export const systemClock: Clock = () => Date.now();

/** The largest delay a timer takes: a longer one would fire at once. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * Resolves after `delayMs`, or at once when the signal aborts. Never rejects.
 *
 * The timer does not keep the process alive by itself unless `keepAlive` is set.
 */
export function sleep(
  delayMs: number,
  options: { signal?: AbortSignal | undefined; keepAlive?: boolean } = {},
): Promise<void> {
  const { signal, keepAlive = true } = options;
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(Math.max(delayMs, 0), maxDelayMs));
    if (!keepAlive && typeof timer === 'object') timer.unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}

/**
 * A time to come, for a race: `passed` resolves then. Cancelled, it never does, and costs nothing more.
 *
 * The timer does not keep the process alive by itself unless `keepAlive` is set.
 */
export function timeLimit(
  delayMs: number,
  options: { keepAlive?: boolean | undefined } = {},
): { readonly passed: Promise<void>; readonly cancel: () => void } {
  const { keepAlive = true } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(Math.max(delayMs, 0), maxDelayMs));
    if (!keepAlive && typeof timer === 'object') timer.unref();
  });
  return { passed, cancel: () => clearTimeout(timer) };
}

import { sleep } from '../core/clock.ts';

/** The outcome of work that somebody else has written, or `late()` thrown when there is none in time. The work goes on. */
export async function within<T>(work: Promise<T>, timeoutMs: number, late: () => unknown): Promise<T> {
  const over = new AbortController();
  const timeout = sleep(timeoutMs, { signal: over.signal }).then((): never => {
    throw late();
  });
  // When the work is done, the sleep ends, too, and nobody looks at how.
  timeout.catch(() => {});
  try {
    return await Promise.race([work, timeout]);
  } finally {
    over.abort();
  }
}

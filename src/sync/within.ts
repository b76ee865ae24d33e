import { timeLimit } from '../core/clock.ts';

/** The outcome of work that somebody else has written, or `late()` thrown when there is none in time. The work goes on. */
export async function within<T>(work: Promise<T>, timeoutMs: number, late: () => unknown): Promise<T> {
  const limit = timeLimit(timeoutMs);
  const timeout = limit.passed.then((): never => {
    throw late();
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    limit.cancel();
  }
}

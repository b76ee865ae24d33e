import { sleep } from '../core/clock.ts';
import { PosternError } from '../core/postern-error.ts';

/**
 * The outcome of work that somebody else has written, or an error when there is none in time. The work goes on.
 *
 * @throws {PosternError} ERR_POSTERN_OAUTH_UNREACHABLE after `timeoutMs`.
 */
export async function within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  const over = new AbortController();
  const late = sleep(timeoutMs, { signal: over.signal }).then((): never => {
    throw new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', `${what} took over ${timeoutMs} ms`, {
      hint: 'Try again in a moment.',
    });
  });
  // When the work is done, the sleep ends, too, and nobody looks at how.
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

import type { PosternErrorOptions } from './postern-error.ts';

/** How long a server asks to be left alone, and until when. Empty where it does not say. */
export interface RetryAfter {
  readonly retryAfterMs?: number | undefined;
  readonly retryAtMs?: number | undefined;
}

/** Nobody is kept away longer, whatever a server says. */
const longestMs = 3_600_000;

/**
 * Reads the `Retry-After` of a response: seconds or a date, at most an hour; a date that has passed is no time at all, and
 * what is neither is left out.
 *
 * @see RFC 9110 §10.2.3
 */
export function readRetryAfter({ headers }: Response, nowMs: number): RetryAfter {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return {};
  const askedMs = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  if (Number.isNaN(askedMs)) return {};
  const retryAfterMs = Math.min(Math.max(askedMs, 0), longestMs);
  return { retryAfterMs, retryAtMs: nowMs + retryAfterMs };
}

/** What an error is made with whose other side asks to be left alone: it says until when. */
export function untilRetry(retryAtMs: number, options: PosternErrorOptions = {}): PosternErrorOptions {
  const hint = options.hint ?? `Nothing is tried again before ${describeTime(retryAtMs)}.`;
  return { ...options, hint, evidence: { ...options.evidence, retryAtMs } };
}

/** A time as people read it: to the second, in UTC. */
export function describeTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

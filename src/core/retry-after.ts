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

/** What the error of a decline is made with: nobody asks its person again before that, but on their own wish. */
export function untilAskedAgain(retryAtMs: number): PosternErrorOptions {
  return untilRetry(retryAtMs, {
    hint: `They are not asked again before ${describeTime(retryAtMs)}, unless they want that themselves.`,
  });
}

/** A time as people read it: to the second, in UTC. */
export function describeTime(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** How long it is until then, in words for a sentence: `in 40 seconds`. `undefined` when there is nothing to wait for. */
export function describeWait(untilMs: number | undefined, nowMs: number): string | undefined {
  if (untilMs === undefined || untilMs <= nowMs) return undefined;
  const seconds = Math.ceil((untilMs - nowMs) / 1_000);
  if (seconds < 90) return `in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `in ${minutes} minutes` : `in ${Math.ceil(minutes / 60)} hours`;
}

import { describe, expect, test } from 'vitest';
import { describeTime, readRetryAfter, untilRetry } from './retry-after.ts';

const nowMs = Date.UTC(2026, 10, 25, 12);
const read = (value: string): number | undefined =>
  readRetryAfter(new Response(null, { headers: { 'retry-after': value } }), nowMs).retryAfterMs;

describe('readRetryAfter', () => {
  test.each([
    ['seconds', '120', 120_000],
    ['seconds with space around', ' 7 ', 7_000],
    ['no time', '0', 0],
    ['a date', 'Wed, 25 Nov 2026 12:02:00 GMT', 120_000],
    ['a date that has passed', 'Wed, 21 Oct 2015 07:28:00 GMT', 0],
  ])('understands %s', (_, value, expected) => {
    expect(read(value)).toBe(expected);
  });

  test.each([
    ['more seconds than there are', '9'.repeat(400), 3_600_000],
    ['a day', '86400', 3_600_000],
    ['a date in another century', 'Fri, 01 Jan 2100 00:00:00 GMT', 3_600_000],
  ])('keeps nobody away for longer than an hour: %s', (_, value, expected) => {
    expect(read(value)).toBe(expected);
  });

  test.each(['', 'soon', '<script>', '1e9', '0x10', '12;q=1', 'NaN', 'Infinity', '-Infinity'])(
    'what is neither is as good as left out: %j',
    (value) => {
      expect(read(value) ?? 0).toBe(0);
    },
  );

  test('says until when, by the clock it is given', () => {
    const { retryAtMs } = readRetryAfter(new Response(null, { headers: { 'retry-after': '5' } }), nowMs);
    expect(retryAtMs).toBe(nowMs + 5_000);
    expect(describeTime(nowMs)).toBe('2026-11-25 12:00:00 UTC');
  });
});

test('an error says until when in its hint, where it has no better one, and in its evidence', () => {
  expect(untilRetry(nowMs, { evidence: { httpStatus: 429 } })).toEqual({
    hint: 'Nothing is tried again before 2026-11-25 12:00:00 UTC.',
    evidence: { httpStatus: 429, retryAtMs: nowMs },
  });
  expect(untilRetry(nowMs, { hint: 'Do it.' }).hint).toBe('Do it.');
});

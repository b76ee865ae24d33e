import { expect, test } from 'vitest';
import { reconnectionPace } from './stream-pace.ts';

/** How often a stream is taken up again in a time, where its server ends it at once each time. */
function countIn(ms: number, delayMs: number): number {
  let nowMs = 0;
  const pace = reconnectionPace(() => nowMs);
  let count = 0;
  for (nowMs += pace(delayMs); nowMs <= ms; nowMs += pace(delayMs)) {
    count++;
    // A server answers at once, but not in no time.
    nowMs += 1;
  }
  return count;
}

test('a stream is taken up again when its server asks for that', () => {
  expect([countIn(10_010, 2_000), countIn(2_010, 500)]).toEqual([5, 4]);
});

test('a server that has it taken up again at once, again and again, has that once a second', () => {
  const count = countIn(60_000, 0);
  expect(count).toBeGreaterThan(60);
  expect(count).toBeLessThan(80);
});

test('a server that never wants it taken up again has it taken up seldom, and not at once', () => {
  expect(countIn(10_000, 1e12)).toBe(0);
});

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reconnectAtPace } from './stream-pace.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How often a stream is taken up again in a time, where its server ends it at once each time. */
async function countIn(ms: number, delayMs: number): Promise<number> {
  const again = reconnectAtPace(() => performance.now());
  let count = 0;
  const reconnect = (): void => {
    count++;
    again(reconnect, delayMs);
  };
  again(reconnect, delayMs);
  await vi.advanceTimersByTimeAsync(ms);
  return count;
}

test('a stream is taken up again when its server asks for that', async () => {
  expect([await countIn(10_000, 2_000), await countIn(2_000, 500)]).toEqual([5, 4]);
});

test('a server that has it taken up again at once, again and again, has that once a second', async () => {
  const count = await countIn(60_000, 0);
  expect(count).toBeGreaterThan(60);
  expect(count).toBeLessThan(80);
});

test('a server that never wants it taken up again has it taken up seldom, and not at once', async () => {
  expect(await countIn(10_000, 1e12)).toBe(0);
});

test('what is no longer wanted does not happen', async () => {
  const reconnect = vi.fn();
  reconnectAtPace()(reconnect, 10)();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reconnect).not.toHaveBeenCalled();
});

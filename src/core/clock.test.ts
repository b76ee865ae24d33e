import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { sleep } from './clock.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function isOver(sleeping: Promise<void>): Promise<boolean> {
  return Promise.race([sleeping.then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
}

describe('sleep', () => {
  test('ends when its time is over, and not before', async () => {
    const sleeping = sleep(1_000);
    await vi.advanceTimersByTimeAsync(999);
    await expect(isOver(sleeping)).resolves.toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
  });

  test('lasts as long as a timer can, instead of no time, when asked for longer', async () => {
    const sleeping = sleep(99_999_999_999_000);
    await vi.advanceTimersByTimeAsync(24 * 60 * 60_000);
    await expect(isOver(sleeping)).resolves.toBe(false);
    await vi.advanceTimersByTimeAsync(2 ** 31);
    await sleeping;
  });

  test('ends at once when its signal aborts, without a rejection, and leaves neither timer nor listener', async () => {
    const aborting = new AbortController();
    const sleeping = sleep(60_000, { signal: aborting.signal });
    expect(vi.getTimerCount()).toBe(1);
    aborting.abort(new Error('enough'));
    await sleeping;
    expect(vi.getTimerCount()).toBe(0);
    await sleep(60_000, { signal: aborting.signal });
    expect(vi.getTimerCount()).toBe(0);
  });
});

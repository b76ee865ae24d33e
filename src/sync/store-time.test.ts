import { expect, test } from 'vitest';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { tryAcquireLease } from './lease.ts';
import { storeClock, storeTime } from './store-time.ts';

const hourMs = 3_600_000;
const noon = 1_800_000_000_000;

/** A store with a clock of its own, and how often it was asked for it. */
function storeWithClock(
  clock: () => number = () => noon,
): MemoryBackend & { now: () => Promise<number>; asked: number } {
  const store = Object.assign(new MemoryBackend({ clock }), {
    asked: 0,
    now: async (): Promise<number> => {
      store.asked++;
      return clock();
    },
  });
  return store;
}

test('a store without a clock goes by the clock of whoever asks', async () => {
  await expect(
    storeTime(Object.assign(new MemoryBackend(), { now: undefined }), () => noon + hourMs),
  ).resolves.toBe(noon + hourMs);
});

test('a clock that is right is used as it is', async () => {
  const store = storeWithClock();
  await expect(storeTime(store, () => noon)).resolves.toBe(noon);
  await expect(storeTime(store, () => noon + 200)).resolves.toBe(noon + 200);
  await expect(storeTime(store, () => noon - 200)).resolves.toBe(noon - 200);
});

test.each([hourMs, -hourMs, 24 * hourMs, 5_000, -5_000])(
  'a clock that is %d ms off is put right',
  async (offMs) => {
    await expect(storeTime(storeWithClock(), () => noon + offMs)).resolves.toBe(noon);
  },
);

test('the store is asked once, and again when the clock is set', async () => {
  const store = storeWithClock();
  const start = performance.now();
  let offMs = 0;
  const clock = (): number => noon + offMs + (performance.now() - start);
  await Promise.all([storeTime(store, clock), storeTime(store, clock)]);
  await storeTime(store, clock);
  expect(store.asked).toBe(1);
  offMs = -hourMs;
  expect(Math.abs((await storeTime(store, clock)) - noon)).toBeLessThan(1_000);
  expect(store.asked).toBe(2);
});

test('what cannot wait goes by the last look at the store’s clock, and never by one that failed', async () => {
  const store = storeWithClock();
  const own = (): number => noon + hourMs;
  const clock = storeClock(store, own);
  expect(clock()).toBe(noon + hourMs);
  await storeTime(store, own);
  expect(clock()).toBe(noon);
  const withoutTime = Object.assign(new MemoryBackend(), { now: undefined });
  expect(storeClock(withoutTime, own)()).toBe(noon + hourMs);
});

test('a failure of the store is not remembered', async () => {
  const store = storeWithClock();
  const clock = (): number => noon + hourMs;
  const now = store.now.bind(store);
  store.now = async () => {
    throw new Error('unavailable');
  };
  await expect(storeTime(store, clock)).rejects.toThrow('unavailable');
  store.now = now;
  await expect(storeTime(store, clock)).resolves.toBe(noon);
});

test('the lease of a process whose clock is an hour slow keeps others out, and that of a fast one ends in its time', async () => {
  let time = noon;
  const store = storeWithClock(() => time);
  const storage = new NamespacedStorage(store, ['alice']);
  const take = (offMs: number): Promise<unknown> =>
    tryAcquireLease(storage, ['job'], { leaseMs: 1_000, clock: () => time + offMs });
  await expect(take(-hourMs)).resolves.toBeDefined();
  await expect(take(0)).resolves.toBeUndefined();
  time += 1_000;
  await expect(take(hourMs)).resolves.toBeDefined();
  time += 1_000;
  await expect(take(0)).resolves.toBeDefined();
});

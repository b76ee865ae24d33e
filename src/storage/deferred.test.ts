import { expect, test } from 'vitest';
import type { StorageBackend } from './contract.ts';
import { deferred } from './deferred.ts';
import { MemoryBackend } from './memory-backend.ts';

const value = Uint8Array.of(1);

/** A store that is opened late, and how often that was tried. */
function late(open: (tries: number) => StorageBackend): { store: StorageBackend; tries: () => number } {
  let tries = 0;
  const store = deferred(new MemoryBackend().capabilities, async () => open(++tries));
  return { store, tries: () => tries };
}

test('a deferred store is opened once, when it is first needed', async () => {
  const memory = new MemoryBackend();
  const { store, tries } = late(() => memory);
  expect(tries()).toBe(0);
  await Promise.all([store.commit([{ put: ['a', 'b'], value }]), store.get(['a', 'b'])]);
  expect([tries(), (await store.list(['a'])).length, (await memory.get(['a', 'b']))?.value]).toEqual([
    1,
    1,
    value,
  ]);
});

test('one that nobody needed is closed without being opened', async () => {
  const { store, tries } = late(() => new MemoryBackend());
  await store.close();
  expect(tries()).toBe(0);
});

test('one that could not be opened is tried again by the next call', async () => {
  const memory = new MemoryBackend();
  const { store } = late((tries) => {
    if (tries === 1) throw new RangeError('not yet');
    return memory;
  });
  await expect(store.get(['a', 'b'])).rejects.toThrow('not yet');
  expect(await store.get(['a', 'b'])).toBeUndefined();
});

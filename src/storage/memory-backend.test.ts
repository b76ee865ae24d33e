import { describe, expect, test } from 'vitest';
import { MemoryBackend } from './memory-backend.ts';
import { SortedRecords } from './sorted-records.ts';

const value = Uint8Array.of(1);

describe('MemoryBackend', () => {
  test('an entry ends at the very millisecond of its expiry', async () => {
    let nowMs = 1_000;
    const store = new MemoryBackend({ clock: () => nowMs });
    await store.commit([{ put: ['p', 'a'], value, expiresAtMs: 2_000 }]);
    nowMs = 1_999;
    expect(await store.get(['p', 'a'])).toBeDefined();
    nowMs = 2_000;
    expect(await store.get(['p', 'a'])).toBeUndefined();
  });

  test('a fraction of a millisecond is rounded up', async () => {
    const store = new MemoryBackend({ clock: () => 0 });
    await store.commit([{ put: ['p', 'a'], value, expiresAtMs: 1.25 }]);
    expect((await store.get(['p', 'a']))?.expiresAtMs).toBe(2);
  });

  test('100,000 expired entries are dropped while others are written', async () => {
    let nowMs = 0;
    const store = new MemoryBackend({ clock: () => nowMs });
    for (let index = 0; index < 100_000; index++) {
      await store.commit([{ put: [`p${index % 1_000}`, `${index}`], value, expiresAtMs: 1_000 }]);
    }
    nowMs = 2_000;
    await store.commit([{ put: ['live', 'a'], value }]);
    for (let index = 0; index < 30_000; index++) await store.commit([{ put: ['other', 'b'], value }]);
    nowMs = 0;
    // By the earlier clock they would be alive again, had they not been dropped.
    for (let partition = 0; partition < 1_000; partition++) {
      expect(await store.list([`p${partition}`])).toEqual([]);
    }
    expect(await store.get(['live', 'a'])).toBeDefined();
  });

  test('a wake that is due is not delivered to a listener removed meanwhile', async () => {
    const store = new MemoryBackend();
    let calls = 0;
    const unlisten = await store.listen('c', () => calls++);
    const signalled = store.signal('c');
    void unlisten();
    await signalled;
    await Promise.resolve();
    expect(calls).toBe(0);
  });
});

describe('SortedRecords', () => {
  test('records stay in order and unique through 20,000 changes in any order', () => {
    const records = new SortedRecords<{ path: string; turn: number }>();
    const model = new Map<string, number>();
    const found: (number | undefined)[] = [];
    const wanted: (number | undefined)[] = [];
    for (let turn = 0; turn < 20_000; turn++) {
      const path = String((turn * 7_919) % 5_003);
      if (turn % 3 === 2) {
        records.delete(path);
        model.delete(path);
      } else {
        records.set({ path, turn });
        model.set(path, turn);
      }
      found.push(records.find(path)?.turn);
      wanted.push(model.get(path));
    }
    expect(found).toEqual(wanted);
    const expected = [...model].toSorted(([a], [b]) => (a < b ? -1 : 1));
    expect([...records.after('')].map(({ path, turn }) => [path, turn])).toEqual(expected);
    const after = [...records.after('3')].map(({ path }) => path);
    expect(after).toEqual(expected.map(([path]) => path).filter((path) => path > '3'));
    for (const [path] of expected) records.delete(path);
    expect(records.isEmpty).toBe(true);
  });
});

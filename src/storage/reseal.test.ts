import { expect, test } from 'vitest';
import type { Change } from './contract.ts';
import { countByKey } from './count-by-key.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';
import { reseal } from './reseal.ts';

const k1 = { id: 'k1', key: new Uint8Array(32).fill(1) };
const k2 = { id: 'k2', key: new Uint8Array(32).fill(2) };
const lost = { id: 'lost', key: new Uint8Array(32).fill(3) };
const both = createKeyring([k2, k1]);

test('what an old key has sealed is sealed with the newest, to the byte and as long-lived, until nothing needs the old one', async () => {
  const raw = new MemoryBackend();
  const dayMs = 24 * 60 * 60_000;
  const expiresAtMs = Date.now() + 30 * dayMs;
  const records = Array.from({ length: 250 }, (_, index): Change => ({
    put: ['alice', `r${index}`],
    value: Uint8Array.of(index),
    expiresAtMs,
  }));
  await encrypted(raw, createKeyring([k1])).commit(records);
  await encrypted(raw, both).commit([{ put: ['alice', 'new'], value: Uint8Array.of(1) }]);
  expect(await reseal(raw, both, ['alice'])).toMatchObject({
    resealed: 250,
    ending: 0,
    changed: 0,
    unreadable: 0,
  });
  expect(Object.fromEntries((await countByKey(raw, ['alice'])).records)).toEqual({ k2: 251 });
  const entry = await encrypted(raw, createKeyring([k2])).get(['alice', 'r249']);
  expect([entry?.value, entry?.expiresAtMs]).toEqual([Uint8Array.of(249), expiresAtMs]);
  // Begun anew, it finds nothing to do, and changes no version.
  const { version } = (await raw.get(['alice', 'r7']))!;
  expect((await reseal(raw, both, ['alice'])).resealed).toBe(0);
  expect((await raw.get(['alice', 'r7']))?.version).toBe(version);
});

test('what ends soon, such as a lease, is left alone: whoever holds it goes by its version', async () => {
  const raw = new MemoryBackend();
  const lease = {
    put: ['alice', 'lease'] as const,
    value: Uint8Array.of(1),
    expiresAtMs: Date.now() + 30_000,
  };
  const [version] = (await encrypted(raw, createKeyring([k1])).commit([lease]))!;
  expect(await reseal(raw, both, ['alice'])).toMatchObject({
    resealed: 0,
    ending: 1,
    changed: 0,
    unreadable: 0,
  });
  expect((await raw.get(lease.put))?.version).toBe(version);
});

test('what somebody else changes meanwhile stays as they wrote it, and what no key of the ring opens is left and counted', async () => {
  const raw = new MemoryBackend();
  const old = encrypted(raw, createKeyring([k1]));
  await old.commit([{ put: ['alice', 'a'], value: Uint8Array.of(1) }]);
  await encrypted(raw, createKeyring([lost])).commit([{ put: ['alice', 'b'], value: Uint8Array.of(2) }]);
  const racing = new Proxy(raw, {
    get(target, name) {
      if (name !== 'commit') {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return async (changes: readonly Change[]) => {
        await old.commit([{ put: ['alice', 'a'], value: Uint8Array.of(9) }]);
        return raw.commit(changes);
      };
    },
  });
  expect(await reseal(racing, both, ['alice'])).toMatchObject({
    resealed: 0,
    ending: 0,
    changed: 1,
    unreadable: 1,
  });
  expect((await old.get(['alice', 'a']))?.value).toEqual(Uint8Array.of(9));
});

test('a server, its people and everything else are sealed anew without a list of them', async () => {
  const raw = new MemoryBackend();
  const people = Array.from({ length: 1_100 }, (_, index) => `user:https://id.example sub:${index}`);
  const old = encrypted(raw, createKeyring([k1]));
  for (const partition of ['app', 'resume', ...people]) {
    await old.commit([{ put: [partition, 'credential'], value: Uint8Array.of(1) }]);
  }
  expect(await countByKey(raw)).toMatchObject({ records: new Map([['k1', 1_102]]), partitions: 1_102 });
  expect(await reseal(raw, both)).toMatchObject({ resealed: 1_102, partitions: 1_102, empty: 0 });
  expect(await countByKey(raw)).toMatchObject({ records: new Map([['k2', 1_102]]) });
});

test('a partition that was named and holds nothing is said, and not counted as done', async () => {
  const raw = new MemoryBackend();
  await encrypted(raw, createKeyring([k1])).commit([{ put: ['user:alice', 'a'], value: Uint8Array.of(1) }]);
  const named = ['client:alice', 'app', 'user:alice'];
  expect(await countByKey(raw, named)).toMatchObject({ partitions: 3, empty: 2 });
  expect(await reseal(raw, both, named)).toMatchObject({ resealed: 1, partitions: 3, empty: 2 });
});

test('a store that opens what it reads, or cannot tell its partitions, is refused instead of found clean', async () => {
  const raw = new MemoryBackend();
  await expect(reseal(encrypted(raw, both), both)).rejects.toThrow(TypeError);
  await expect(countByKey(encrypted(raw, both))).rejects.toThrow(TypeError);
  const mute = Object.assign(new MemoryBackend(), { partitions: undefined });
  await expect(reseal(mute, both)).rejects.toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
});

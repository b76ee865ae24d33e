import { expect, test } from 'vitest';
import { checkStorage } from './check-storage.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';
import { reseal } from './reseal.ts';

const k1 = { id: 'k1', key: new Uint8Array(32).fill(1) };
const k2 = { id: 'k2', key: new Uint8Array(32).fill(2) };
const unavailable = { code: 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE', sealedWith: 'k1' };

test('a process whose ring lacks a key that has sealed does not count as healthy, and the key is named', async () => {
  const raw = new MemoryBackend();
  await checkStorage(raw, createKeyring([k1]));
  await checkStorage(raw, createKeyring([k2, k1]));
  await expect(checkStorage(raw, createKeyring([k2]))).rejects.toMatchObject(unavailable);
  await expect(checkStorage(raw, createKeyring([k2]), { lost: ['k1'] })).resolves.toBeUndefined();
});

test('a key that nothing is sealed with any more is not asked for', async () => {
  const raw = new MemoryBackend();
  await checkStorage(raw, createKeyring([k1]));
  await reseal(raw, createKeyring([k2, k1]));
  await expect(checkStorage(raw, createKeyring([k2]))).resolves.toBeUndefined();
});

test('it writes once a day, and forgets a key 30 days after it was in front', async () => {
  let nowMs = 1_800_000_000_000;
  const raw = new MemoryBackend({ clock: () => nowMs });
  const version = async () =>
    (await encrypted(raw, createKeyring([k1])).get(['app', 'sealed-with', 'k1']))?.version;
  await checkStorage(raw, createKeyring([k1]));
  const first = await version();
  nowMs += 20 * 60 * 60_000;
  await checkStorage(raw, createKeyring([k1]));
  expect(await version()).toBe(first);
  nowMs += 5 * 60 * 60_000;
  await checkStorage(raw, createKeyring([k1]));
  expect(await version()).not.toBe(first);
  nowMs += 31 * 24 * 60 * 60_000;
  await expect(checkStorage(raw, createKeyring([k2]))).resolves.toBeUndefined();
});

test('a store that does not answer is not healthy', async () => {
  const raw = new MemoryBackend();
  await raw.close();
  await expect(checkStorage(raw, createKeyring([k1]))).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
  });
});

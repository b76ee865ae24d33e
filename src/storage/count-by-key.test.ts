import { expect, test } from 'vitest';
import type { Change } from './contract.ts';
import { countByKey, notSealed } from './count-by-key.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';

const k1 = { id: 'k1', key: new Uint8Array(32).fill(1) };
const k2 = { id: 'k2', key: new Uint8Array(32).fill(2) };

test('records are counted by the key that sealed them, without any key, on every page of every partition', async () => {
  const raw = new MemoryBackend();
  const value = new Uint8Array(3);
  const records = (partition: string, count: number): Change[] =>
    Array.from({ length: count }, (_, index) => ({ put: [partition, `r${index}`], value }));
  await encrypted(raw, createKeyring([k1])).commit(records('alice', 501));
  await encrypted(raw, createKeyring([k2, k1])).commit([{ put: ['alice', 'r0'], value }]);
  await encrypted(raw, createKeyring([k2])).commit(records('bob', 2));
  await raw.commit([{ put: ['bob', 'plain'], value }]);
  await encrypted(raw, createKeyring([k1])).commit(records('carol', 9));
  expect(Object.fromEntries((await countByKey(raw, ['alice', 'bob'])).records)).toEqual({
    k1: 500,
    k2: 3,
    [notSealed]: 1,
  });
});

test('a process that does not seal with the new key yet opens what others have sealed, once it has it behind its own', async () => {
  const raw = new MemoryBackend();
  const first = encrypted(raw, createKeyring([k1, k2]));
  const second = encrypted(raw, createKeyring([k2, k1]));
  const value = Uint8Array.of(7);
  await second.commit([{ put: ['p', 'new'], value }]);
  await first.commit([{ put: ['p', 'old'], value }]);
  expect([(await first.get(['p', 'new']))?.value, (await second.get(['p', 'old']))?.value]).toEqual([
    value,
    value,
  ]);
  // What the old advice did: a new key in front, in one process after the other.
  const behind = encrypted(raw, createKeyring([k1]));
  await expect(behind.get(['p', 'new'])).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
  });
});

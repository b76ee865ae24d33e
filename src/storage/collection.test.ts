import { expect, test } from 'vitest';
import * as z from 'zod';
import { Collection } from './collection.ts';
import { encrypted } from './encrypted.ts';
import { createKeyring } from './keyring.ts';
import { MemoryBackend } from './memory-backend.ts';
import { NamespacedStorage } from './namespaced-storage.ts';
import { logUnreadable, type OnUnreadable } from './unreadable.ts';

const [old, next] = [
  { id: 'old', key: new Uint8Array(32).fill(1) },
  { id: 'next', key: new Uint8Array(32).fill(2) },
];
const record = z.looseObject({ name: z.string() });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Records `a` and `z`, and between them one that was sealed with a key that is gone, one that is no JSON, … */
async function spoilt(onUnreadable?: OnUnreadable): Promise<{ names: Collection<{ name: string }> }> {
  const raw = new MemoryBackend();
  const open = (keys: (typeof old)[]): Collection<{ name: string }> =>
    new Collection(
      new NamespacedStorage(encrypted(raw, createKeyring(keys)), ['alice', 'name']),
      record,
      onUnreadable,
    );
  await open([old]).put(['sealed with a lost key'], { name: 'CNRY_lost' });
  const names = open([next]);
  await names.put(['a'], { name: 'first' });
  await names.put(['z'], { name: 'last' });
  await names.storage.commit([
    { put: names.storage.key(['no JSON']), value: bytes('{"name":"CNRY_') },
    { put: names.storage.key(['of another shape']), value: bytes('{"name":7,"x":"CNRY_"}') },
    { put: names.storage.key(['no UTF-8']), value: Uint8Array.of(0xff) },
  ]);
  await raw.commit([{ put: ['alice', 'name', 'badly sealed'], value: bytes('CNRY_plain') }]);
  return { names };
}

const broken = ['badly sealed', 'no JSON', 'no UTF-8', 'of another shape', 'sealed with a lost key'];

test('a record that cannot be read is left out of a list, and told of with its key and the reason', async () => {
  const told: string[] = [];
  const { names } = await spoilt(({ key, error }) => void told.push(`${key.at(-1)} ${error.code}`));
  expect((await names.list()).map(({ value }) => value.name)).toEqual(['first', 'last']);
  expect(told).toEqual([
    'badly sealed ERR_POSTERN_STORAGE_TAMPERED',
    'no JSON ERR_POSTERN_STORAGE_CORRUPT',
    'no UTF-8 ERR_POSTERN_STORAGE_CORRUPT',
    'of another shape ERR_POSTERN_STORAGE_CORRUPT',
    'sealed with a lost key ERR_POSTERN_STORAGE_KEY_UNAVAILABLE',
  ]);
});

test('whoever asks for it by name is told that it cannot be read', async () => {
  const { names } = await spoilt();
  for (const name of broken) await expect(names.find(name)).rejects.toThrow(/seal|shape|open/u);
});

test('it can be cleared away', async () => {
  const { names } = await spoilt();
  await expect(names.storage.clear()).resolves.toBe(7);
  await expect(names.storage.list()).resolves.toEqual([]);
});

test('pages that hold nothing else hide nothing behind them', async () => {
  const { names } = await spoilt();
  for (let index = 0; index < 250; index++) {
    await names.storage.commit([{ put: names.storage.key([`b${index}`]), value: bytes('{') }]);
  }
  const found: string[] = [];
  for await (const { value } of names.all()) found.push(value.name);
  expect(found).toEqual(['first', 'last']);
});

test('a log is told of each once, and again when it has changed; never of its content', async () => {
  const lines: string[] = [];
  const error = (message: string, fields: object = {}): void =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const nothing = (): void => {};
  const { names } = await spoilt(logUnreadable({ debug: nothing, info: nothing, warn: nothing, error }));
  for (let lists = 0; lists < 3; lists++) await names.list();
  expect(lines).toHaveLength(5);
  expect(lines.join()).toContain('alice:name:no%20JSON');
  expect(lines.join()).not.toContain('CNRY');
  await names.storage.commit([{ put: names.storage.key(['no JSON']), value: bytes('still none') }]);
  await names.list();
  expect(lines).toHaveLength(6);
});

test('a keyring that does not answer fails the list, since it says nothing about the records', async () => {
  const raw = new MemoryBackend();
  const storage = new NamespacedStorage(encrypted(raw, createKeyring([old])), ['alice']);
  await new Collection(storage, record).put(['a'], { name: 'first' });
  const silent = encrypted(raw, {
    current: () => Promise.reject(new Error('down')),
    find: () => Promise.reject(new Error('down')),
  });
  await expect(new Collection(new NamespacedStorage(silent, ['alice']), record).list()).rejects.toMatchObject(
    {
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    },
  );
});

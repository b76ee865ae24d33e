import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findPosternError, type PosternError } from '../../src/core/postern-error.ts';
import { generateKeyText, keyringFromText } from '../../src/storage/keyring.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { openStorageUrl } from './open-storage.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

const keyring = keyringFromText(generateKeyText());
const key = ['client:alice', 'grant'] as const;
const value = new TextEncoder().encode('a token');

async function failureOf(work: Promise<unknown>): Promise<PosternError> {
  const error = findPosternError(
    await work.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  );
  if (error === undefined) throw new Error('it did not fail with a PosternError');
  return error;
}

async function directory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'postern-open-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

test('memory needs no keyring', async () => {
  const storage = await openStorageUrl('memory:');
  await storage.commit([{ put: key, value }]);
  expect((await storage.get(key))?.value).toEqual(value);
  expect(storage.capabilities.atRest).toBe('memory');
});

test('what is put into an opened file is sealed in it', async () => {
  const path = join(await directory(), 'a store.db');
  const storage = await openStorageUrl(`sqlite:${path}`, { keyring });
  await storage.commit([{ put: key, value }]);
  expect((await storage.get(key))?.value).toEqual(value);
  expect(storage.capabilities.atRest).toBe('sealed');
  await storage.close();
  const plain = openSqlite(path);
  onTestFinished(() => plain.close());
  expect(Buffer.from((await plain.get(key))!.value).includes('a token')).toBe(false);
});

test('sqlite:// and sqlite: name the same file', async () => {
  const path = join(await directory(), 'store.db');
  const one = await openStorageUrl(`sqlite://${path}`, { keyring });
  onTestFinished(() => one.close());
  await one.commit([{ put: key, value }]);
  const other = await openStorageUrl(`sqlite:${path}`, { keyring });
  onTestFinished(() => other.close());
  expect((await other.get(key))?.value).toEqual(value);
});

test.each([
  'sqlite:store.db',
  'redis://127.0.0.1',
  'postgres://127.0.0.1/test',
  'dynamodb:postern?region=local',
])('%s is not opened without a keyring', async (url) => {
  const error = await failureOf(openStorageUrl(url));
  expect(error.code).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
  expect(error.hint).toContain('keys');
});

test.each(['', 'store.db', 'mysql://127.0.0.1', 'sqlite:', 'dynamodb:', 'dynamodb:postern?endpoint=nowhere'])(
  'the URL %j names no store',
  async (url) => {
    const error = await failureOf(openStorageUrl(url, { keyring }));
    expect(error.code).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
    expect(error.hint).toMatch(/^Give /u);
  },
);

test.each([
  ['redis', 'Redis'],
  ['postgres', 'PostgreSQL'],
])('a %s server that is not there is named without its password', async (scheme, name) => {
  const host = `127.0.0.1:${await findFreePort()}`;
  const error = await failureOf(
    openStorageUrl(`${scheme}://alice:sesame@${host}/0`, { keyring, timeoutMs: 2_000 }),
  );
  expect(error.code).toBe('ERR_POSTERN_STORAGE_UNAVAILABLE');
  expect(`${error.message} ${error.hint}`).not.toContain('sesame');
  expect(`${error.message} ${error.hint}`).toContain(name);
});

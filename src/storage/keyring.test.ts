import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeBase64Url } from '../core/base64url.ts';
import { isPosternError } from '../core/postern-error.ts';
import { openKeyringFile } from './keyring-file.ts';
import {
  createKeyring,
  generateKeyText,
  keyringFromEnv,
  keyringFromFunction,
  keyringFromText,
} from './keyring.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-keyring-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const bytes = new Uint8Array(32).fill(7);
const text = encodeBase64Url(bytes);
const invalid = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_KEYRING_INVALID' });

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('createKeyring', () => {
  test('the first key is the current one, and all are found', async () => {
    const keyring = createKeyring([
      { id: 'k2', key: text },
      { id: 'k1', key: bytes },
    ]);
    expect((await keyring.current()).id).toBe('k2');
    expect((await keyring.find('k1'))?.id).toBe('k1');
    expect(await keyring.find('k3')).toBeUndefined();
    expect(await keyring.find('__proto__')).toBeUndefined();
  });

  test('a key is imported once, and is not shown', async () => {
    const keyring = createKeyring([{ id: 'k1', key: bytes }]);
    const { key } = await keyring.current();
    expect((await keyring.find('k1'))?.key).toBe(key);
    expect(inspect(keyring, { depth: 9, showHidden: true })).not.toContain('7, 7');
    expect(JSON.stringify(await keyring.current())).not.toContain(text);
  });

  test.each([
    ['no key', []],
    ['an empty id', [{ id: '', key: bytes }]],
    ['an id of 65 characters', [{ id: 'k'.repeat(65), key: bytes }]],
    ['an id with a space', [{ id: 'k 1', key: bytes }]],
    [
      'an id twice',
      [
        { id: 'k1', key: bytes },
        { id: 'k1', key: bytes },
      ],
    ],
    ['31 bytes', [{ id: 'k1', key: bytes.subarray(1) }]],
    ['33 bytes', [{ id: 'k1', key: new Uint8Array(33) }]],
    ['no bytes', [{ id: 'k1', key: '' }]],
    ['standard base64', [{ id: 'k1', key: btoa('\xFF'.repeat(32)) }]],
    ['a password', [{ id: 'k1', key: 'correct horse battery staple' }]],
  ])('%s is refused', (_, keys) => {
    expect(thrownBy(() => createKeyring(keys))).toEqual(invalid);
  });
});

describe('keyringFromText', () => {
  test('keys stand between commas or on lines, newest first', async () => {
    const keyring = keyringFromText(` k3:${text},k2:${text}\n k1:${text} \n`);
    expect((await keyring.current()).id).toBe('k3');
    expect(await keyring.find('k2')).toBeDefined();
    expect(await keyring.find('k1')).toBeDefined();
  });

  test.each([
    '',
    ' , ',
    text,
    `:${text}`,
    `${text}:k1`,
    `k1:${text}x`,
    `k1=${text}`,
    `k1:${text},${text}:k2`,
    `k1:${text},k1:${text}`,
  ])('malformed text %# is refused without being quoted', (malformed) => {
    const error = thrownBy(() => keyringFromText(malformed));
    expect(error).toEqual(invalid);
    expect(inspect(error)).not.toContain(text.slice(0, 12));
  });

  test('a generated key is accepted, and no two are alike', async () => {
    const [a, b] = [generateKeyText(), generateKeyText()];
    expect(a).not.toBe(b);
    expect((await keyringFromText(`${a},${b}`).current()).id).toBe(a.split(':')[0]);
  });
});

describe('keyringFromEnv', () => {
  test('reads the variable it is told to', async () => {
    expect((await keyringFromEnv({ POSTERN_KEYS: `k1:${text}` }).current()).id).toBe('k1');
    expect((await keyringFromEnv({ OTHER: `k2:${text}` }, 'OTHER').current()).id).toBe('k2');
  });

  test('names the variable that is missing', () => {
    const error = thrownBy(() => keyringFromEnv({}));
    expect(error).toEqual(invalid);
    expect(isPosternError(error) && error.message).toContain('POSTERN_KEYS');
    expect(thrownBy(() => keyringFromEnv({ POSTERN_KEYS: ' ' }))).toEqual(invalid);
  });
});

describe('keyringFromFunction', () => {
  test('many who need one key at once ask once', async () => {
    const asked: (string | undefined)[] = [];
    const keyring = keyringFromFunction(async (id) => {
      asked.push(id);
      return { id: id ?? 'k2', key: bytes };
    });
    await Promise.all(Array.from({ length: 50 }, async () => keyring.find('k1')));
    await Promise.all(Array.from({ length: 50 }, async () => keyring.current()));
    await keyring.find('k2');
    expect(asked).toEqual(['k1', undefined]);
  });

  test('the newest key is asked for again when its time is over', async () => {
    let nowMs = 0;
    let newest = 'k1';
    const keyring = keyringFromFunction(async (id) => ({ id: id ?? newest, key: bytes }), {
      currentMs: 1_000,
      clock: () => nowMs,
    });
    expect((await keyring.current()).id).toBe('k1');
    newest = 'k2';
    nowMs = 999;
    expect((await keyring.current()).id).toBe('k1');
    nowMs = 1_000;
    expect((await keyring.current()).id).toBe('k2');
  });

  test('a failure is not remembered', async () => {
    let isDown = true;
    const keyring = keyringFromFunction(async () => {
      if (isDown) throw new Error('down');
      return { id: 'k1', key: bytes };
    });
    await expect(keyring.find('k1')).rejects.toThrow('down');
    isDown = false;
    expect((await keyring.find('k1'))?.id).toBe('k1');
  });

  test('another key than the one asked for is refused', async () => {
    const keyring = keyringFromFunction(async () => ({ id: 'k9', key: bytes }));
    await expect(keyring.find('k1')).rejects.toEqual(invalid);
  });
});

describe('openKeyringFile', () => {
  test('a missing file is created for its owner only, and holds the same key ever after', async () => {
    const path = join(directory, 'fresh.keys');
    const first = await openKeyringFile(path).current();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect((await openKeyringFile(path).current()).id).toBe(first.id);
    expect(readdirSync(directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.each([0o644, 0o640, 0o604, 0o660, 0o601])('a file of mode %o is refused, and not changed', (mode) => {
    const path = join(directory, `open-${mode}.keys`);
    writeFileSync(path, `k1:${text}\n`);
    chmodSync(path, mode);
    expect(thrownBy(() => openKeyringFile(path))).toEqual(invalid);
    expect(readFileSync(path, 'utf8')).toBe(`k1:${text}\n`);
  });

  test('an empty or damaged file is refused, never replaced', () => {
    const path = join(directory, 'damaged.keys');
    writeFileSync(path, '', { mode: 0o600 });
    expect(thrownBy(() => openKeyringFile(path))).toEqual(invalid);
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  test('a missing file is refused when it must not be created', () => {
    const path = join(directory, 'missing.keys');
    expect(thrownBy(() => openKeyringFile(path, { create: false }))).toEqual(invalid);
    expect(readdirSync(directory)).not.toContain('missing.keys');
  });

  test('a missing directory, and a directory in its place, are unavailable', () => {
    const unavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    expect(thrownBy(() => openKeyringFile(join(directory, 'none', 'a.keys')))).toEqual(unavailable);
    expect(thrownBy(() => openKeyringFile(directory))).toEqual(unavailable);
  });
});

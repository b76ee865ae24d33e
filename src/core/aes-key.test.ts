import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { aesKey } from './aes-key.ts';
import { nativeCrypto } from './native-crypto.ts';

const bytes = new Uint8Array(32).fill(7);
const nonce = new Uint8Array(12).fill(1);
const associated = new TextEncoder().encode('where it lies');
const plaintext = new TextEncoder().encode('a secret');

const native = aesKey(bytes);
const web = aesKey(bytes, null);

describe('a key for AES-256-GCM', () => {
  test('is the same with the cryptography of Node and of the web: each opens what the other has sealed', async () => {
    const [sealed, sealedByWeb] = [
      await native.encrypt(nonce, plaintext, associated),
      await web.encrypt(nonce, plaintext, associated),
    ];
    expect(sealed).toEqual(sealedByWeb);
    expect(await native.decrypt(nonce, sealedByWeb, associated)).toEqual(plaintext);
    expect(await web.decrypt(nonce, sealed, associated)).toEqual(plaintext);
  });

  test.each([
    ['Node', native],
    ['the web', web],
  ])('opens nothing that was changed, cut short or bound to another place, with %s', async (_name, key) => {
    const sealed = await key.encrypt(nonce, plaintext, associated);
    const changed = sealed.slice();
    changed[0]! ^= 1;
    const open = async (...parts: Parameters<typeof key.decrypt>): Promise<Uint8Array> =>
      key.decrypt(...parts);
    await expect(open(nonce, changed, associated)).rejects.toThrow(/./u);
    await expect(open(nonce, sealed.slice(0, -1), associated)).rejects.toThrow(/./u);
    await expect(open(nonce, sealed.slice(0, 4), associated)).rejects.toThrow(/./u);
    await expect(open(nonce, sealed, new TextEncoder().encode('elsewhere'))).rejects.toThrow(/./u);
  });

  test('takes a copy of its bytes, and shows none of them', async () => {
    const own = bytes.slice();
    const key = aesKey(own);
    own.fill(0);
    expect(await key.encrypt(nonce, plaintext, associated)).toEqual(
      await native.encrypt(nonce, plaintext, associated),
    );
    expect(inspect(key, { depth: 9, showHidden: true })).not.toMatch(/7, 7|0707/u);
    expect(JSON.stringify(key)).toBe('{}');
  });

  test('comes from Node where there is Node', () => {
    expect(nativeCrypto()).not.toBeNull();
  });
});

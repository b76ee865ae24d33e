import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeBase64Url, encodeBase64Url } from './base64url.ts';

describe('base64url', () => {
  test('gives back every byte, and agrees with Node', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const text = encodeBase64Url(bytes);
        expect(text).toBe(Buffer.from(bytes).toString('base64url'));
        expect(decodeBase64Url(text)).toEqual(bytes);
      }),
    );
  });

  test.each(['a+b/', 'ab==', 'a b', 'ä', 'a', '\u0000'])('refuses %j', (text) => {
    expect(() => decodeBase64Url(text)).toThrow(/base64url|correctly encoded/u);
  });
});

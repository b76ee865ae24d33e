import { describe, expect, test } from 'vitest';
import { hashId, randomId } from './random.ts';

describe('randomId', () => {
  test('has 192 random bits, in 32 letters that are safe in a URL', () => {
    const ids = Array.from({ length: 10_000 }, () => randomId());
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[\w-]{32}$/u.test(id))).toEqual([]);
  });

  test('asks its source for 24 bytes and uses them all', () => {
    const asked: number[] = [];
    const id = randomId((length) => {
      asked.push(length);
      return new Uint8Array(length).fill(255);
    });
    expect(asked).toEqual([24]);
    expect(id).toBe('_'.repeat(32));
  });
});

describe('hashId', () => {
  test('is SHA-256 as base64url without padding', async () => {
    await expect(hashId('abc')).resolves.toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
  });
});

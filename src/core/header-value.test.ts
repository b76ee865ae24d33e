import { describe, expect, test } from 'vitest';
import { isHeaderValue } from './header-value.ts';

describe('what a header can carry', () => {
  test.each([
    ['nothing', ''],
    ['all of ASCII that prints', '!"#$%&\'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~ '],
    ['Latin-1', 'ÿé\u0080'],
    ['a tab inside', 'a\tb'],
    ['16,000 characters', 'x'.repeat(16_000)],
  ])('is %s', (_what, text) => {
    expect(isHeaderValue(text)).toBe(true);
    expect(new Headers({ x: `a${text}a` }).get('x')).toBe(`a${text}a`);
  });

  test.each([
    ['a NUL', '\u0000'],
    ['a line feed', '\n'],
    ['a carriage return', '\r'],
    ['an escape', '\u001B'],
    ['a DEL', '\u007F'],
    ['a sign beyond Latin-1', '€'],
    ['an emoji', '😀'],
    ['half a surrogate pair', '\uD83D'],
  ])('is not %s, wherever it stands', (_what, text) => {
    expect([text, `a${text}`, `${text}a`].map(isHeaderValue)).toEqual([false, false, false]);
  });

  test('is nothing that is longer', () => {
    expect(isHeaderValue('x'.repeat(16_001))).toBe(false);
  });
});

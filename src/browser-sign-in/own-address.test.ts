import { expect, test } from 'vitest';
import { ownAddress } from './own-address.ts';

test.each([
  ['/a?b=c#d', 'https://app.example/a?b=c#d'],
  ['a', 'https://app.example/a'],
  ['https://app.example/a', 'https://app.example/a'],
  ['https://me:secret@app.example/a', 'https://app.example/a'],
  ['https://app.example//evil.example/x', 'https://app.example//evil.example/x'],
  ['https://app.example:444/', undefined],
  ['http://app.example/', undefined],
  ['//evil.example', undefined],
  ['/\\evil.example', undefined],
  ['https://app.example.evil.example/', undefined],
  ['javascript:alert(1)', undefined],
  ['data:text/html,x', undefined],
  [`/${'x'.repeat(1_024)}`, undefined],
])('%j leads to %j', (text, expected) => {
  expect(ownAddress(text, 'https://app.example')).toBe(expected);
});

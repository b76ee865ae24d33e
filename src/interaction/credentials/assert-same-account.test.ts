import { expect, test } from 'vitest';
import { assertSameAccount } from './assert-same-account.ts';

const issuer = 'https://as.example';
const before = { issuer, subject: '1', name: 'al@home.example' };

test('another account is refused, and both are named as far as whoever knows them needs', () => {
  const found = { issuer, subject: '2', name: 'bo@work.example' };
  expect(() => assertSameAccount(before, found)).toThrow(
    expect.objectContaining({
      code: 'ERR_POSTERN_AUTH_WRONG_USER',
      message: 'the person signed in with b…@work.example, and not with a…@home.example as before',
    }),
  );
  expect(() => assertSameAccount({ issuer, subject: '1' }, { ...found, name: 'bo' })).toThrow(
    'signed in with b…, and not with another account as before',
  );
});

test.each([
  ['the same account under another name', { issuer, subject: '1', name: 'al@new.example' }],
  ['an account of another issuer', { issuer: 'https://other.example', subject: '2' }],
])('%s is not refused', (_what, found) => {
  expect(() => assertSameAccount(before, found)).not.toThrow();
});

test('where it was not known whose the one before was, nothing is refused', () => {
  expect(() => assertSameAccount(undefined, before)).not.toThrow();
  expect(() => assertSameAccount({ issuer }, before)).not.toThrow();
});

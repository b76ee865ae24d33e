import { describe, expect, test } from 'vitest';
import { canary, findSecretIn, formsOf, secretMark } from '../support/canaries.ts';

const secret = canary('at_x7Kq2mWv9pL4');
const bytes = Buffer.from(secret);
const percentEncoded = bytes.toString('hex').replaceAll(/../gu, '%$&');

describe('a secret is found in a text', () => {
  const disguises: Record<string, string> = {
    'as it is': secret,
    'by its first eight characters': secret.slice(0, 8),
    'in base64': bytes.toString('base64'),
    'in base64url': bytes.toString('base64url'),
    'in base64 behind one byte': Buffer.from(`x${secret}`).toString('base64'),
    'in base64 behind two bytes': Buffer.from(`xy${secret}`).toString('base64'),
    'in base64 of its first eight characters': Buffer.from(secret.slice(0, 8)).toString('base64'),
    'in the header of a client': `Basic ${Buffer.from(`client:${secret}`).toString('base64')}`,
    'in hexadecimal': bytes.toString('hex'),
    'in capital hexadecimal': bytes.toString('hex').toUpperCase(),
    'percent-encoded': percentEncoded,
    'percent-encoded in capitals': percentEncoded.toUpperCase(),
    'as a parameter': encodeURIComponent(`a=${secret}`),
    'split by line breaks': secret.replaceAll(/.{3}/gu, '$&\n'),
    'split by quotes and plus signs': secret.replaceAll(/.{4}/gu, '$&" + "'),
    'split by colours': secret.replaceAll(/.{5}/gu, '$&\u001b[31m'),
    'in base64, split into lines': bytes.toString('base64').replaceAll(/.{5}/gu, '$&\r\n'),
  };
  test.each(Object.keys(disguises))('%s', (disguise) => {
    expect(findSecretIn(`{"level":"info","text":"${disguises[disguise]}"}`)).toBeDefined();
  });
});

test('a secret that chance made is found by its own first characters', () => {
  const verifier = 'qH3y_0b9kJ2mN5pR8sV1xZ4cF7gK0lQe';
  expect(findSecretIn(`verifier ${verifier.slice(0, 8)}…`, formsOf(verifier))).toBe('plain');
  expect(findSecretIn(`verifier ${verifier.slice(1)}`, formsOf(verifier))).toBeUndefined();
});

test.each([
  '',
  'A server says that the secret of a CNRY is no secret',
  secretMark.slice(0, 7),
  secretMark.toLowerCase(),
  Buffer.from('no secret at all, and not at the end either').toString('base64'),
])('%j is no leak', (text) => {
  expect(findSecretIn(text)).toBeUndefined();
});

test('a secret that chance could write is not looked for', () => {
  expect(() => formsOf('1234567')).toThrow(RangeError);
});

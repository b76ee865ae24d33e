import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseChallenge } from './challenge.ts';

function challenge(header: string, more: Record<string, string> = {}): ReturnType<typeof parseChallenge> {
  return parseChallenge(
    new Response(null, { status: 401, headers: { 'www-authenticate': header, ...more } }),
  );
}

describe('parseChallenge', () => {
  test('a response without the header carries no challenge', () => {
    expect(parseChallenge(new Response(null, { status: 401 }))).toBeUndefined();
  });

  test('reads quoted and plain values', () => {
    expect(
      challenge(
        'Bearer error="invalid_token", scope="a  b a", resource_metadata="https://r.example/.well-known/x"',
      ),
    ).toMatchObject({
      scheme: 'bearer',
      error: 'invalid_token',
      scope: ['a', 'b'],
      resourceMetadataUrl: 'https://r.example/.well-known/x',
    });
    expect(challenge('bearer error=invalid_token,scope=a')).toMatchObject({
      error: 'invalid_token',
      scope: ['a'],
    });
  });

  test('takes the Bearer challenge from among others', () => {
    expect(
      challenge('Negotiate YII=, Basic realm="a, Bearer b", Bearer scope="x", Digest nonce="y"'),
    ).toMatchObject({ scheme: 'bearer', schemes: ['negotiate', 'basic', 'bearer', 'digest'], scope: ['x'] });
  });

  test('takes the challenge that carries an error, and what only another one names', () => {
    expect(
      challenge('Bearer resource_metadata="https://r.example/m", DPoP error="use_dpop_nonce"', {
        'dpop-nonce': 'n1',
      }),
    ).toMatchObject({
      scheme: 'dpop',
      error: 'use_dpop_nonce',
      resourceMetadataUrl: 'https://r.example/m',
      dpopNonce: 'n1',
    });
  });

  test('a quoted text may hold quotes, commas and schemes', () => {
    expect(challenge(String.raw`Bearer error_description="a \"b\", Basic c=\\", error="e"`)).toMatchObject({
      errorDescription: String.raw`a "b", Basic c=\ `.trim(),
      error: 'e',
      schemes: ['bearer'],
    });
  });

  test('an empty scope asks for nothing in particular', () => {
    expect(challenge('Bearer scope=""')?.scope).toBeUndefined();
  });

  test('the first of a repeated parameter stands', () => {
    expect(challenge('Bearer scope="a", scope="b"')?.scope).toEqual(['a']);
  });

  test('a scheme of nobody we know is still named', () => {
    expect(challenge('Basic realm="x"')).toMatchObject({ scheme: 'basic' });
  });

  test('bytes that belong nowhere do not hide what follows', () => {
    expect(challenge('@@@ ;; Bearer error="e"')).toMatchObject({ scheme: 'bearer', error: 'e' });
  });

  test('no header makes it fail', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('Bearer dpop="\\,= \t;@scope')) }),
        (header) => {
          const parsed = challenge(header.trim());
          expect(parsed === undefined || typeof parsed.scheme === 'string').toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('what stands beyond 64 kB is not read', () => {
    expect(challenge(`Bearer a="${'x'.repeat(65_536)}", error="e"`)?.error).toBeUndefined();
  });

  test.each([
    ['a thousand challenges', 'Bearer a="b", '.repeat(1000)],
    ['64 kB of quotes', `Bearer a=${'"'.repeat(65_536)}`],
    ['64 kB of backslashes', `Bearer a="${'\\'.repeat(65_536)}`],
    ['64 kB of one token', `Bearer ${'a'.repeat(65_536)}`],
    ['64 kB of commas', `Bearer ${','.repeat(65_536)}`],
    ['64 kB of spaces', `Bearer a${' '.repeat(65_536)}x`],
    ['tokens that look like token68', 'a b= '.repeat(13_000)],
    ['a megabyte', 'x="y",'.repeat(170_000)],
  ])('%s takes less than a second', (_, header) => {
    const startedAt = performance.now();
    challenge(header);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});

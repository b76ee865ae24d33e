/* oxlint-disable no-extend-native, typescript/unbound-method -- counted while one parser runs, and put back */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseChallenge } from '../../../src/oauth/challenge.ts';
import { readRetryAfter } from '../../../src/core/retry-after.ts';
import { headerText, hostileUrl } from '../hostile.ts';
import { parserProperty, type ParserProperty } from '../parser-property.ts';
import { nowMs } from '../wire.ts';

const printable = (text: string): string => text.replaceAll(/[^\t\x20-\x7E\x80-\xFF]/gu, '');

const quoted = fc.oneof(headerText, hostileUrl.map(printable)).map((text) => JSON.stringify(text));
const parameter = fc
  .tuple(
    fc.constantFrom(
      'error',
      'scope',
      'resource_metadata',
      'realm',
      'error_description',
      '__proto__',
      'SCOPE',
      'a*',
    ),
    fc.constantFrom('=', ' = ', '=\t', '==', ' '),
    fc.oneof(quoted, fc.constantFrom('x', '"', '"\\', '', 'a b', 'invalid_token')),
  )
  .map((parts) => parts.join(''));
const challenge = fc
  .tuple(
    fc.constantFrom('Bearer', 'DPoP', 'bearer', 'Basic', 'Negotiate', '__proto__', '', '@'),
    fc.constantFrom(' ', '  ', '\t', ''),
    fc.array(parameter, { maxLength: 5 }),
    fc.constantFrom(', ', ',', ' ', ',,,'),
  )
  .map(([scheme, blank, parameters, separator]) => scheme + blank + parameters.join(separator));
const token68 = fc.constantFrom(
  'a b=',
  'Negotiate YWJj==',
  'a/',
  'a /',
  'a=/',
  'b ~',
  '"',
  '\\"',
  'x=,',
  'a/b=c ',
);

/** Short headers of every sort, and long ones of few letters over and over: those are what takes time. */
const header = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.array(fc.oneof(challenge, token68), { maxLength: 4 }).map((all) => all.join(', ')),
  },
  {
    weight: 3,
    arbitrary: fc.string({ unit: fc.constantFrom(...Array.from('aB =",\\/~+\t;@\u00E9')), maxLength: 60 }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.oneof(
          token68,
          parameter,
          fc.string({ unit: fc.constantFrom(...Array.from('aB =",\\/~+')), minLength: 1, maxLength: 6 }),
        ),
        fc.integer({ min: 100, max: 2_000 }),
      )
      .map(([part, times]) => part.repeat(times).slice(0, 20_000)),
  },
);

/** How many characters regular expressions matched meanwhile. Each of ours takes time linear in what it matches. */
function countMatched<T>(work: () => T): [value: T, matched: number] {
  const exec: (this: RegExp, text: string) => RegExpExecArray | null = RegExp.prototype.exec;
  let matched = 0;
  RegExp.prototype.exec = function counting(text) {
    const found = exec.call(this, text);
    matched += found?.[0].length ?? 0;
    return found;
  };
  try {
    return [work(), matched];
  } finally {
    RegExp.prototype.exec = exec;
  }
}

const challenges = parserProperty(
  'a challenge is read in steps that grow with its length, to the same end each time',
  fc.tuple(header, headerText),
  ([text, nonce]) => {
    const headers = new Headers({ 'www-authenticate': text.trim(), 'dpop-nonce': nonce });
    const response = new Response(null, { status: 401, headers });
    const { length } = response.headers.get('www-authenticate') ?? '';
    const [parsed, matched] = countMatched(() => parseChallenge(response));
    assert.ok(matched <= 4 * length + 64, `${matched} characters were looked at for a header of ${length}`);
    assert.deepEqual(parseChallenge(response), parsed);
    if (parsed === undefined) return;
    assert.ok(parsed.schemes.includes(parsed.scheme));
    assert.ok(parsed.schemes.every((scheme) => scheme === scheme.toLowerCase() && scheme !== ''));
    assert.ok((parsed.scope?.length ?? 1) > 0);
    assert.equal(new Set(parsed.scope).size, parsed.scope?.length ?? 0);
    assert.ok(parsed.scope?.every((scope) => scope !== '' && !/\s/u.test(scope)) !== false);
    assert.ok(JSON.stringify(parsed).length <= 4 * (length + nonce.length) * 6 + 400, 'it does not grow');
  },
);

const retryAfter = parserProperty(
  'a Retry-After is nothing, or between no time and an hour',
  fc.oneof(
    headerText,
    fc.bigInt().map(String),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  ),
  (text) => {
    const response = new Response(null, { headers: { 'retry-after': text } });
    const { retryAfterMs: delayMs, retryAtMs } = readRetryAfter(response, nowMs);
    assert.equal(retryAtMs, delayMs === undefined ? undefined : nowMs + delayMs);
    assert.ok(delayMs === undefined || (delayMs >= 0 && delayMs <= 3_600_000), `${delayMs}`);
  },
);

export const challengeProperties: readonly ParserProperty[] = [challenges, retryAfter];

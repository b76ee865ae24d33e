import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPosternError } from '../core/postern-error.ts';
import { validateCallback } from './callback.ts';

const issuer = 'https://as.example/tenant';
const promising = { issuer, issParameterSupported: true };
const silent = { issuer, issParameterSupported: false };

function failure(attempt: typeof silent & { statedIssuer?: string }, query: string): unknown {
  try {
    validateCallback(attempt, new URLSearchParams(query));
  } catch (error) {
    return error;
  }
  return undefined;
}

const coded = (code: string): unknown => expect.objectContaining({ code });

describe('validateCallback', () => {
  test.each([
    ['promised and right', promising, `code=c&iss=${issuer}`],
    ['not promised and absent', silent, 'code=c'],
    ['not promised and right', silent, `code=c&iss=${issuer}`],
  ])('an issuer that is %s is accepted', (_, attempt, query) => {
    expect(validateCallback(attempt, new URLSearchParams(query))).toEqual({ code: 'c' });
  });

  test.each([
    ['promised and absent', promising, 'code=c'],
    ['promised and wrong', promising, 'code=c&iss=https://evil.example'],
    ['not promised and wrong', silent, 'code=c&iss=https://evil.example'],
    ['right but for a slash', silent, `code=c&iss=${issuer}/`],
    ['right but for case', silent, `code=c&iss=${issuer.toUpperCase()}`],
    ['right but for a default port', silent, 'code=c&iss=https://as.example:443/tenant'],
    ['empty', silent, 'code=c&iss='],
  ])('an issuer that is %s is refused', (_, attempt, query) => {
    expect(failure(attempt, query)).toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
  });

  test('the error of a wrong issuer is neither acted on nor kept', () => {
    const error = failure(promising, 'error=access_denied&error_description=CNRY&iss=https://evil.example');
    expect(error).toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
    expect(String(error)).not.toMatch(/CNRY|denied|evil/u);
  });

  test('where the operator allowed another name, that name is the one expected', () => {
    const attempt = { ...promising, statedIssuer: 'https://other.example' };
    expect(validateCallback(attempt, new URLSearchParams('code=c&iss=https://other.example'))).toEqual({
      code: 'c',
    });
    expect(failure(attempt, `code=c&iss=${issuer}`)).toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
  });

  test.each([
    'code=c&code=c',
    'code=c&state=a&state=a',
    `code=c&iss=${issuer}&iss=${issuer}`,
    'error=a&error=b',
  ])('a repeated parameter is refused: %s', (query) => {
    expect(failure(silent, query)).toEqual(coded('ERR_POSTERN_AUTH_CALLBACK_INVALID'));
  });

  test.each(['code=c&error=access_denied', 'state=s', '', 'code=', 'error='])(
    'what is neither an answer nor an error is refused: %j',
    (query) => {
      expect(failure(silent, query)).toEqual(coded('ERR_POSTERN_AUTH_CALLBACK_INVALID'));
    },
  );

  test.each([
    ['access_denied', 'ERR_POSTERN_AUTH_DENIED'],
    ['unauthorized_client', 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
    ['invalid_scope', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['invalid_target', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['invalid_request', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['unsupported_response_type', 'ERR_POSTERN_OAUTH_REQUEST_REFUSED'],
    ['temporarily_unavailable', 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
    ['server_error', 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
  ])('the error %s is reported as %s', (error, code) => {
    expect(failure(silent, `error=${error}`)).toEqual(coded(code));
  });

  test('an unregistered error is not repeated', () => {
    const error = failure(
      silent,
      'error=%3Cimg src%3Dx%3E&error_description=CNRY&error_uri=https://evil.example',
    );
    expect(error).toEqual(coded('ERR_POSTERN_OAUTH_REQUEST_REFUSED'));
    expect(JSON.stringify(error)).toContain('an unregistered error');
    expect(JSON.stringify(error) + String(error)).not.toMatch(/img|CNRY|evil/u);
  });

  test('no parameters make it fail with anything but a typed error, or repeat them', () => {
    const names = fc.constantFrom('code', 'error', 'error_description', 'iss', 'state', '__proto__', 'x');
    const values = fc.oneof(fc.string(), fc.constantFrom(issuer, 'access_denied'));
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values)), fc.boolean(), (pairs, promised) => {
        const parameters = new URLSearchParams(pairs);
        try {
          const { code } = validateCallback({ issuer, issParameterSupported: promised }, parameters);
          expect(parameters.getAll('code')).toEqual([code]);
        } catch (error) {
          expect(isPosternError(error)).toBe(true);
        }
      }),
      { numRuns: 500 },
    );
  });
});

import { afterEach, expect, test, vi } from 'vitest';
import { failureFields } from './failure-fields.ts';
import { stderrLogger } from './logger.ts';
import { PosternError } from './postern-error.ts';

afterEach(() => void vi.restoreAllMocks());

test('by default warnings and errors are told, each in one line, and nothing else', () => {
  const lines: unknown[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: unknown) => void lines.push(line));
  stderrLogger.debug('a detail');
  stderrLogger.info('what goes well');
  stderrLogger.warn('a renewal failed', { code: 'ERR_POSTERN_OAUTH_UNREACHABLE', tries: 2, more: undefined });
  stderrLogger.error('a handler failed', { message: 'two\nlines' });
  expect(lines).toEqual([
    'postern warning: a renewal failed code=ERR_POSTERN_OAUTH_UNREACHABLE tries=2',
    'postern error: a handler failed message="two\\nlines"',
  ]);
});

test('nothing in a line moves a cursor or turns the text around', () => {
  const lines: unknown[] = [];
  vi.spyOn(console, 'error').mockImplementation((line: unknown) => void lines.push(line));
  stderrLogger.error('a handler failed', { message: '\u001b[2J\u009b1A\u202eabc' });
  expect(lines).toEqual(['postern error: a handler failed message="\\u001b[2J\\u009b1A\\u202eabc"']);
});

test('of a failure of ours its code is told, of a host’s own its message and where it came from', () => {
  expect(failureFields(new PosternError('ERR_POSTERN_AUTH_DENIED', 'no'))).toEqual({
    code: 'ERR_POSTERN_AUTH_DENIED',
  });
  const { stack, ...fields } = failureFields(new RangeError('thread 7 is closed'));
  expect(fields).toEqual({ error: 'RangeError', message: 'thread 7 is closed' });
  expect(stack).toMatch(/^\s+at .*logger\.test\.ts/u);
  expect(stack).not.toContain('thread 7');
  expect(failureFields('no error')).toEqual({ error: 'string' });
});

test.each([
  'refused: Bearer CNRY5f2c9a7b',
  'GET https://a.example/x?code=CNRY5f2c9a7b failed',
  'token CNRY-5f2c9a7b1e3d5f7a9c0b was refused',
  'token eyJhbGciOiJub25lIn0x.CNRYeyJzdWIiOiJhIn0.c2ln was refused',
])('what looks like a secret in a failure is left out: %s', (message) => {
  expect(JSON.stringify(failureFields(new Error(message)))).not.toContain('CNRY');
});

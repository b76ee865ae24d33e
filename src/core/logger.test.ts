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

test('of a failure of ours its code is told, of a host’s own all there is', () => {
  expect(failureFields(new PosternError('ERR_POSTERN_AUTH_DENIED', 'no'))).toEqual({
    code: 'ERR_POSTERN_AUTH_DENIED',
  });
  const error = new RangeError('thread 7 is closed');
  expect(failureFields(error)).toEqual({
    error: 'RangeError',
    message: 'thread 7 is closed',
    stack: error.stack,
  });
  expect(failureFields('no error')).toEqual({ error: 'string' });
});

import {
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { PosternError } from '../../core/postern-error.ts';
import { classifyFailure, isConnectionLoss, isSessionGone } from './session-failure.ts';

const http = (status: number): Error =>
  new SdkHttpError(SdkErrorCode.ClientHttpFailedToOpenStream, 'text that says 401 and ECONNREFUSED', {
    status,
    statusText: '',
  });
const system = (code: string): Error => Object.assign(new Error('text that says 401'), { code });
const wrapped = (cause: unknown): Error =>
  new Error('outer', { cause: new TypeError('fetch failed', { cause }) });

const judged = (error: unknown): string[] => {
  const { status, error: known } = classifyFailure(error, 'calendar');
  return [status, known.code];
};

describe('classifyFailure', () => {
  test.each([
    ['HTTP 401', http(401), 'AUTH_FAILED', 'ERR_POSTERN_AUTH_REJECTED'],
    ['HTTP 403', http(403), 'AUTH_FAILED', 'ERR_POSTERN_AUTH_REJECTED'],
    ['HTTP 404', http(404), 'FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'],
    ['HTTP 429', http(429), 'CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'],
    ['HTTP 503', http(503), 'CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'],
    [
      'a refused connection, wrapped twice',
      wrapped(system('ECONNREFUSED')),
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
    ],
    ['an unknown name', wrapped(system('ENOTFOUND')), 'SERVER_UNREACHABLE', 'ERR_POSTERN_CLIENT_UNREACHABLE'],
    ['a missing program', system('ENOENT'), 'FAILED', 'ERR_POSTERN_CONFIG_MISCONFIGURED'],
    [
      'a time-out',
      new SdkError(SdkErrorCode.RequestTimeout, ''),
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
    ],
    [
      'a closed connection',
      new SdkError(SdkErrorCode.ConnectionClosed, ''),
      'CONNECTION_FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    ],
    ['anything else', 'a string', 'FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'],
    ['nothing', undefined, 'FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'],
  ])('%s', (_, error, status, code) => {
    expect(judged(error)).toEqual([status, code]);
  });

  test.each([
    ['ERR_POSTERN_AUTH_REQUIRED', 'AUTH_PENDING'],
    ['ERR_POSTERN_AUTH_DENIED', 'AUTH_FAILED'],
    ['ERR_POSTERN_OAUTH_UNREACHABLE', 'AUTH_FAILED'],
    ['ERR_POSTERN_PENDING_EXPIRED', 'AUTH_FAILED'],
    ['ERR_POSTERN_STORAGE_UNAVAILABLE', 'CONNECTION_FAILED'],
    ['ERR_POSTERN_LEASE_TIMEOUT', 'CONNECTION_FAILED'],
    ['ERR_POSTERN_CLIENT_UNREACHABLE', 'SERVER_UNREACHABLE'],
    ['ERR_POSTERN_CLIENT_PORT_IN_USE', 'FAILED'],
  ] as const)('our own %s, however deep, means %s and is kept', (code, status) => {
    const own = new PosternError(code, 'ours');
    const judgement = classifyFailure(wrapped(own), 'calendar');
    expect(judgement.status).toBe(status);
    expect(judgement.error).toBe(own);
  });

  test('a chain of causes that bites its tail ends', () => {
    const error: Error & { cause?: unknown } = new Error('round');
    error.cause = error;
    expect(judged(error)[0]).toBe('FAILED');
  });

  test('never repeats the text of the error it judges', () => {
    const { error } = classifyFailure(new Error('token=CANARY'), 'calendar');
    expect(JSON.stringify(error)).not.toContain('CANARY');
  });
});

test('a session is gone when its request is answered 404, or 400 where there was a session to forget', () => {
  const gone = (hasSession: boolean): boolean[] =>
    [404, 400, 410, 500].map((status) => isSessionGone(http(status), { hasSession }));
  expect(gone(true)).toEqual([true, true, false, false]);
  expect(gone(false)).toEqual([true, false, false, false]);
  expect(isSessionGone(new Error('404'), { hasSession: true })).toBe(false);
});

test('a session is gone when the version it was begun with is refused', () => {
  const refused = new UnsupportedProtocolVersionError({ supported: ['2025-11-25'], requested: '2026-07-28' });
  expect(isSessionGone(refused, { hasSession: false })).toBe(true);
});

test('a time-out of one call is not the loss of the connection; a closed transport is', () => {
  expect(isConnectionLoss(new SdkError(SdkErrorCode.RequestTimeout, ''))).toBe(false);
  expect(isConnectionLoss(new SdkError(SdkErrorCode.ConnectionClosed, ''))).toBe(true);
  expect(isConnectionLoss(new SdkError(SdkErrorCode.SendFailed, ''))).toBe(true);
  expect(isConnectionLoss(wrapped(new PosternError('ERR_POSTERN_CLIENT_UNREACHABLE', 'x')))).toBe(true);
});

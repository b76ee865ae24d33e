import {
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/client';
import { beforeAll, describe, expect, test } from 'vitest';
import { PosternError } from '../../core/postern-error.ts';
import { judgeSession } from './lost-session.ts';
import { classifyFailure, isConnectionLoss } from './session-failure.ts';
import { loadSdk } from './sdk.ts';

beforeAll(loadSdk);

const http = (status: number): Error =>
  new SdkHttpError(SdkErrorCode.ClientHttpFailedToOpenStream, 'text that says 401 and ECONNREFUSED', {
    status,
    statusText: '',
  });
const system = (code: string): Error => Object.assign(new Error('text that says 401'), { code });
const wrapped = (cause: unknown): Error =>
  new Error('outer', { cause: new TypeError('fetch failed', { cause }) });

const judged = (error: unknown): string[] => {
  const { status, error: known } = classifyFailure(error, { name: 'calendar' });
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

  test.each([401, 403])('HTTP %i to what is configured is the credential, by its own code', (status) => {
    const { error } = classifyFailure(http(status), { name: 'calendar', hasStaticCredential: true });
    expect([error.code, error.evidence]).toEqual([
      'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED',
      { httpStatus: status },
    ]);
  });

  test.each([
    ['ERR_POSTERN_AUTH_REQUIRED', 'AUTH_PENDING'],
    ['ERR_POSTERN_AUTH_DENIED', 'AUTH_FAILED'],
    ['ERR_POSTERN_OAUTH_UNREACHABLE', 'AUTH_FAILED'],
    ['ERR_POSTERN_PENDING_EXPIRED', 'AUTH_FAILED'],
    ['ERR_POSTERN_STORAGE_UNAVAILABLE', 'CONNECTION_FAILED'],
    ['ERR_POSTERN_LEASE_TIMEOUT', 'CONNECTION_FAILED'],
    ['ERR_POSTERN_CLIENT_UNREACHABLE', 'SERVER_UNREACHABLE'],
    ['ERR_POSTERN_CLIENT_SESSION_LOST', 'CONNECTION_FAILED'],
    ['ERR_POSTERN_CLIENT_VERSION_REFUSED', 'FAILED'],
    ['ERR_POSTERN_CLIENT_PORT_IN_USE', 'FAILED'],
  ] as const)('our own %s, however deep, means %s and is kept', (code, status) => {
    const own = new PosternError(code, 'ours');
    const judgement = classifyFailure(wrapped(own), { name: 'calendar' });
    expect(judgement.status).toBe(status);
    expect(judgement.error).toBe(own);
  });

  test('a chain of causes that bites its tail ends', () => {
    const error: Error & { cause?: unknown } = new Error('round');
    error.cause = error;
    expect(judged(error)[0]).toBe('FAILED');
  });

  test('never repeats the text of the error it judges', () => {
    const { error } = classifyFailure(new Error('token=CANARY'), { name: 'calendar' });
    expect(JSON.stringify(error)).not.toContain('CANARY');
  });
});

test('a refusal that may be about the session is taken for one where there is a session', () => {
  const verdicts = (hasSession: boolean): string[] =>
    [404, 400, 401, 403, 409, 410, 500, 429].map((status) => judgeSession(http(status), { hasSession }));
  const [lost, own] = ['unprocessed', 'own'];
  expect(verdicts(true)).toEqual([lost, lost, lost, lost, lost, lost, 'suspect', own]);
  expect(verdicts(false)).toEqual([lost, 'suspect', own, own, own, own, 'suspect', own]);
  expect(judgeSession(new Error('404'), { hasSession: true })).toBe('own');
});

test.each([
  [-32_000, 'suspect'],
  [-32_001, 'suspect'],
  [-32_600, 'suspect'],
  [-32_099, 'suspect'],
  [-32_002, 'own'],
  [-32_601, 'own'],
  [-32_602, 'own'],
  [-32_603, 'own'],
  [1, 'own'],
])('an error %i of JSON-RPC, in a session, is %s to it', (code, verdict) => {
  expect(judgeSession(new ProtocolError(code, 'Session not found'), { hasSession: true })).toBe(verdict);
  expect(judgeSession(new ProtocolError(code, 'Session not found'), { hasSession: false })).toBe('own');
});

test('a request that found nobody was not processed; one whose connection was reset may have been', () => {
  const unreachable = (code: string): Error =>
    new PosternError('ERR_POSTERN_CLIENT_UNREACHABLE', 'x', { cause: wrapped(system(code)) });
  const verdict = (error: unknown): string => judgeSession(error, { hasSession: true });
  expect(verdict(unreachable('ECONNREFUSED'))).toBe('unprocessed');
  expect(verdict(unreachable('ECONNRESET'))).toBe('own');
  const away = new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'x', { cause: system('ECONNREFUSED') });
  expect(verdict(away)).toBe('own');
});

test('a session is gone when the version it was begun with is refused', () => {
  const refused = new UnsupportedProtocolVersionError({ supported: ['2025-11-25'], requested: '2026-07-28' });
  expect(judgeSession(refused, { hasSession: false })).toBe('unprocessed');
});

test('a time-out of one call is not the loss of the connection; a closed transport is', () => {
  expect(isConnectionLoss(new SdkError(SdkErrorCode.RequestTimeout, ''))).toBe(false);
  expect(isConnectionLoss(new SdkError(SdkErrorCode.ConnectionClosed, ''))).toBe(true);
  expect(isConnectionLoss(new SdkError(SdkErrorCode.SendFailed, ''))).toBe(true);
  expect(isConnectionLoss(wrapped(new PosternError('ERR_POSTERN_CLIENT_UNREACHABLE', 'x')))).toBe(true);
});

import { describe, expect, test } from 'vitest';
import { errorCodes, type PosternErrorCode } from '../../core/error-codes.ts';
import { PosternError } from '../../core/postern-error.ts';
import { actorOf, conditionOf, connectionConditions } from './connection-condition.ts';
import { sessionStatuses, type SessionStatus } from './session-status.ts';

const statuses = Object.keys(sessionStatuses) as SessionStatus[];
const codes = Object.keys(errorCodes) as PosternErrorCode[];
const judged = (status: SessionStatus, code?: PosternErrorCode): string =>
  conditionOf({ status, error: code && new PosternError(code, 'm') });

describe.each(statuses)('a session that is %s', (status) => {
  test('has a condition with a row in the table, whatever its error', () => {
    const conditions = [undefined, ...codes].map((code) => judged(status, code));
    expect(conditions.filter((condition) => !Object.hasOwn(connectionConditions, condition))).toEqual([]);
  });

  test('is in order, or on its way there, as long as it has no error', () => {
    expect(judged(status)).toBe(status === 'RECONNECTING' ? 'session-lost' : 'ok');
  });
});

test('who must act is the same in a code and in the condition that follows from it', () => {
  const odd = codes.flatMap((code) => {
    const error = new PosternError(code, 'm');
    const condition = conditionOf({ status: 'AUTH_FAILED', error });
    const actor = actorOf(condition, error);
    const { fixedBy } = errorCodes[code];
    // What passes by itself, or is mended by starting over, waits for nobody.
    return actor === fixedBy || actor === 'nobody' ? [] : [`${code} ${fixedBy}: ${condition} ${actor}`];
  });
  expect(odd).toEqual([]);
});

test('a client that nobody recognises is forgotten where it registered itself, and misconfigured where it was set', () => {
  const error = new PosternError('ERR_POSTERN_OAUTH_CLIENT_REJECTED', 'm');
  const [own, set] = [false, true].map((isClientConfigured) =>
    conditionOf({ status: 'AUTH_FAILED', error, isClientConfigured }),
  );
  expect([own, set]).toEqual(['client-forgotten', 'misconfigured']);
});

test('a credential that only its person can replace is expiring in its last ten minutes, while it works', () => {
  const left = (leftMs: number, status: SessionStatus): string => conditionOf({ status, leftMs });
  expect([left(599_999, 'CONNECTED'), left(600_000, 'CONNECTED'), left(-1, 'CONNECTED')]).toEqual([
    'expiring',
    'ok',
    'expiring',
  ]);
  expect(left(0, 'DISCONNECTED')).toBe('ok');
});

test('an answer that is none of the protocol’s is a matter of the address; one that breaks off is not', () => {
  expect(judged('FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED')).toBe('misconfigured');
  expect(judged('CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED')).toBe('transient');
});

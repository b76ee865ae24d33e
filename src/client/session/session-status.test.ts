import { describe, expect, test } from 'vitest';
import {
  canRetry,
  isConnecting,
  isFailed,
  isOperational,
  requiresUserAction,
  sessionStatuses,
  type SessionStatus,
} from './session-status.ts';

const statuses = Object.keys(sessionStatuses) as SessionStatus[];

const having = (predicate: (status: SessionStatus) => boolean): SessionStatus[] => statuses.filter(predicate);

/** Every status that can be reached from one, by any number of transitions. */
function reachable(from: SessionStatus): Set<SessionStatus> {
  const seen = new Set<SessionStatus>();
  const open = [from];
  for (let status = open.pop(); status !== undefined; status = open.pop()) {
    for (const next of sessionStatuses[status].next) {
      if (seen.has(next)) continue;
      seen.add(next);
      open.push(next);
    }
  }
  return seen;
}

describe('sessionStatuses', () => {
  test('are the twelve of the reference guide', () => {
    expect(statuses.toSorted()).toEqual([
      'AUTHENTICATING',
      'AUTH_FAILED',
      'AUTH_PENDING',
      'CONNECTED',
      'CONNECTING',
      'CONNECTION_FAILED',
      'DISCONNECTED',
      'DISCONNECTING',
      'FAILED',
      'INITIALIZING',
      'RECONNECTING',
      'SERVER_UNREACHABLE',
    ]);
  });

  test('have these transitions and no others', () => {
    const table = statuses.map(
      (status) => `${status} → ${sessionStatuses[status].next.toSorted().join(' ')}`,
    );
    expect(table).toMatchInlineSnapshot(`
      [
        "INITIALIZING → CONNECTING DISCONNECTING",
        "CONNECTING → AUTHENTICATING AUTH_FAILED CONNECTION_FAILED DISCONNECTING FAILED SERVER_UNREACHABLE",
        "AUTHENTICATING → AUTH_FAILED AUTH_PENDING CONNECTED CONNECTION_FAILED DISCONNECTING FAILED SERVER_UNREACHABLE",
        "AUTH_PENDING → AUTH_FAILED CONNECTING DISCONNECTING",
        "CONNECTED → AUTH_FAILED AUTH_PENDING CONNECTION_FAILED DISCONNECTING FAILED RECONNECTING SERVER_UNREACHABLE",
        "RECONNECTING → AUTHENTICATING AUTH_FAILED CONNECTION_FAILED DISCONNECTING FAILED SERVER_UNREACHABLE",
        "DISCONNECTING → DISCONNECTED",
        "DISCONNECTED → CONNECTING DISCONNECTING",
        "CONNECTION_FAILED → CONNECTING DISCONNECTING",
        "SERVER_UNREACHABLE → CONNECTING DISCONNECTING",
        "AUTH_FAILED → CONNECTING DISCONNECTING",
        "FAILED → CONNECTING DISCONNECTING",
      ]
    `);
  });

  test.each(statuses)(
    '%s says what to do next, has a way out, and never leads to itself or to the same twice',
    (status) => {
      const { next, whatToDo } = sessionStatuses[status];
      expect(whatToDo).toMatch(/^[A-Z].*\.$/u);
      expect(next.length).toBeGreaterThan(0);
      expect(new Set(next).size).toBe(next.length);
      expect(next).not.toContain(status);
    },
  );

  test.each(statuses)('from %s a session can become connected, and can be closed', (status) => {
    const ahead = reachable(status);
    expect(ahead).toContain('CONNECTED');
    expect(ahead).toContain('DISCONNECTED');
  });

  test('become CONNECTED from AUTHENTICATING alone: only an authenticated request proves it', () => {
    expect(having((status) => sessionStatuses[status].next.includes('CONNECTED'))).toEqual([
      'AUTHENTICATING',
    ]);
  });

  test('become DISCONNECTED through DISCONNECTING alone, and every status but that one may be closed', () => {
    expect(having((status) => sessionStatuses[status].next.includes('DISCONNECTED'))).toEqual([
      'DISCONNECTING',
    ]);
    expect(having((status) => !sessionStatuses[status].next.includes('DISCONNECTING'))).toEqual([
      'DISCONNECTING',
    ]);
  });

  test('never return to INITIALIZING', () => {
    expect(having((status) => sessionStatuses[status].next.includes('INITIALIZING'))).toEqual([]);
  });
});

describe('the predicates', () => {
  test('agree with the categories', () => {
    for (const status of statuses) {
      const { category } = sessionStatuses[status];
      expect(canRetry(status)).toBe(category === 'recoverable');
      expect(requiresUserAction(status)).toBe(category === 'pending');
      expect(isFailed(status)).toBe(category === 'recoverable' || category === 'terminal');
      expect(isOperational(status) || isConnecting(status)).toBe(category === 'active');
    }
  });

  test('hold for exactly these statuses', () => {
    expect({
      isOperational: having(isOperational),
      isConnecting: having(isConnecting),
      isFailed: having(isFailed),
      canRetry: having(canRetry),
      requiresUserAction: having(requiresUserAction),
    }).toEqual({
      isOperational: ['CONNECTED'],
      isConnecting: ['CONNECTING', 'AUTHENTICATING', 'RECONNECTING'],
      isFailed: ['CONNECTION_FAILED', 'SERVER_UNREACHABLE', 'AUTH_FAILED', 'FAILED'],
      canRetry: ['CONNECTION_FAILED', 'SERVER_UNREACHABLE', 'AUTH_FAILED'],
      requiresUserAction: ['AUTH_PENDING'],
    });
  });
});

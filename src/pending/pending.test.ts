import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Pendings } from './pendings.ts';
import { errorOfEnd, pendingRecord, type Pending, type PendingStatus } from './pending.ts';

describe('errorOfEnd', () => {
  test.each<[PendingStatus, string | undefined]>([
    ['pending', undefined],
    ['completed', undefined],
    ['cancelled', 'ERR_POSTERN_PENDING_CANCELLED'],
    ['failed', 'ERR_POSTERN_PENDING_FAILED'],
    ['expired', 'ERR_POSTERN_PENDING_EXPIRED'],
  ])('of a %s pending is %s', (status, code) => {
    expect(errorOfEnd({ status })?.code).toBe(code);
  });

  test.each<PendingStatus>(['cancelled', 'failed'])(
    'of a %s pending carries the code it ended with',
    (status) => {
      expect(errorOfEnd({ status, failure: 'ERR_POSTERN_AUTH_DENIED' })?.code).toBe(
        'ERR_POSTERN_AUTH_DENIED',
      );
    },
  );

  test('of one whose stored code does not exist is that it failed', () => {
    for (const failure of ['ERR_POSTERN_OF_A_LATER_VERSION', 'toString', '__proto__']) {
      const record = { id: 'x', kind: 'k', initiator: 'a', createdAtMs: 0, expiresAtMs: 1, url: '', failure };
      expect(pendingRecord.parse({ ...record, status: 'failed' }).failure).toBe('ERR_POSTERN_PENDING_FAILED');
    }
  });

  test('tells the person what to do next', () => {
    const hints = (['cancelled', 'failed', 'expired'] as const).map((status) => errorOfEnd({ status })?.hint);
    expect(hints.filter((hint) => hint?.startsWith('Ask again'))).toHaveLength(3);
  });
});

describe('Pending', () => {
  test('keeps the type of its data from the manager to the one who waits, and never becomes any', () => {
    type Manager = Pendings<{ userCode: string }>;
    expectTypeOf<Awaited<ReturnType<Manager['create']>>>().toEqualTypeOf<Pending<{ userCode: string }>>();
    expectTypeOf<Awaited<ReturnType<Manager['waitFor']>>['data']>().toEqualTypeOf<
      { userCode: string } | undefined
    >();
    expectTypeOf<Pending['data']>().toBeUnknown();
    expectTypeOf<Pending['namespace']>().not.toBeAny();
  });
});

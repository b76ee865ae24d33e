import { describe, expect, test } from 'vitest';
import { errorOfEnd, type PendingStatus } from './pending.ts';

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

  test.each<PendingStatus>(['cancelled', 'failed'])('of a %s pending carries the code it ended with', (status) => {
    expect(errorOfEnd({ status, failure: 'ERR_POSTERN_AUTH_DENIED' })?.code).toBe('ERR_POSTERN_AUTH_DENIED');
  });

  test('tells the person what to do next', () => {
    const hints = (['cancelled', 'failed', 'expired'] as const).map((status) => errorOfEnd({ status })?.hint);
    expect(hints.filter((hint) => hint?.startsWith('Ask again'))).toHaveLength(3);
  });
});

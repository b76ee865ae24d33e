import { expect, test } from 'vitest';
import { withSignal } from './with-signal.ts';

test.each([false, true])(
  'work that fails after its caller has left (before it began: %s) is nobody’s unhandled rejection',
  async (early) => {
    const left = new AbortController();
    if (early) left.abort(new Error('left'));
    const work = Promise.withResolvers<never>();
    const waiting = withSignal(work.promise, left.signal);
    left.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', onUnhandled);
    work.reject(new Error('too late'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', onUnhandled);
    expect(unhandled).toEqual([]);
  },
);

import { expect, test } from 'vitest';
import { SharedReads } from './shared-reads.ts';

test('a thousand who ask at once are answered by one read', async () => {
  const reads = new SharedReads<number>();
  let count = 0;
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => reads.run('a', async () => ++count)));
  expect([new Set(answers), count]).toEqual([new Set([1]), 1]);
});

test('who asks once a read has begun gets one of their own, which sees what was written meanwhile', async () => {
  const reads = new SharedReads<string>();
  let stored = 'old';
  const begun = Promise.withResolvers<void>();
  const first = reads.run('a', async () => {
    const found = stored;
    begun.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    return found;
  });
  await begun.promise;
  stored = 'new';
  expect(await reads.run('a', async () => stored)).toBe('new');
  expect(await first).toBe('old');
});

test('a read that fails fails for those who shared it, and for nobody after', async () => {
  const reads = new SharedReads<string>();
  const failing = [1, 2].map(() => reads.run('a', () => Promise.reject(new Error('down'))));
  for (const read of failing) await expect(read).rejects.toThrow('down');
  expect(await reads.run('a', async () => 'up')).toBe('up');
});

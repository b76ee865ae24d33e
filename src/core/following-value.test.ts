import { afterEach, describe, expect, test, vi } from 'vitest';
import { FollowingValue } from './following-value.ts';

afterEach(() => vi.unstubAllGlobals());

async function seenBy(value: FollowingValue<string>): Promise<(string | undefined)[]> {
  const before = value.current;
  await Promise.resolve();
  return [before, value.current];
}

describe('a value that follows', () => {
  test('is there after an await, each caller’s own, and gone outside', async () => {
    const value = new FollowingValue<string>();
    const seen = await Promise.all([
      value.run('alice', () => seenBy(value)),
      value.run('bob', () => seenBy(value)),
    ]);
    expect(seen).toEqual([
      ['alice', 'alice'],
      ['bob', 'bob'],
    ]);
    expect(value.current).toBeUndefined();
  });

  test('is nobody else’s where the runtime has no AsyncLocalStorage: there until the first await, and then for none', async () => {
    vi.stubGlobal('process', undefined);
    const value = new FollowingValue<string>();
    vi.unstubAllGlobals();
    const seen = await Promise.all([
      value.run('alice', () => seenBy(value)),
      value.run('bob', () => seenBy(value)),
    ]);
    expect(seen).toEqual([
      ['alice', undefined],
      ['bob', undefined],
    ]);
    expect(() =>
      value.run('carol', () => {
        throw new Error('thrown inside');
      }),
    ).toThrow('thrown inside');
    expect(value.current).toBeUndefined();
  });

  test('uses the global of edge runtimes', () => {
    class Given<T> {
      getStore(): T | undefined {
        return 'given' as T;
      }
      run<R>(_value: T, work: () => R): R {
        return work();
      }
    }
    vi.stubGlobal('process', undefined);
    vi.stubGlobal('AsyncLocalStorage', Given);
    const value = new FollowingValue<string>();
    expect(value.current).toBe('given');
  });
});

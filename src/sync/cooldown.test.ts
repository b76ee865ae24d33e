import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { Cooldown } from './cooldown.ts';

function setUp(): {
  cooldown: Cooldown;
  elsewhere: Cooldown;
  otherServer: Cooldown;
  advance: (ms: number) => void;
} {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const backend = new MemoryBackend({ clock });
  const make = (server: string): Cooldown =>
    new Cooldown(new NamespacedStorage(backend, ['client:alice']), ['declined', server], clock);
  return {
    cooldown: make('calendar'),
    elsewhere: make('calendar'),
    otherServer: make('mail'),
    advance: (ms) => void (nowMs += ms),
  };
}

describe('Cooldown', () => {
  test('runs from its start to its end by the clock, for every process, and says why', async () => {
    const { cooldown, elsewhere, advance } = setUp();
    await expect(cooldown.reason()).resolves.toBeUndefined();
    await cooldown.start('ERR_POSTERN_AUTH_DENIED', 60_000);
    advance(59_999);
    await expect(elsewhere.reason()).resolves.toBe('ERR_POSTERN_AUTH_DENIED');
    advance(1);
    await expect(elsewhere.reason()).resolves.toBeUndefined();
  });

  test('ends when it is ended, and ending one that does not run is no error', async () => {
    const { cooldown, elsewhere } = setUp();
    await cooldown.start('declined', 60_000);
    await elsewhere.end();
    await elsewhere.end();
    await expect(cooldown.reason()).resolves.toBeUndefined();
  });

  test('starts over when it is started again', async () => {
    const { cooldown, advance } = setUp();
    await cooldown.start('first', 60_000);
    advance(59_000);
    await cooldown.start('second', 60_000);
    advance(59_000);
    await expect(cooldown.reason()).resolves.toBe('second');
  });

  test('holds back nothing but its own path', async () => {
    const { cooldown, otherServer } = setUp();
    await cooldown.start('declined', 60_000);
    await expect(otherServer.reason()).resolves.toBeUndefined();
  });

  test('tells 100 callers the same while it runs', async () => {
    const { cooldown, elsewhere } = setUp();
    await cooldown.start('declined', 60_000);
    const reasons = await Promise.all(Array.from({ length: 100 }, () => elsewhere.reason()));
    expect(new Set(reasons)).toEqual(new Set(['declined']));
  });
});

import { afterEach, expect, test, vi } from 'vitest';
import { hashId } from '../core/random.ts';
import { createNamespace } from '../namespace/namespace.ts';
import type { Entry, Key } from '../storage/contract.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { Pendings } from './pendings.ts';

const alice = createNamespace('client', 'alice');
const minutes = 60_000;
const off = [-61, -11, 0, 11, 61];

class CountedBackend extends MemoryBackend {
  reads = 0;

  override async get(key: Key): Promise<Entry | undefined> {
    this.reads++;
    return super.get(key);
  }

  override async now(): Promise<number> {
    this.reads++;
    return super.now();
  }
}

afterEach(() => void vi.useRealTimers());

/** A store by a clock that runs with the fake timers, and a process whose own clock is off. */
function setUp(offMinutes: number) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const clock = (): number => 1_800_000_000_000 + Math.round(performance.now());
  const storage = new CountedBackend({ clock });
  const linkFor = String;
  return {
    storage,
    right: new Pendings({ storage, clock, linkFor }),
    wrong: new Pendings({ storage, linkFor, clock: () => clock() + offMinutes * minutes }),
  };
}

/** How long some waiting takes by the fake clock, and what comes of it. */
async function took<T>(waiting: Promise<T>): Promise<{ ms: number; outcome: unknown }> {
  const startedAt = performance.now();
  let done: { ms: number; outcome: unknown } | undefined;
  const finish = (outcome: unknown): void => void (done = { ms: performance.now() - startedAt, outcome });
  waiting.then(finish, finish);
  while (done === undefined) {
    await vi.advanceTimersByTimeAsync(10);
    // Hashing is done by real threads, which no fake time waits for.
    for (let turn = 0; turn < 3; turn++) await hashId('turn');
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

test.each(off)(
  'a process whose clock is off by %i minutes waits its full time, with a read a second',
  async (offMinutes) => {
    const { storage, right, wrong } = setUp(offMinutes);
    const pending = await right.create(alice, { kind: 'test', data: 1, ttlMs: 10 * minutes });
    storage.reads = 0;
    const { ms, outcome } = await took(wrong.waitFor(pending, { timeoutMs: 20_000 }));
    expect(outcome).toMatchObject({ code: 'ERR_POSTERN_PENDING_WAIT_TIMEOUT' });
    expect(ms).toBeGreaterThanOrEqual(20_000);
    expect(ms).toBeLessThan(21_000);
    expect(storage.reads).toBeLessThan(40);
  },
);

test.each(off)(
  'a process whose clock is off by %i minutes sees the end of time when the store does, and not before',
  async (offMinutes) => {
    const { storage, right, wrong } = setUp(offMinutes);
    const pending = await right.create(alice, { kind: 'test', data: 1, ttlMs: 5_000 });
    storage.reads = 0;
    const waiting = wrong.waitFor(pending, { timeoutMs: 20 * minutes, pollMs: 10 * minutes });
    const { ms, outcome } = await took(waiting);
    expect(outcome).toMatchObject({ status: 'expired' });
    expect(ms).toBeGreaterThanOrEqual(5_000);
    expect(ms).toBeLessThan(6_000);
    expect(storage.reads).toBeLessThan(20);
  },
);

test.each(off)(
  'what a process whose clock is off by %i minutes writes lives as long as it should',
  async (offMinutes) => {
    const { storage, wrong } = setUp(offMinutes);
    const now = await storage.now();
    const { pending } = await wrong.createOnce(alice, ['slot'], async () => ({
      kind: 'test',
      data: 1,
      ttlMs: minutes,
    }));
    await wrong.in(alice).complete(pending.id);
    const day = 24 * 60 * minutes;
    const lives = (await storage.list([alice.partition])).map(({ expiresAtMs = 0 }) => expiresAtMs - now);
    expect(lives).toHaveLength(2);
    for (const life of lives) expect(Math.abs(life - minutes - day)).toBeLessThan(1_000);
    expect(Math.abs(pending.expiresAtMs - now - minutes)).toBeLessThan(1_000);
  },
);

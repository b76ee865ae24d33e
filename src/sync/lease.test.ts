import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PosternError } from '../core/postern-error.ts';
import type { Change } from '../storage/contract.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { acquireLease, tryAcquireLease, type Lease } from './lease.ts';

const leaseMs = 30_000;

/** A store that can be out of reach, or lose its answers. */
class FaultyBackend extends MemoryBackend {
  fault: 'none' | 'down' | 'answer lost' = 'none';

  override async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    if (this.fault === 'down') throw unavailable();
    const versions = await super.commit(changes);
    if (this.fault === 'answer lost') throw unavailable();
    return versions;
  }
}

function unavailable(): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the store does not answer');
}

let backend: FaultyBackend;
let storage: NamespacedStorage;

beforeEach(() => {
  vi.useFakeTimers();
  backend = new FaultyBackend();
  storage = new NamespacedStorage(backend, ['p']);
});
afterEach(() => void vi.useRealTimers());

const tryLease = (ms = leaseMs): Promise<Lease | undefined> =>
  tryAcquireLease(storage, ['job'], { leaseMs: ms });

async function lease(ms = leaseMs): Promise<Lease> {
  const taken = await tryLease(ms);
  if (taken === undefined) throw new Error('the lease is taken');
  return taken;
}

describe('tryAcquireLease', () => {
  test('gives the lease to one of 100 who ask at once', async () => {
    const leases = await Promise.all(Array.from({ length: 100 }, () => tryLease()));
    expect(leases.filter(Boolean)).toHaveLength(1);
  });

  test('keeps leases on other paths and in other namespaces apart', async () => {
    await lease();
    const others = [
      tryAcquireLease(storage, ['job', 'sub'], { leaseMs }),
      tryAcquireLease(storage, ['jo'], { leaseMs }),
      tryAcquireLease(new NamespacedStorage(backend, ['q']), ['job'], { leaseMs }),
    ];
    expect((await Promise.all(others)).filter(Boolean)).toHaveLength(3);
  });

  test('gives it to the next one when its time is over by the clock, and not a millisecond before', async () => {
    await lease();
    await vi.advanceTimersByTimeAsync(leaseMs - 1);
    await expect(tryLease()).resolves.toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    await expect(tryLease()).resolves.toBeDefined();
  });
});

describe('renew', () => {
  test('makes the lease last its full length from now', async () => {
    const held = await lease();
    await vi.advanceTimersByTimeAsync(leaseMs - 1);
    await held.renew();
    await vi.advanceTimersByTimeAsync(leaseMs - 1);
    await expect(tryLease()).resolves.toBeUndefined();
  });

  test('of a lease that ended throws LEASE_LOST, aborts its signal with it, and takes nothing back', async () => {
    const stale = await lease();
    await vi.advanceTimersByTimeAsync(leaseMs);
    expect(stale.signal.aborted).toBe(false);
    await expect(stale.renew()).rejects.toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    expect(stale.signal.reason).toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('of a lease that another holds throws LEASE_LOST, and leaves the other its lease', async () => {
    const stale = await lease();
    await vi.advanceTimersByTimeAsync(leaseMs);
    const successor = await lease();
    await expect(stale.renew()).rejects.toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    await successor.renew();
    expect(successor.signal.aborted).toBe(false);
  });

  test('by two callers at once loses nothing', async () => {
    const held = await lease();
    await Promise.all(Array.from({ length: 20 }, () => held.renew()));
    expect(held.signal.aborted).toBe(false);
  });

  test('whose answer was lost did renew: the next renewal goes on from it', async () => {
    const held = await lease();
    backend.fault = 'answer lost';
    await expect(held.renew()).rejects.toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    backend.fault = 'none';
    await held.renew();
    expect(held.signal.aborted).toBe(false);
  });

  test('after the release is refused, and does not take the lease again', async () => {
    const held = await lease();
    const releasing = held.release();
    await expect(held.renew()).rejects.toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    await releasing;
    await expect(tryLease()).resolves.toBeDefined();
  });
});

describe('release', () => {
  test('frees the lease for the next one at once', async () => {
    await (await lease()).release();
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('by a stale holder does not free the lease of its successor', async () => {
    const stale = await lease();
    await vi.advanceTimersByTimeAsync(leaseMs);
    const successor = await lease();
    await stale.release();
    await expect(tryLease()).resolves.toBeUndefined();
    await successor.release();
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('during a renewal frees it all the same', async () => {
    const held = await lease();
    await Promise.all([held.renew(), held.release()]);
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('after a renewal whose answer was lost frees it all the same', async () => {
    const held = await lease();
    backend.fault = 'answer lost';
    await expect(held.renew()).rejects.toThrow(PosternError);
    backend.fault = 'none';
    await held.release();
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('counts although the signal cannot be sent', async () => {
    const held = await lease();
    backend.signal = () => Promise.reject(unavailable());
    await held.release();
    await expect(tryLease()).resolves.toBeDefined();
  });

  test('happens at the end of an `await using` block', async () => {
    {
      await using _held = await lease();
      await expect(tryLease()).resolves.toBeUndefined();
    }
    await expect(tryLease()).resolves.toBeDefined();
  });
});

describe('keepAlive', () => {
  test('holds the lease for as long as it is not stopped', async () => {
    const held = await lease();
    const stop = held.keepAlive();
    await vi.advanceTimersByTimeAsync(10 * leaseMs);
    await expect(tryLease()).resolves.toBeUndefined();
    stop();
    await vi.advanceTimersByTimeAsync(leaseMs);
    await expect(tryLease()).resolves.toBeDefined();
    expect(held.signal.aborted).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('aborts the signal at the next renewal when another has taken the lease', async () => {
    const held = await lease();
    const stop = held.keepAlive();
    await storage.commit([{ delete: storage.key(['job']) }]);
    await lease();
    await vi.advanceTimersByTimeAsync(leaseMs / 3);
    expect(held.signal.reason).toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    stop();
  });

  test('rides out a store that is down for nine tenths of the lease', async () => {
    const held = await lease();
    const stop = held.keepAlive();
    backend.fault = 'down';
    await vi.advanceTimersByTimeAsync((leaseMs * 9) / 10);
    backend.fault = 'none';
    await vi.advanceTimersByTimeAsync(leaseMs);
    expect(held.signal.aborted).toBe(false);
    await expect(tryLease()).resolves.toBeUndefined();
    stop();
  });

  test('renews three times in the length of a lease, and no more', async () => {
    const held = await lease();
    let writes = 0;
    const commit = backend.commit.bind(backend);
    backend.commit = (changes) => {
      writes++;
      return commit(changes);
    };
    const stop = held.keepAlive();
    await vi.advanceTimersByTimeAsync(10 * leaseMs);
    stop();
    expect(writes).toBe(30);
  });

  test('aborts the signal when the store stays down past the end of the lease', async () => {
    const held = await lease();
    const stop = held.keepAlive();
    backend.fault = 'down';
    await vi.advanceTimersByTimeAsync((leaseMs * 13) / 12);
    expect(held.signal.reason).toMatchObject({ code: 'ERR_POSTERN_LEASE_LOST' });
    stop();
  });

  test('aborts the signal also when the store never answers at all, and asks it once only', async () => {
    const held = await lease();
    let asked = 0;
    backend.commit = () => {
      asked++;
      return new Promise(() => {});
    };
    const stop = held.keepAlive();
    await vi.advanceTimersByTimeAsync((leaseMs * 13) / 12);
    expect(held.signal.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(leaseMs);
    expect(asked).toBe(1);
    stop();
  });
});

describe('acquireLease', () => {
  const options = { leaseMs, waitMs: 5_000 };

  test('takes a free lease at once, even with no time to wait', async () => {
    await expect(acquireLease(storage, ['job'], { leaseMs, waitMs: 0 })).resolves.toBeDefined();
  });

  test('is woken by a release, without waiting for a poll', async () => {
    const held = await lease();
    const waiting = acquireLease(storage, ['job'], options);
    await vi.advanceTimersByTimeAsync(10);
    const start = performance.now();
    await held.release();
    await waiting;
    expect(performance.now()).toBe(start);
  });

  test('takes over within a quarter of a second after a holder died', async () => {
    await lease(1_000);
    const waiting = acquireLease(storage, ['job'], options).then(() => performance.now());
    const start = performance.now();
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await waiting) - start).toBeLessThanOrEqual(1_250);
  });

  test('throws LEASE_TIMEOUT when its time to wait is over', async () => {
    await lease();
    const waiting = acquireLease(storage, ['job'], options).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(waiting).resolves.toMatchObject({ code: 'ERR_POSTERN_LEASE_TIMEOUT' });
  });

  test('throws the reason when its signal aborts', async () => {
    await lease();
    const aborting = new AbortController();
    const waiting = acquireLease(storage, ['job'], { ...options, signal: aborting.signal }).catch(
      (error: unknown) => error,
    );
    await vi.advanceTimersByTimeAsync(10);
    aborting.abort('enough');
    await expect(waiting).resolves.toBe('enough');
  });

  test('serves 50 who wait one after the other, never two at once', async () => {
    let inside = 0;
    let most = 0;
    const work = Array.from({ length: 50 }, async () => {
      await using _held = await acquireLease(storage, ['job'], { leaseMs, waitMs: 60_000 });
      most = Math.max(most, ++inside);
      await Promise.resolve();
      inside--;
    });
    await vi.advanceTimersByTimeAsync(60_000);
    await Promise.all(work);
    expect(most).toBe(1);
  });

  test('throws what the store throws when it stays down, and never goes on without it', async () => {
    backend.fault = 'down';
    const waiting = acquireLease(storage, ['job'], options).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(waiting).resolves.toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
  });
});

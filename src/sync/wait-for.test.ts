import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { waitFor } from './wait-for.ts';

/** Counts who listens, and can lose signals. */
class CountingBackend extends MemoryBackend {
  listeners = 0;
  losesSignals = false;

  override async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    const unlisten = await super.listen(channel, wake);
    this.listeners++;
    return async () => {
      this.listeners--;
      await unlisten();
    };
  }

  override async signal(channel: string): Promise<void> {
    if (!this.losesSignals) await super.signal(channel);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(): {
  backend: CountingBackend;
  storage: NamespacedStorage;
  read: () => Promise<string | undefined>;
  reads: () => number;
  write: (text: string) => Promise<void>;
} {
  const backend = new CountingBackend();
  const storage = new NamespacedStorage(backend, ['p']);
  let reads = 0;
  return {
    backend,
    storage,
    reads: () => reads,
    read: async () => {
      reads++;
      const entry = await storage.get('it');
      return entry && new TextDecoder().decode(entry.value);
    },
    write: async (text) => {
      await storage.commit([{ put: storage.key(['it']), value: new TextEncoder().encode(text) }]);
      await storage.signal('it');
    },
  };
}

/** How a wait ended, and after how many milliseconds. */
async function timed(wait: Promise<unknown>): Promise<{ outcome: unknown; afterMs: number }> {
  const start = performance.now();
  const outcome = await wait.catch((error: unknown) => error);
  return { outcome, afterMs: performance.now() - start };
}

describe('waitFor', () => {
  test('returns at once what is already there', async () => {
    const { storage, read, write, reads } = setUp();
    await write('here');
    await expect(waitFor(storage, ['it'], read, { timeoutMs: 0 })).resolves.toBe('here');
    expect(reads()).toBe(1);
  });

  test('is woken by a signal, without waiting for the next poll', async () => {
    const { storage, read, write, backend } = setUp();
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 60_000, pollMs: 30_000 }));
    await vi.advanceTimersByTimeAsync(10);
    await write('now');
    await expect(wait).resolves.toEqual({ outcome: 'now', afterMs: 10 });
    expect(backend.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('finds by its poll what a lost signal did not tell', async () => {
    const { storage, read, write, backend } = setUp();
    backend.losesSignals = true;
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 60_000, pollMs: 1_000 }));
    await vi.advanceTimersByTimeAsync(10);
    await write('late');
    await vi.advanceTimersByTimeAsync(2_000);
    await expect(wait).resolves.toEqual({ outcome: 'late', afterMs: 1_000 });
  });

  test('misses nothing that is written while it reads', async () => {
    const { storage, write } = setUp();
    let reads = 0;
    const wait = timed(
      waitFor(
        storage,
        ['it'],
        async () => {
          if (reads++ > 0) return 'second read';
          // The answer of the store is old by the time it arrives; the signal has come meanwhile.
          await write('during the read');
          return undefined;
        },
        { timeoutMs: 60_000, pollMs: 30_000 },
      ),
    );
    await vi.advanceTimersByTimeAsync(1);
    await expect(wait).resolves.toEqual({ outcome: 'second read', afterMs: 0 });
  });

  test('reads again after a signal for nothing, and goes on; a doubled and a late signal change nothing', async () => {
    const { storage, read, write, reads } = setUp();
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 60_000, pollMs: 30_000 }));
    await vi.advanceTimersByTimeAsync(5);
    await Promise.all([storage.signal('it'), storage.signal('it')]);
    await vi.advanceTimersByTimeAsync(5);
    expect(reads()).toBe(2);
    await write('done');
    await write('done again');
    await expect(wait).resolves.toMatchObject({ outcome: 'done' });
    await storage.signal('it');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(reads()).toBe(3);
  });

  test('is not woken by the signals of another path or another namespace', async () => {
    const { backend, storage, read, reads } = setUp();
    const wait = waitFor(storage, ['it'], read, { timeoutMs: 1_000, pollMs: 1_000 });
    await vi.advanceTimersByTimeAsync(5);
    await storage.signal('it', 'below');
    await storage.signal('i');
    await new NamespacedStorage(backend, ['q']).signal('it');
    await vi.advanceTimersByTimeAsync(5);
    expect(reads()).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(wait).resolves.toBeUndefined();
  });

  test('ends at its deadline with undefined, and listens no more', async () => {
    const { storage, read, backend } = setUp();
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 2_500 }));
    await vi.advanceTimersByTimeAsync(2_500);
    await expect(wait).resolves.toEqual({ outcome: undefined, afterMs: 2_500 });
    expect(backend.listeners).toBe(0);
  });

  test('keeps its deadline when the wall clock jumps', async () => {
    const { storage, read } = setUp();
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 2_000, pollMs: 100 }));
    await vi.advanceTimersByTimeAsync(500);
    vi.setSystemTime(Date.now() - 24 * 60 * 60_000);
    await vi.advanceTimersByTimeAsync(500);
    vi.setSystemTime(Date.now() + 48 * 60 * 60_000);
    await vi.advanceTimersByTimeAsync(1_000);
    await expect(wait).resolves.toEqual({ outcome: undefined, afterMs: 2_000 });
  });

  test('throws the reason of its signal at once, and listens no more', async () => {
    const { storage, read, backend } = setUp();
    const aborting = new AbortController();
    const reason = new Error('the caller left');
    const wait = timed(waitFor(storage, ['it'], read, { timeoutMs: 60_000, signal: aborting.signal }));
    await vi.advanceTimersByTimeAsync(10);
    aborting.abort(reason);
    const { outcome, afterMs } = await wait;
    expect(outcome).toBe(reason);
    expect(afterMs).toBe(10);
    expect(backend.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('does not even read when its signal was aborted before', async () => {
    const { storage, read, reads } = setUp();
    await expect(
      waitFor(storage, ['it'], read, { timeoutMs: 9, signal: AbortSignal.abort() }),
    ).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    expect(reads()).toBe(0);
  });

  test('throws the reason also when the signal aborts while the store answers', async () => {
    const { storage } = setUp();
    const aborting = new AbortController();
    const wait = waitFor(
      storage,
      ['it'],
      async () => {
        aborting.abort('now');
        return undefined;
      },
      { timeoutMs: 60_000, signal: aborting.signal },
    );
    await expect(wait).rejects.toBe('now');
  });

  test('asks a failing store again, and returns what it says once it answers', async () => {
    const { storage, read, write } = setUp();
    await write('back');
    let failures = 3;
    const wait = timed(
      waitFor(
        storage,
        ['it'],
        async () => {
          if (failures-- > 0) throw new Error('down');
          return read();
        },
        { timeoutMs: 10_000, pollMs: 1_000 },
      ),
    );
    await vi.advanceTimersByTimeAsync(10_000);
    await expect(wait).resolves.toEqual({ outcome: 'back', afterMs: 3_000 });
  });

  test('throws a failure of the store that lasts to the deadline, and not one that was over before', async () => {
    const { storage, read } = setUp();
    const down = new Error('down');
    const lasting = timed(waitFor(storage, ['it'], () => Promise.reject(down), { timeoutMs: 3_000 }));
    await vi.advanceTimersByTimeAsync(3_000);
    await expect(lasting).resolves.toEqual({ outcome: down, afterMs: 3_000 });
    let calls = 0;
    const passing = waitFor(storage, ['it'], () => (calls++ === 0 ? Promise.reject(down) : read()), {
      timeoutMs: 3_000,
    });
    await vi.advanceTimersByTimeAsync(3_000);
    await expect(passing).resolves.toBeUndefined();
  });

  test('polls a store that cannot listen, and returns what it found although unlistening fails', async () => {
    const { storage, read, write, backend } = setUp();
    backend.listen = () => Promise.reject(new Error('no subscriptions just now'));
    await write('polled');
    await expect(waitFor(storage, ['it'], read, { timeoutMs: 100 })).resolves.toBe('polled');
    backend.listen = async () => () => Promise.reject(new Error('gone'));
    await expect(waitFor(storage, ['it'], read, { timeoutMs: 100 })).resolves.toBe('polled');
  });

  test.each([
    { timeoutMs: Number.NaN },
    { timeoutMs: Number.POSITIVE_INFINITY },
    { timeoutMs: undefined as unknown as number },
    { timeoutMs: 100, pollMs: 0 },
    { timeoutMs: 100, pollMs: Number.NaN },
  ])('refuses a wait without an end or without a pause: %o', async (options) => {
    const { storage, read, backend, reads } = setUp();
    await expect(waitFor(storage, ['it'], read, options)).rejects.toThrow(TypeError);
    expect(reads()).toBe(0);
    expect(backend.listeners).toBe(0);
  });

  test('clamps a deadline that no timer can hold, instead of reading without a pause', async () => {
    const { storage, read, reads, write } = setUp();
    const wait = waitFor(storage, ['it'], read, {
      timeoutMs: 99_999_999_999_000,
      pollMs: 99_999_999_999_000,
    });
    await vi.advanceTimersByTimeAsync(60 * 60_000);
    expect(reads()).toBe(1);
    await write('at last');
    await expect(wait).resolves.toBe('at last');
  });

  test('leaves the one that stayed waiting when 999 of 1,000 abort, and nobody listens afterwards', async () => {
    const { storage, read, write, backend } = setUp();
    const aborting = new AbortController();
    const waits = Array.from({ length: 1_000 }, (_, index) =>
      waitFor(storage, ['it'], read, {
        timeoutMs: 60_000,
        pollMs: 60_000,
        signal: index === 500 ? undefined : aborting.signal,
      }),
    );
    const outcomes = Promise.allSettled(waits);
    await vi.advanceTimersByTimeAsync(1);
    expect(backend.listeners).toBe(1_000);
    aborting.abort(new Error('gone'));
    await vi.advanceTimersByTimeAsync(1);
    expect(backend.listeners).toBe(1);
    await write('one');
    const fulfilled = (await outcomes).filter(({ status }) => status === 'fulfilled');
    expect(fulfilled).toEqual([{ status: 'fulfilled', value: 'one' }]);
    expect(backend.listeners).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

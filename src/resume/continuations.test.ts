import { afterEach, describe, expect, test, vi } from 'vitest';
import { PosternError } from '../core/postern-error.ts';
import { createNamespace, type Namespace } from '../namespace/namespace.ts';
import { PendingManager } from '../pending/pending-manager.ts';
import type { Pending, PendingOutcome } from '../pending/pending.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { tryAcquireLease } from '../sync/lease.ts';
import type { Continuation } from './continuation.ts';
import { Continuations, type ContinuationsOptions } from './continuations.ts';

const alice = createNamespace('client', 'alice');
const minutes = 60_000;

interface Heard {
  readonly resumed: Continuation[];
  readonly abandoned: { key: string; code: string; outcome: string }[];
}

interface World extends Heard {
  readonly storage: MemoryBackend;
  readonly pendings: PendingManager;
  readonly advance: (ms: number) => void;
  readonly now: () => number;
  /** One more process on the store, as it were. */
  readonly process: (options?: Partial<ContinuationsOptions>) => Continuations;
  readonly ask: (namespace?: Namespace, ttlMs?: number) => Promise<Pending>;
  readonly end: (pending: Pending, outcome?: PendingOutcome) => Promise<void>;
}

function createWorld(resume: (continuation: Continuation) => Promise<void> = async () => {}): World {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const storage = new MemoryBackend({ clock });
  const pendings = new PendingManager({ storage, clock, linkFor: (id) => `https://bot.example/connect/${id}` });
  const resumed: Continuation[] = [];
  const abandoned: { key: string; code: string; outcome: string }[] = [];
  return {
    storage,
    pendings,
    resumed,
    abandoned,
    now: clock,
    advance: (ms) => void (nowMs += ms),
    process: (options) => {
      const continuations = new Continuations({ storage, clock, waitsFor: (error) => (error as { pendingId?: string }).pendingId, ...options });
      continuations.register('answer', {
        resume: async (continuation) => {
          resumed.push(continuation);
          await resume(continuation);
        },
        abandon: async ({ idempotencyKey: key, outcome }, code) => void abandoned.push({ key, code, outcome }),
      });
      return continuations;
    },
    ask: (namespace = alice, ttlMs = 10 * minutes) => pendings.create(namespace, { kind: 'test', data: null, ttlMs }),
    end: async (pending, outcome = { status: 'completed' }) => {
      await pendings.in(pending.namespace).end(pending.id, outcome);
    },
  };
}

const request = (pending: Pending, payload: unknown = { thread: 't1' }): { handler: string; payload: unknown; waitingFor: string } => ({
  handler: 'answer',
  payload,
  waitingFor: pending.id,
});

const sweep = { sweep: true };

async function pointers(storage: MemoryBackend): Promise<string[]> {
  return (await storage.list(['resume'], { limit: 1_000 })).map(({ key }) => key[1] ?? '');
}

afterEach(() => void vi.useRealTimers());

describe('park', () => {
  test('before the end of its pending: runs after the announcement, with its payload, and not before', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending, { thread: 't1', list: [1, null] }));
    await expect(process.runDue(sweep)).resolves.toBe(0);
    await world.end(pending);
    await process.announce(alice, pending.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
    expect(world.resumed).toEqual([
      {
        idempotencyKey: id,
        namespace: alice,
        payload: { thread: 't1', list: [1, null] },
        outcome: 'completed',
        attempt: 1,
        signal: expect.any(AbortSignal),
      },
    ]);
  });

  test('after the end of its pending: runs without any announcement', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await world.end(pending);
    await process.park(alice, request(pending));
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
    expect(world.resumed).toHaveLength(1);
  });

  test('during the end of its pending: runs, however the steps of the two interleave', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const world = createWorld();
      const process = world.process();
      const pending = await world.ask();
      const ending = (async () => {
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        await world.end(pending);
        await process.announce(alice, pending.id);
      })();
      await Promise.all([process.park(alice, request(pending)), ending]);
      await process.runDue({ sweep: false });
      expect(world.resumed).toHaveLength(1);
    }
  });

  test('leaves no payload and no pointer behind once it has run', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending, 'CNRY_payload'));
    await world.end(pending);
    await process.runDue(sweep);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'done', payload: null, attempts: 1 });
    await expect(pointers(world.storage)).resolves.toEqual([]);
    const entries = await world.storage.list([alice.partition]);
    expect(entries.map(({ value }) => new TextDecoder().decode(value)).join('\n')).not.toContain('CNRY_payload');
  });

  test.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a number without a JSON form', 10n],
    ['an object that contains itself', Object.assign({}, { get self() { return loop; } })],
    ['257 KiB', 'x'.repeat(257 * 1024)],
    ['257 KiB in few characters', '語'.repeat((257 * 1024) / 3)],
  ])('refuses a payload that is %s, and writes nothing', async (_name, payload) => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    const before = await world.storage.list([alice.partition]);
    await expect(process.park(alice, { ...request(pending), payload })).rejects.toMatchObject({
      code: 'ERR_POSTERN_RESUME_PAYLOAD_INVALID',
    });
    await expect(world.storage.list([alice.partition])).resolves.toEqual(before);
    await expect(pointers(world.storage)).resolves.toEqual([]);
  });

  test('takes a payload of 256 KiB to the byte', async () => {
    const world = createWorld();
    const pending = await world.ask();
    await expect(world.process().park(alice, request(pending, 'x'.repeat(256 * 1024 - 2)))).resolves.toBeDefined();
  });
});

describe('resuming', () => {
  test('happens once with 8 workers that are all woken for each of 50 requests', async () => {
    const world = createWorld();
    const processes = Array.from({ length: 8 }, () => world.process());
    const pending = await world.ask();
    for (let index = 0; index < 50; index++) await processes[index % 8]!.park(alice, request(pending, index));
    await world.end(pending);
    await processes[0]!.announce(alice, pending.id);
    await Promise.all(processes.map((process) => process.runDue(sweep)));
    await Promise.all(processes.map((process) => process.runDue(sweep)));
    const runs = world.resumed.map(({ payload }) => payload as number).toSorted((a, b) => a - b);
    expect(runs).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('after a lost announcement happens at the next sweep', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await world.end(pending);
    await expect(process.runDue({ sweep: false })).resolves.toBe(0);
    await expect(process.runDue(sweep)).resolves.toBe(1);
  });

  test('sweeps by itself when the last sweep is old, and also after its clock was set back', async () => {
    const world = createWorld();
    const process = world.process({ sweepMs: 5_000 });
    const first = await world.ask();
    await process.park(alice, request(first));
    await process.runDue();
    await world.end(first);
    await expect(process.runDue()).resolves.toBe(0);
    world.advance(5_000);
    await expect(process.runDue()).resolves.toBe(1);
    const second = await world.ask();
    await process.park(alice, request(second));
    await process.runDue(sweep);
    await world.end(second);
    world.advance(-24 * 60 * minutes);
    await expect(process.runDue()).resolves.toBe(1);
  });

  test('announces more requests of one namespace than fit on a page, and only those of the pending that ended', async () => {
    const world = createWorld();
    const process = world.process();
    const [ended, open] = [await world.ask(), await world.ask()];
    for (let index = 0; index < 250; index++) await process.park(alice, request(index % 5 === 4 ? open : ended, index));
    await world.end(ended);
    await process.announce(alice, ended.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(200);
    await expect(process.runDue(sweep)).resolves.toBe(0);
  });

  test('leaves other namespaces alone: an announcement in one wakes nothing in another', async () => {
    const world = createWorld();
    const process = world.process();
    const bob = createNamespace('client', 'bob');
    const pending = await world.ask(bob);
    await process.park(bob, request(pending));
    await world.end(pending);
    await process.announce(alice, pending.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(0);
    await process.announce(bob, pending.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
    expect(world.resumed[0]!.namespace).toEqual(bob);
  });

  test('treats a pending of another namespace as one that does not exist', async () => {
    const world = createWorld();
    const process = world.process();
    const his = await world.ask(createNamespace('client', 'bob'));
    await world.end(his);
    await process.park(alice, request(his));
    await process.runDue(sweep);
    expect(world.resumed).toEqual([]);
    expect(world.abandoned).toMatchObject([{ code: 'ERR_POSTERN_PENDING_EXPIRED' }]);
  });

  test('runs no more at once than it may, and a slow handler keeps no other from running', async () => {
    const slow = Promise.withResolvers<void>();
    let [running, most] = [0, 0];
    const world = createWorld(async ({ payload }) => {
      most = Math.max(most, ++running);
      if (payload === 'slow') await slow.promise;
      else await Promise.resolve();
      running--;
    });
    const process = world.process({ concurrency: 4 });
    const pending = await world.ask();
    await process.park(alice, request(pending, 'slow'));
    await world.end(pending);
    const first = process.runDue(sweep);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    for (let index = 0; index < 20; index++) await process.park(alice, request(pending, index));
    await expect(process.runDue(sweep)).resolves.toBe(20);
    expect(world.resumed).toHaveLength(21);
    slow.resolve();
    await first;
    expect(most).toBeLessThanOrEqual(4);
  });

  test('is left to a process that knows the handler', async () => {
    const world = createWorld();
    const pending = await world.ask();
    const stranger = new Continuations({ storage: world.storage, clock: world.now });
    const { id } = await stranger.park(alice, request(pending));
    await world.end(pending);
    await expect(stranger.runDue(sweep)).resolves.toBe(0);
    await expect(stranger.find(alice, id)).resolves.toMatchObject({ status: 'waiting', attempts: 0 });
    await expect(world.process().runDue(sweep)).resolves.toBe(1);
  });
});

describe('an end other than completion', () => {
  test.each<[PendingOutcome, string]>([
    [{ status: 'cancelled' }, 'ERR_POSTERN_PENDING_CANCELLED'],
    [{ status: 'cancelled', failure: 'ERR_POSTERN_AUTH_DENIED' }, 'ERR_POSTERN_AUTH_DENIED'],
    [{ status: 'failed', failure: 'ERR_POSTERN_AUTH_REJECTED' }, 'ERR_POSTERN_AUTH_REJECTED'],
  ])('%o abandons the request once, and says why', async (outcome, code) => {
    const world = createWorld();
    const processes = [world.process(), world.process()];
    const pending = await world.ask();
    const { id } = await processes[0]!.park(alice, request(pending));
    await world.end(pending, outcome);
    for (const process of [...processes, ...processes]) await process.runDue(sweep);
    expect(world.resumed).toEqual([]);
    expect(world.abandoned).toEqual([{ key: id, code, outcome: outcome.status }]);
    await expect(processes[0]!.find(alice, id)).resolves.toMatchObject({ status: 'abandoned', failure: code, payload: null });
    await expect(pointers(world.storage)).resolves.toEqual([]);
  });

  test('by time abandons the request once, with nobody announcing it', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    world.advance(10 * minutes - 1);
    await process.runDue(sweep);
    expect(world.abandoned).toEqual([]);
    world.advance(1);
    await process.runDue(sweep);
    await process.runDue(sweep);
    expect(world.abandoned).toMatchObject([{ code: 'ERR_POSTERN_PENDING_EXPIRED', outcome: 'expired' }]);
  });

  test('is not seen by a process whose clock alone runs an hour ahead', async () => {
    const world = createWorld();
    const pending = await world.ask();
    await world.process().park(alice, request(pending));
    const ahead = world.process({ clock: () => world.now() + 60 * minutes });
    await ahead.runDue(sweep);
    expect(world.abandoned).toEqual([]);
    await world.end(pending);
    await ahead.runDue(sweep);
    expect(world.resumed).toHaveLength(1);
  });

  test('without anybody to tell is written down all the same', async () => {
    const world = createWorld();
    const process = world.process();
    process.register('answer', { resume: async () => {} });
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending, { status: 'cancelled' });
    await process.runDue(sweep);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'abandoned' });
  });
});

describe('a handler that fails', () => {
  test('is tried again after a pause that doubles, then given up visibly, and its process goes on', async () => {
    const world = createWorld(() => Promise.reject(new PosternError('ERR_POSTERN_CLIENT_UNREACHABLE', 'down')));
    const process = world.process({ maxAttempts: 4, backoffMs: 1_000 });
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await process.runDue(sweep);
      await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'waiting', failure: 'ERR_POSTERN_CLIENT_UNREACHABLE' });
      world.advance(pauseMs - 1);
      await expect(process.runDue(sweep)).resolves.toBe(0);
      world.advance(1);
    }
    await process.runDue(sweep);
    expect(world.resumed.map(({ attempt, idempotencyKey }) => [attempt, idempotencyKey])).toEqual([[1, id], [2, id], [3, id], [4, id]]);
    expect(world.abandoned).toEqual([{ key: id, code: 'ERR_POSTERN_RESUME_GAVE_UP', outcome: 'completed' }]);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'abandoned', failure: 'ERR_POSTERN_RESUME_GAVE_UP' });
    world.advance(60 * minutes);
    await expect(process.runDue(sweep)).resolves.toBe(0);
  });

  test('once and then succeeds has run twice, with the same key', async () => {
    const world = createWorld(async ({ attempt }) => {
      if (attempt === 1) throw new Error('not yet');
    });
    const process = world.process();
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    await process.runDue(sweep);
    world.advance(1_000);
    await process.runDue(sweep);
    expect(world.resumed.map(({ idempotencyKey }) => idempotencyKey)).toEqual([id, id]);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'done' });
  });

  test('for longer than the record was to be kept is still given up visibly', async () => {
    const world = createWorld(() => Promise.reject(new Error('down')));
    const process = world.process({ maxAttempts: 40 });
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await world.end(pending);
    for (let attempt = 0; attempt < 40; attempt++) {
      await process.runDue(sweep);
      world.advance(60 * minutes);
      // The end of the pending is remembered for a day; the request has outlived it.
      if (world.abandoned.length > 0) break;
    }
    expect(world.abandoned).toHaveLength(1);
  });

  test('to be told of its end is not told again', async () => {
    const world = createWorld();
    const process = world.process();
    let told = 0;
    process.register('answer', {
      resume: async () => {},
      abandon: async () => {
        told++;
        throw new Error('cannot be told');
      },
    });
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await world.end(pending, { status: 'cancelled' });
    await process.runDue(sweep);
    await process.runDue(sweep);
    expect(told).toBe(1);
  });
});

describe('a handler that needs a second pending', () => {
  test('is parked again, and that counts as no failure', async () => {
    let second: Pending | undefined;
    const world: World = createWorld(async () => {
      if (second !== undefined) return;
      second = await world.ask();
      throw Object.assign(new Error('sign in elsewhere too'), { pendingId: second.id });
    });
    const process = world.process({ maxAttempts: 1 });
    const first = await world.ask();
    const { id } = await process.park(alice, request(first));
    await world.end(first);
    await process.runDue(sweep);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'waiting', waitingFor: second!.id, attempts: 0 });
    await expect(process.runDue(sweep)).resolves.toBe(0);
    await world.end(second!);
    await process.announce(alice, second!.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
    expect(world.resumed.map(({ attempt, idempotencyKey }) => [attempt, idempotencyKey])).toEqual([[1, id], [1, id]]);
    expect(world.abandoned).toEqual([]);
  });

  test('that has ended already runs again without an announcement', async () => {
    let second: Pending | undefined;
    const world: World = createWorld(async () => {
      if (second !== undefined) return;
      second = await world.ask();
      await world.end(second);
      throw Object.assign(new Error('sign in elsewhere too'), { pendingId: second.id });
    });
    const process = world.process();
    const first = await world.ask();
    await process.park(alice, request(first));
    await world.end(first);
    await process.runDue(sweep);
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
  });

  test('is not run once more by a process that looked before it was parked again', async () => {
    let second: Pending | undefined;
    const world: World = createWorld(async () => {
      second ??= await world.ask();
      throw Object.assign(new Error('sign in elsewhere too'), { pendingId: second.id });
    });
    const processes = Array.from({ length: 8 }, () => world.process());
    const first = await world.ask();
    await processes[0]!.park(alice, request(first));
    await world.end(first);
    await Promise.all(processes.map((process) => process.runDue(sweep)));
    expect(world.resumed).toHaveLength(1);
  });

  test('that is the one it was parked on has failed', async () => {
    const world: World = createWorld(async () => {
      throw Object.assign(new Error('again?'), { pendingId: first.id });
    });
    const first = await world.ask();
    const process = world.process({ maxAttempts: 1 });
    await process.park(alice, request(first));
    await world.end(first);
    await process.runDue(sweep);
    expect(world.abandoned).toMatchObject([{ code: 'ERR_POSTERN_RESUME_GAVE_UP' }]);
  });
});

describe('a process that dies inside a handler', () => {
  const claim = async (world: World, id: string, attempts: number): Promise<void> => {
    // What such a process leaves behind: a record that says running, and a claim nobody renews.
    const storage = new NamespacedStorage(world.storage, [alice.partition]);
    await tryAcquireLease(storage, ['claim', id], { leaseMs: 30_000, clock: world.now });
    const [entry] = (await storage.list(['continuation'])).filter(({ key }) => key.at(-1) === id);
    const record = JSON.parse(new TextDecoder().decode(entry!.value)) as object;
    const value = new TextEncoder().encode(JSON.stringify({ ...record, status: 'running', attempts }));
    await storage.commit([{ put: entry!.key, value, expiresAtMs: entry!.expiresAtMs }]);
  };

  test('keeps its claim for claimMs, and then another runs the request, with the same key', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    await claim(world, id, 1);
    world.advance(29_999);
    await expect(process.runDue(sweep)).resolves.toBe(0);
    world.advance(1);
    await expect(process.runDue(sweep)).resolves.toBe(1);
    expect(world.resumed).toMatchObject([{ attempt: 2, idempotencyKey: id }]);
  });

  test('as often as the policy allows is not resumed for ever: the request is given up', async () => {
    const world = createWorld();
    const process = world.process({ maxAttempts: 3 });
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    await claim(world, id, 3);
    world.advance(30_000);
    await process.runDue(sweep);
    expect(world.resumed).toEqual([]);
    expect(world.abandoned).toEqual([{ key: id, code: 'ERR_POSTERN_RESUME_GAVE_UP', outcome: 'completed' }]);
  });

  test('while it is told that the request was given up is not told for ever either', async () => {
    const world = createWorld();
    const process = world.process({ maxAttempts: 3 });
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    await claim(world, id, 6);
    world.advance(30_000);
    await process.runDue(sweep);
    expect(world.abandoned).toEqual([]);
    await expect(process.find(alice, id)).resolves.toMatchObject({ status: 'abandoned' });
  });

  test('in fact only froze does not undo what its successor wrote', async () => {
    const frozen = Promise.withResolvers<void>();
    const world = createWorld(async ({ attempt }) => {
      if (attempt === 1) await frozen.promise;
    });
    const process = world.process();
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    const first = process.runDue(sweep);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    world.advance(30_000);
    await expect(world.process().runDue(sweep)).resolves.toBe(1);
    const after = await world.storage.get([alice.partition, 'continuation', id]);
    frozen.resolve();
    await first;
    await expect(world.storage.get([alice.partition, 'continuation', id])).resolves.toEqual(after);
  });
});

describe('pointers', () => {
  test('without a request are dropped at a sweep', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await new NamespacedStorage(world.storage, [alice.partition]).clear();
    await expect(pointers(world.storage)).resolves.toEqual(['waiting']);
    await process.runDue(sweep);
    await expect(pointers(world.storage)).resolves.toEqual([]);
  });

  test('are dropped with everything else of 1,000 requests that nobody came back for', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    for (let index = 0; index < 1_000; index++) await process.park(alice, request(pending, index));
    world.advance(10 * minutes);
    await process.runDue(sweep);
    expect(world.abandoned).toHaveLength(1_000);
    world.advance(24 * 60 * minutes);
    await expect(pointers(world.storage)).resolves.toEqual([]);
    await expect(world.storage.list([alice.partition])).resolves.toEqual([]);
  });
});

describe('start and stop', () => {
  test('resume at a signal, without waiting for a sweep, and stop waits for the handler', async () => {
    const gate = Promise.withResolvers<void>();
    const world = createWorld(() => gate.promise);
    const process = world.process({ sweepMs: 60 * minutes });
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await process.start();
    await world.end(pending);
    await world.process().announce(alice, pending.id);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    let isStopped = false;
    const stopped = process.stop().then(() => (isStopped = true));
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(isStopped).toBe(false);
    gate.resolve();
    await stopped;
    await expect(pointers(world.storage)).resolves.toEqual([]);
  });

  test('find at the first sweep what ended while no process was alive', async () => {
    const world = createWorld();
    const pending = await world.ask();
    await world.process().park(alice, request(pending));
    await world.end(pending);
    const process = world.process({ sweepMs: 60 * minutes });
    await process.start();
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    await process.stop();
  });

  test('sweep every sweepMs, although the clock stands still and no signal comes', async () => {
    vi.useFakeTimers();
    const world = createWorld();
    world.storage.signal = async () => {};
    const process = world.process({ sweepMs: 5_000 });
    await process.start();
    for (let round = 1; round <= 3; round++) {
      const pending = await world.ask();
      await process.park(alice, request(pending));
      await world.end(pending);
      await vi.advanceTimersByTimeAsync(5_000);
      await vi.waitFor(() => expect(world.resumed).toHaveLength(round));
    }
    await process.stop();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('take up nothing after stop, leave nobody listening, and can start again', async () => {
    const world = createWorld();
    let listeners = 0;
    const listen = world.storage.listen.bind(world.storage);
    world.storage.listen = async (channel, wake) => {
      const unlisten = await listen(channel, wake);
      listeners++;
      return async () => {
        listeners--;
        await unlisten();
      };
    };
    const process = world.process();
    await Promise.all([process.start(), process.start()]);
    expect(listeners).toBe(1);
    await process.stop();
    await process.stop();
    expect(listeners).toBe(0);
    const pending = await world.ask();
    await world.end(pending);
    await process.park(alice, request(pending));
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(world.resumed).toEqual([]);
    await process.start();
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    await process.stop();
  });

  test('end cleanly when stop comes before start has finished', async () => {
    const world = createWorld();
    const process = world.process();
    const starting = process.start();
    await process.stop();
    await starting;
    const pending = await world.ask();
    await world.end(pending);
    await process.park(alice, request(pending));
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
    expect(world.resumed).toEqual([]);
  });

  test('stop in the middle of a long list takes up no further request', async () => {
    const gate = Promise.withResolvers<void>();
    const world = createWorld(() => gate.promise);
    const process = world.process({ concurrency: 2 });
    const pending = await world.ask();
    await world.end(pending);
    for (let index = 0; index < 20; index++) await process.park(alice, request(pending, index));
    await process.start();
    await vi.waitFor(() => expect(world.resumed).toHaveLength(2));
    const stopped = process.stop();
    gate.resolve();
    await stopped;
    expect(world.resumed).toHaveLength(2);
  });

  test('go on after the store was out of reach', async () => {
    vi.useFakeTimers();
    const world = createWorld();
    const process = world.process({ sweepMs: 1_000 });
    const list = world.storage.list.bind(world.storage);
    world.storage.list = () => Promise.reject(new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'down'));
    world.storage.listen = () => Promise.reject(new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'down'));
    await process.start();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await world.end(pending);
    await vi.advanceTimersByTimeAsync(3_000);
    world.storage.list = list;
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    await process.stop();
  });
});

const loop: unknown = (() => {
  const self: { self?: unknown } = {};
  self.self = self;
  return self;
})();

import { describe, expect, test, vi } from 'vitest';
import { PosternError } from '../core/postern-error.ts';
import type { Pending, PendingOutcome } from '../pending/pending.ts';
import type { StorageBackend } from '../storage/contract.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import { tryAcquireLease } from '../sync/lease.ts';
import { createRecordingLogger } from '../../test/support/recording-logger.ts';
import {
  alice,
  createWorld,
  minutes,
  pointers,
  request,
  sweep,
  type World,
} from '../../test/kernel/continuation-world.ts';

let held = 0;

/** The same store, as a process sees it that is slow to claim what it found. */
function heldAtClaims(storage: StorageBackend, gate: Promise<void>): StorageBackend {
  held = 0;
  return {
    capabilities: storage.capabilities,
    get: (key) => storage.get(key),
    list: (prefix, page) => storage.list(prefix, page),
    signal: (channel) => storage.signal(channel),
    listen: (channel, wake) => storage.listen(channel, wake),
    close: () => storage.close(),
    commit: async (changes) => {
      if (changes.some((change) => 'put' in change && change.put[1] === 'claim')) {
        held++;
        await gate;
      }
      return storage.commit(changes);
    },
  };
}

describe('an end other than completion', () => {
  test.each<[PendingOutcome, string]>([
    [{ status: 'cancelled' }, 'ERR_POSTERN_PENDING_CANCELLED'],
    [{ status: 'cancelled', failure: 'ERR_POSTERN_AUTH_DENIED' }, 'ERR_POSTERN_AUTH_DENIED'],
    [{ status: 'failed', failure: 'ERR_POSTERN_AUTH_REJECTED' }, 'ERR_POSTERN_AUTH_REJECTED'],
  ])(
    '%o abandons the request once, and says why, as an error only where it is no person’s choice',
    async (outcome, code) => {
      const world = createWorld();
      const logger = createRecordingLogger();
      const processes = [world.process({ logger }), world.process({ logger })];
      const pending = await world.ask();
      const { id } = await processes[0]!.park(alice, request(pending));
      await world.end(pending, outcome);
      for (const process of [...processes, ...processes]) await process.runDue(sweep);
      expect(world.resumed).toEqual([]);
      expect(world.abandoned).toEqual([{ key: id, code, outcome: outcome.status }]);
      await expect(processes[0]!.find(alice, id)).resolves.toMatchObject({
        status: 'abandoned',
        failure: code,
        payload: null,
      });
      await expect(pointers(world.storage)).resolves.toEqual([]);
      const told = logger.lines.filter((line) => line.includes('was given up'));
      expect(told.map((line) => line.split(' ')[0])).toEqual([
        outcome.status === 'failed' ? 'error' : 'info',
      ]);
    },
  );

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
    const world = createWorld(() =>
      Promise.reject(new PosternError('ERR_POSTERN_CLIENT_UNREACHABLE', 'down')),
    );
    const process = world.process({ maxAttempts: 4, backoffMs: 1_000 });
    const pending = await world.ask();
    const { id } = await process.park(alice, request(pending));
    await world.end(pending);
    for (const pauseMs of [1_000, 2_000, 4_000]) {
      await process.runDue(sweep);
      await expect(process.find(alice, id)).resolves.toMatchObject({
        status: 'waiting',
        failure: 'ERR_POSTERN_CLIENT_UNREACHABLE',
      });
      world.advance(pauseMs - 1);
      await expect(process.runDue(sweep)).resolves.toBe(0);
      world.advance(1);
    }
    await process.runDue(sweep);
    expect(world.resumed.map(({ attempt, idempotencyKey }) => [attempt, idempotencyKey])).toEqual([
      [1, id],
      [2, id],
      [3, id],
      [4, id],
    ]);
    expect(world.abandoned).toEqual([{ key: id, code: 'ERR_POSTERN_RESUME_GAVE_UP', outcome: 'completed' }]);
    await expect(process.find(alice, id)).resolves.toMatchObject({
      status: 'abandoned',
      failure: 'ERR_POSTERN_RESUME_GAVE_UP',
    });
    world.advance(60 * minutes);
    await expect(process.runDue(sweep)).resolves.toBe(0);
  });

  test.each([
    ['until when nothing is to be tried again, is tried again then', 5 * minutes, 5 * minutes],
    ['a time that is over sooner, is tried again after its own pause', 10, 1_000],
    ['a time beyond all measure, is tried again after an hour', 1_000 * minutes, 60 * minutes],
  ])('and says %s', async (_, askedMs, pauseMs) => {
    const world = createWorld(() => {
      const evidence = { retryAtMs: world.now() + askedMs };
      return Promise.reject(new PosternError('ERR_POSTERN_CLIENT_CONNECTION_FAILED', 'busy', { evidence }));
    });
    const process = world.process({ maxAttempts: 2, backoffMs: 1_000 });
    const pending = await world.ask(alice, 2_000 * minutes);
    await process.park(alice, request(pending));
    await world.end(pending);
    await process.runDue(sweep);
    world.advance(pauseMs - 1);
    await expect(process.runDue(sweep)).resolves.toBe(0);
    world.advance(1);
    await process.runDue(sweep);
    expect(world.resumed.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });

  test('is not run again before its pause by a process that looked before it failed', async () => {
    const world = createWorld(() => Promise.reject(new Error('down')));
    const gate = Promise.withResolvers<void>();
    const late = world.process({ storage: heldAtClaims(world.storage, gate.promise) });
    const pending = await world.ask();
    const { id } = await late.park(alice, request(pending));
    await world.end(pending);
    const looking = late.runDue(sweep);
    await vi.waitFor(() => expect(held).toBe(1));
    await world.process().runDue(sweep);
    gate.resolve();
    await expect(looking).resolves.toBe(0);
    expect(world.resumed).toHaveLength(1);
    await expect(late.find(alice, id)).resolves.toMatchObject({ status: 'waiting', attempts: 1 });
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
    await expect(process.find(alice, id)).resolves.toMatchObject({
      status: 'waiting',
      waitingFor: second!.id,
      attempts: 0,
    });
    await expect(process.runDue(sweep)).resolves.toBe(0);
    await world.end(second!);
    await process.announce(alice, second!.id);
    await expect(process.runDue({ sweep: false })).resolves.toBe(1);
    expect(world.resumed.map(({ attempt, idempotencyKey }) => [attempt, idempotencyKey])).toEqual([
      [1, id],
      [1, id],
    ]);
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

  test('in fact only froze does not take away the pointer its successor still needs', async () => {
    const frozen = Promise.withResolvers<void>();
    const dead = Promise.withResolvers<void>();
    const world = createWorld(
      ({ attempt }) => [frozen.promise, dead.promise, Promise.resolve()][attempt - 1]!,
    );
    const pending = await world.ask();
    await world.process().park(alice, request(pending));
    await world.end(pending);
    const first = world.process().runDue(sweep);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(1));
    world.advance(30_000);
    const second = world.process().runDue(sweep);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(2));
    frozen.resolve();
    await first;
    // The successor is as good as dead; a third must be able to find the request.
    world.advance(30_000);
    await expect(world.process().runDue(sweep)).resolves.toBe(1);
    expect(world.resumed.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    dead.resolve();
    await second;
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

import { describe, expect, test, vi } from 'vitest';
import { createNamespace } from '../namespace/namespace.ts';
import { Continuations } from './continuations.ts';
import {
  alice,
  createWorld,
  minutes,
  pointers,
  request,
  sweep,
} from '../../test/kernel/continuation-world.ts';

const loop: unknown = (() => {
  const self: { self?: unknown } = {};
  self.self = self;
  return self;
})();

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
        waitedFor: pending.id,
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
    await expect(process.find(alice, id)).resolves.toMatchObject({
      status: 'done',
      payload: null,
      attempts: 1,
    });
    await expect(pointers(world.storage)).resolves.toEqual([]);
    const entries = await world.storage.list([alice.partition]);
    expect(entries.map(({ value }) => new TextDecoder().decode(value)).join('\n')).not.toContain(
      'CNRY_payload',
    );
  });

  test.each([
    ['undefined', undefined],
    ['a function', () => {}],
    ['a number without a JSON form', 10n],
    [
      'an object that contains itself',
      Object.assign(
        {},
        {
          get self() {
            return loop;
          },
        },
      ),
    ],
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
    await expect(
      world.process().park(alice, request(pending, 'x'.repeat(256 * 1024 - 2))),
    ).resolves.toBeDefined();
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

  test.each([-25 * 60, -61, 61, 25 * 60])(
    'by a process whose clock is off by %i minutes is remembered as long as by any other',
    async (off) => {
      const world = createWorld();
      const process = world.process({ clock: () => world.now() + off * minutes });
      const pending = await world.ask();
      const { id } = await process.park(alice, request(pending));
      await world.end(pending);
      world.advance(30 * minutes);
      await expect(process.runDue(sweep)).resolves.toBe(1);
      const entry = await world.storage.get([alice.partition, 'continuation', id]);
      expect(entry?.expiresAtMs).toBe(world.now() + 24 * 60 * minutes);
      await expect(world.storage.list([alice.partition, 'claim'])).resolves.toEqual([]);
    },
  );

  test('announces more requests of one namespace than fit on a page, and only those of the pending that ended', async () => {
    const world = createWorld();
    const process = world.process();
    const [ended, open] = [await world.ask(), await world.ask()];
    for (let index = 0; index < 250; index++)
      await process.park(alice, request(index % 5 === 4 ? open : ended, index));
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

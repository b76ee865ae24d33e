import { describe, expect, test } from 'vitest';
import type { Logger } from '../core/logger.ts';
import { createNamespace } from '../namespace/namespace.ts';
import { Continuations } from '../resume/continuations.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { PendingManager } from './pending-manager.ts';
import type { OnPendingEnd } from './pending.ts';
import { Pendings } from './pendings.ts';

const alice = createNamespace('user', 'alice');
const spec = { kind: 'question', data: { question: 'Which?' }, ttlMs: 60_000 };

function setUp(onEnd?: OnPendingEnd, logger?: Logger) {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const storage = new MemoryBackend({ clock });
  const told: [string, string, unknown, string | undefined][] = [];
  const options = {
    storage,
    clock,
    logger,
    onEnd: onEnd ?? (({ id, status, data, failure }) => void told.push([id, status, data, failure])),
  };
  const pendings = new Pendings({ ...options, linkFor: String });
  const manager = new PendingManager({
    ...options,
    linkFor: String,
    namespaces: { resolve: async () => alice },
  });
  return { storage, clock, pendings, manager, told, advance: (ms: number) => void (nowMs += ms) };
}

describe('onEnd', () => {
  test('is told of each end once, with the data the pending had, whoever ends it', async () => {
    const { pendings, manager, told } = setUp();
    const store = pendings.in(alice);
    const [one, two, three] = [
      await pendings.create(alice, spec),
      await pendings.create(alice, spec),
      await pendings.create(alice, spec),
    ];
    await Promise.allSettled([manager.complete(one.id), manager.complete(one.id), store.complete(one.id)]);
    await store.end(two.id, { status: 'failed', failure: 'ERR_POSTERN_AUTH_REJECTED' });
    await manager.cancel(three.id);
    expect(told).toEqual([
      [one.id, 'completed', spec.data, undefined],
      [two.id, 'failed', spec.data, 'ERR_POSTERN_AUTH_REJECTED'],
      [three.id, 'cancelled', spec.data, undefined],
    ]);
  });

  test('is told that time ended one by whoever found it, once', async () => {
    const { pendings, told, advance } = setUp();
    const { pending } = await pendings.createOnce(alice, ['slot'], async () => spec);
    advance(60_000);
    await Promise.all([
      pendings.findLive(alice, ['slot']),
      pendings.waitFor(pending, { timeoutMs: 0 }),
      pendings.in(alice).get(pending.id),
    ]);
    expect(told).toEqual([[pending.id, 'expired', spec.data, undefined]]);
  });

  test('is told of live ones that are cleared, and not again of ended ones', async () => {
    const { pendings, manager, told } = setUp();
    const [live, ended] = [await pendings.create(alice, spec), await pendings.create(alice, spec)];
    await manager.complete(ended.id);
    told.length = 0;
    await manager.clearNamespace({});
    expect(told).toEqual([[live.id, 'expired', spec.data, undefined]]);
  });

  test('is called after the end can be read', async () => {
    const statuses: (string | undefined)[] = [];
    const world = setUp(async ({ id }) => {
      statuses.push((await world.pendings.in(alice).get(id))?.status);
    });
    const { id } = await world.pendings.create(alice, spec);
    await world.manager.complete(id);
    expect(statuses).toEqual(['completed']);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('the thread is closed');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the thread is closed'))],
  ])(
    'that %s is said in the log, in its own words, and the pending has ended all the same',
    async (_, onEnd) => {
      const lines: string[] = [];
      const log = (message: string, fields: object = {}): void =>
        void lines.push(message + JSON.stringify(fields));
      const { pendings, manager } = setUp(onEnd, { debug: log, info: log, warn: log, error: log });
      const { id } = await pendings.create(alice, spec);
      await expect(manager.complete(id)).resolves.toMatchObject({ status: 'completed' });
      expect(lines).toHaveLength(1);
      expect(lines[0]).toContain('the thread is closed');
    },
  );

  test('that announces lets a parked call go on at once, without a sweep, when a PendingManager completes it', async () => {
    let continuations: Continuations | undefined;
    const { storage, clock, manager } = setUp(({ namespace, id }) => continuations?.announce(namespace, id));
    continuations = new Continuations({ storage, clock });
    const heard: string[] = [];
    continuations.register('answer', {
      resume: async ({ idempotencyKey }) => void heard.push(idempotencyKey),
    });
    const { pending } = await manager.create({}, spec);
    const request = { handler: 'answer', payload: 1, waitingFor: pending.id };
    const { id } = await continuations.park(alice, request);
    await manager.complete(pending.id);
    await continuations.runDue({ sweep: false });
    expect(heard).toEqual([id]);
  });
});

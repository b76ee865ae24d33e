import { describe, expect, test } from 'vitest';
import type { Pending } from '../pending/pending.ts';
import {
  alice,
  createWorld,
  minutes,
  request,
  sweep,
  type World,
} from '../../test/kernel/continuation-world.ts';
import type { Continuations } from './continuations.ts';

const seconds = 1_000;

interface Tried {
  readonly world: World;
  readonly pending: Pending;
  readonly process: () => Continuations;
  /** Has the next runs go through. */
  readonly answer: () => void;
}

/** A request that is asked for a person until it is answered; its pending is of a kind that only tries show the end of. */
async function park(
  whileAsked: (world: World, pending: Pending) => Promise<void> = async () => {},
): Promise<Tried & { id: string }> {
  let answered = false;
  const world = createWorld(async () => {
    if (answered) return;
    await whileAsked(world, pending);
    throw Object.assign(new Error('a person is needed'), { pendingId: pending.id });
  });
  const pending = await world.ask();
  const process = () => world.process({ isTriedMeanwhile: (kind) => kind === 'test' });
  const { id } = await process().park(alice, request(pending));
  return { world, pending, process, id, answer: () => void (answered = true) };
}

/** The seconds after which a request ran, over ten minutes in which a sweep looks every second. */
async function runTimes({ world, process }: Tried, worker = process()): Promise<number[]> {
  const times: number[] = [];
  for (let second = 1; second < 600; second++) {
    world.advance(seconds);
    const before = world.resumed.length;
    await worker.runDue(sweep);
    if (world.resumed.length > before) times.push(second);
  }
  return times;
}

describe('a request that only a try can tell of', () => {
  test('is tried while its pending lives, with pauses that grow to a minute (issue 8.23)', async () => {
    const tried = await park();
    expect(await runTimes(tried)).toEqual([5, 10, 20, 40, 80, 140, 200, 260, 320, 380, 440, 500, 560]);
    expect(tried.world.resumed.every(({ outcome, attempt }) => outcome === 'pending' && attempt === 1)).toBe(
      true,
    );
    await expect(tried.process().find(alice, tried.id)).resolves.toMatchObject({
      status: 'waiting',
      attempts: 0,
    });
    tried.world.advance(minutes);
    await tried.process().runDue(sweep);
    expect(tried.world.abandoned).toMatchObject([{ code: 'ERR_POSTERN_PENDING_EXPIRED' }]);
  });

  test('is done when a try goes through, and not tried again', async () => {
    const { world, process, id, answer } = await park();
    answer();
    world.advance(5 * seconds);
    await process().runDue(sweep);
    world.advance(5 * minutes);
    await process().runDue(sweep);
    expect(world.resumed).toHaveLength(1);
    await expect(process().find(alice, id)).resolves.toMatchObject({ status: 'done', payload: null });
  });

  test('is tried by one of many processes, and of many requests for one pending one', async () => {
    const { world, process, pending } = await park();
    await process().park(alice, request(pending, { thread: 't2' }));
    world.advance(5 * seconds);
    await Promise.all([1, 2, 3].map(() => process().runDue(sweep)));
    expect(world.resumed).toHaveLength(1);
  });

  test('goes on at once when its pending is completed, also while it is being tried', async () => {
    let ended = false;
    const tried = await park(async (world, pending) => {
      if (!ended) await world.end(pending);
      ended = true;
    });
    tried.world.advance(5 * seconds);
    await tried.process().runDue(sweep);
    tried.answer();
    await tried.process().runDue({ sweep: false });
    expect(tried.world.resumed.map(({ outcome }) => outcome)).toEqual(['pending', 'completed']);
  });

  test('is given up when the person declines', async () => {
    const { world, pending, process } = await park();
    await world.end(pending, { status: 'cancelled', failure: 'ERR_POSTERN_AUTH_DENIED' });
    world.advance(5 * seconds);
    await process().runDue(sweep);
    expect([world.resumed, world.abandoned]).toMatchObject([[], [{ code: 'ERR_POSTERN_AUTH_DENIED' }]]);
  });
});

test('a request that waits for a pending of another kind is not tried', async () => {
  const tried = await park();
  expect(await runTimes(tried, tried.world.process())).toEqual([]);
});

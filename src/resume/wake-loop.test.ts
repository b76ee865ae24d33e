import { describe, expect, test } from 'vitest';
import { WakeLoop, type Round } from './wake-loop.ts';

/** A loop whose rounds end when the test says so. */
function setUp(): { loop: WakeLoop; rounds: Round[]; endRound: () => Promise<void> } {
  const rounds: Round[] = [];
  let gate = Promise.withResolvers<void>();
  const loop = new WakeLoop(async (round) => {
    rounds.push(round);
    await gate.promise;
  });
  return {
    loop,
    rounds,
    endRound: async () => {
      const ending = gate;
      gate = Promise.withResolvers<void>();
      ending.resolve();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    },
  };
}

describe('WakeLoop', () => {
  test('runs one round more for a hundred wakes during a round', async () => {
    const { loop, rounds, endRound } = setUp();
    for (let wake = 0; wake < 100; wake++) loop.wake();
    expect(rounds).toHaveLength(1);
    await endRound();
    expect(rounds).toHaveLength(2);
    await endRound();
    expect(rounds).toHaveLength(2);
  });

  test('loses no wake that comes in any turn around the end of a round', async () => {
    for (let turns = 0; turns < 8; turns++) {
      let rounds = 0;
      const loop = new WakeLoop(async () => void rounds++);
      loop.wake();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      loop.wake();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      expect(rounds).toBe(2);
    }
  });

  test('sweeps in the next round when any of the wakes asked for it, and only in that one', async () => {
    const { loop, rounds, endRound } = setUp();
    loop.wake();
    loop.wake({ sweep: true });
    loop.wake();
    await endRound();
    loop.wake();
    await endRound();
    expect(rounds.map(({ sweep }) => sweep)).toEqual([false, true, false]);
  });

  test('stops when its present round has ended, tells the round, and starts none afterwards', async () => {
    const { loop, rounds, endRound } = setUp();
    loop.wake();
    loop.wake();
    let isStopped = false;
    const stopped = loop.stop().then(() => (isStopped = true));
    expect(rounds[0]!.signal.aborted).toBe(true);
    await Promise.resolve();
    expect(isStopped).toBe(false);
    await endRound();
    await stopped;
    loop.wake();
    expect(rounds).toHaveLength(1);
  });
});

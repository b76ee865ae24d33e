import { describe, expect, test } from 'vitest';
import { SingleFlight } from './single-flight.ts';

describe('SingleFlight', () => {
  test('runs the work once for 1,000 callers, who all get its result', async () => {
    const flights = new SingleFlight<{ run: number }>();
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const callers = Array.from({ length: 1_000 }, () =>
      flights.run('key', async () => {
        const run = ++runs;
        await gate.promise;
        return { run };
      }),
    );
    gate.resolve();
    const results = await Promise.all(callers);
    expect(runs).toBe(1);
    expect(new Set(results).size).toBe(1);
  });

  test('runs keys apart from one another', async () => {
    const flights = new SingleFlight<string>();
    const results = ['a', 'b', 'a'].map((key, index) => flights.run(key, async () => `${key}${index}`));
    await expect(Promise.all(results)).resolves.toEqual(['a0', 'b1', 'a0']);
  });

  test('shares a failure among those who wait, and runs anew for the next caller', async () => {
    const flights = new SingleFlight<string>();
    const failure = new Error('down');
    let runs = 0;
    const failing = async (): Promise<string> => {
      runs++;
      await Promise.resolve();
      throw failure;
    };
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => flights.run('key', failing)));
    expect(outcomes).toEqual(outcomes.map(() => ({ status: 'rejected', reason: failure })));
    expect(runs).toBe(1);
    await expect(flights.run('key', async () => 'up')).resolves.toBe('up');
  });

  test('runs anew for a caller that comes in the very turn the last run ended', async () => {
    const flights = new SingleFlight<number>();
    let runs = 0;
    const work = async (): Promise<number> => ++runs;
    const second = flights.run('key', work).then(() => flights.run('key', work));
    await expect(second).resolves.toBe(2);
  });

  test('treats work that throws before it returns a promise as a failed run', async () => {
    const flights = new SingleFlight<number>();
    const thrower = (): Promise<number> => {
      throw new Error('at once');
    };
    await expect(flights.run('key', thrower)).rejects.toThrow('at once');
    await expect(flights.run('key', async () => 1)).resolves.toBe(1);
  });

  test('settles when nothing runs any more, however the runs ended', async () => {
    const flights = new SingleFlight<void>();
    const gate = Promise.withResolvers<void>();
    const ended: string[] = [];
    const first = flights.run('a', async () => {
      await gate.promise;
      ended.push('a');
      throw new Error('a failed');
    });
    const outcome = first.catch(() => {});
    const settled = flights.settle().then(() => ended.push('settled'));
    gate.resolve();
    await Promise.all([settled, outcome]);
    expect(ended).toEqual(['a', 'settled']);
    await flights.settle();
  });
});

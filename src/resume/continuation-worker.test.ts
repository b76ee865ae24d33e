import { afterEach, describe, expect, test, vi } from 'vitest';
import { PosternError } from '../core/postern-error.ts';
import { NamespacedStorage } from '../storage/namespaced-storage.ts';
import {
  alice,
  createWorld,
  minutes,
  pointers,
  request,
  sweep,
} from '../../test/kernel/continuation-world.ts';

afterEach(() => void vi.useRealTimers());

describe('pointers', () => {
  test('without a request are dropped at a sweep, unless they were written a moment ago', async () => {
    const world = createWorld();
    const process = world.process();
    const pending = await world.ask();
    await process.park(alice, request(pending));
    await new NamespacedStorage(world.storage, [alice.partition]).clear();
    await process.runDue(sweep);
    await expect(pointers(world.storage)).resolves.toEqual(['waiting']);
    world.advance(minutes);
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
    const world = createWorld(({ payload }) => (payload === 'slow' ? gate.promise : Promise.resolve()));
    const process = world.process({ sweepMs: 60 * minutes });
    const swept = await world.ask();
    await world.end(swept);
    await process.park(alice, request(swept));
    await process.start();
    // Its first sweep is over.
    await vi.waitFor(async () => expect(await pointers(world.storage)).toEqual([]));
    const pending = await world.ask();
    await process.park(alice, request(pending, 'slow'));
    await world.end(pending);
    await world.process().announce(alice, pending.id);
    await vi.waitFor(() => expect(world.resumed).toHaveLength(2));
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

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { LogFields } from '../core/logger.ts';
import { silentLogger } from '../core/logger.ts';
import { NamespaceInstances, type NamespaceInstancesOptions } from './namespace-instances.ts';
import { createNamespace, type Namespace } from './namespace.ts';

const named = (id: string): Namespace => createNamespace('user', id);
const [alice, bob, carol] = [named('alice'), named('bob'), named('carol')];
const closedCode = expect.objectContaining({ code: 'ERR_POSTERN_NAMESPACE_CLOSED' });

interface Instance {
  readonly id: string;
  readonly serial: number;
}

/** Instances that remember what became of them. */
function world(options: Partial<NamespaceInstancesOptions<Instance>> = {}): {
  instances: NamespaceInstances<Instance>;
  made: string[];
  closed: string[];
} {
  const made: string[] = [];
  const closed: string[] = [];
  const instances = new NamespaceInstances<Instance>({
    create: ({ id }) => ({ id, serial: made.push(id) }),
    close: ({ id }) => {
      closed.push(id);
    },
    ...options,
  });
  return { instances, made, closed };
}

/** Lets everything that waits for nothing but promises go on. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

describe('making', () => {
  test('a hundred callers at once share one instance', async () => {
    const gate = Promise.withResolvers<void>();
    let made = 0;
    const { instances } = world({
      create: async ({ id }) => {
        const serial = ++made;
        await gate.promise;
        return { id, serial };
      },
    });
    const asked = Array.from({ length: 100 }, (_, n) =>
      n % 2 === 0 ? instances.get(named('alice')) : instances.use(named('alice'), (one) => one),
    );
    gate.resolve();
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(made).toBe(1);
  });

  test('namespaces that share an id but not a kind do not share an instance', async () => {
    const { instances } = world();
    const user = await instances.get(createNamespace('user', 'x'));
    await expect(instances.get(createNamespace('client', 'x'))).resolves.not.toBe(user);
  });

  test.each(['synchronously', 'later'])(
    'a failure %s is told to all who asked, and is not kept',
    async (when) => {
      let tries = 0;
      const create = ({ id }: Namespace): Instance => {
        if (++tries === 1) throw new Error('first');
        return { id, serial: tries };
      };
      const { instances } = world({
        create: when === 'later' ? async (namespace) => create(namespace) : create,
      });
      const outcomes = await Promise.allSettled([
        instances.get(alice),
        instances.get(alice),
        instances.use(alice, () => 'worked'),
      ]);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
      expect(instances.size).toBe(0);
      await expect(instances.get(alice)).resolves.toEqual({ id: 'alice', serial: 2 });
    },
  );
});

describe('too many', () => {
  test('closes the one that was used longest ago', async () => {
    const { instances, closed } = world({ max: 2 });
    await instances.get(alice);
    await instances.get(bob);
    await instances.get(alice);
    await instances.get(carol);
    await settle();
    expect(closed).toEqual(['bob']);
    expect(instances.size).toBe(2);
  });

  test('never closes one that is held; it is closed once it is not', async () => {
    const { instances, closed } = world({ max: 1 });
    const gate = Promise.withResolvers<void>();
    const held = instances.use(alice, () => gate.promise);
    const alsoHeld = instances.use(bob, () => gate.promise);
    await settle();
    expect(instances.size).toBe(2);
    expect(closed).toEqual([]);
    gate.resolve();
    await Promise.all([held, alsoHeld]);
    await settle();
    expect(closed).toHaveLength(1);
    expect(instances.size).toBe(1);
  });

  test('one that was held for long counts as used until it was let go', async () => {
    const { instances, closed } = world({ max: 2 });
    const gate = Promise.withResolvers<void>();
    const held = instances.use(alice, () => gate.promise);
    await instances.get(bob);
    gate.resolve();
    await held;
    await instances.get(carol);
    await settle();
    expect(closed).toEqual(['bob']);
  });

  test('work that fails lets go too', async () => {
    const { instances, closed } = world({ max: 1 });
    await expect(instances.use(alice, () => Promise.reject(new Error('work')))).rejects.toThrow('work');
    await instances.get(bob);
    await settle();
    expect(closed).toEqual(['alice']);
  });

  test('the next instance of a namespace is made only after the one before has closed', async () => {
    const events: string[] = [];
    const gate = Promise.withResolvers<void>();
    const { instances } = world({
      max: 1,
      create: ({ id }) => ({ id, serial: events.push(`make ${id}`) }),
      close: async ({ id }) => {
        events.push(`closing ${id}`);
        await gate.promise;
        events.push(`closed ${id}`);
      },
    });
    await instances.get(alice);
    await instances.get(bob);
    const again = instances.get(alice);
    await settle();
    expect(events).toEqual(['make alice', 'make bob', 'closing alice']);
    gate.resolve();
    await again;
    expect(events.indexOf('closed alice')).toBeLessThan(events.lastIndexOf('make alice'));
  });

  test('two hundred tenants in random order get their own instance each time, and each is closed once', async () => {
    const closed = new Set<Instance>();
    const { instances } = world({
      max: 10,
      close: (one) => {
        expect(closed.has(one)).toBe(false);
        closed.add(one);
      },
    });
    let seed = 7;
    const random = (): number => (seed = (seed * 48_271) % 2_147_483_647);
    const work = Array.from({ length: 5_000 }, () => {
      const id = `tenant-${random() % 200}`;
      return instances.use(named(id), async (one) => {
        await Promise.resolve();
        expect(one.id).toBe(id);
        expect(closed.has(one)).toBe(false);
      });
    });
    await Promise.all(work);
    await settle();
    expect(instances.size).toBeLessThanOrEqual(10);
    await instances.close();
    expect(instances.size).toBe(0);
  });
});

describe('time', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const idle = { idleMs: 60_000, clock: () => Date.now() };

  test('closes an instance nobody has used for a while, and keeps one that was', async () => {
    const { instances, closed } = world(idle);
    await instances.get(alice);
    await instances.get(bob);
    await vi.advanceTimersByTimeAsync(40_000);
    await instances.get(bob);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(closed).toEqual(['alice']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(closed).toEqual(['alice', 'bob']);
  });

  test('does not close an instance that is held, however long; it is idle from when it is let go', async () => {
    const { instances, closed } = world(idle);
    const gate = Promise.withResolvers<void>();
    const held = instances.use(alice, () => gate.promise);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(closed).toEqual([]);
    gate.resolve();
    await held;
    await vi.advanceTimersByTimeAsync(50_000);
    expect(closed).toEqual([]);
    await vi.advanceTimersByTimeAsync(50_000);
    expect(closed).toEqual(['alice']);
  });

  test('runs no timer when there is nothing to close, nor after closing', async () => {
    const { instances } = world(idle);
    expect(vi.getTimerCount()).toBe(0);
    await instances.get(alice);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(instances.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    await instances.get(alice);
    await instances.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an instance that never closes holds up its namespace for ten seconds, and no longer', async () => {
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
    const { instances, made } = world({ max: 1, logger, close: () => new Promise(() => {}) });
    await instances.get(alice);
    await instances.get(bob);
    const again = instances.get(alice);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(made).toEqual(['alice', 'bob']);
    await vi.advanceTimersByTimeAsync(1);
    await again;
    expect(made).toEqual(['alice', 'bob', 'alice']);
    expect(warnings[0]).toContain('failed to close');
  });
});

describe('a timer of its own', () => {
  test('does not keep the process alive', async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    const { instances } = world();
    await instances.get(alice);
    const timer = timers.mock.results.at(-1)?.value as NodeJS.Timeout;
    expect(timer.hasRef()).toBe(false);
    timers.mockRestore();
    await instances.close();
  });
});

describe('close', () => {
  test('closes everything once, and refuses what comes after', async () => {
    const { instances, closed } = world();
    await instances.get(alice);
    await instances.get(bob);
    await Promise.all([instances.close(), instances.close()]);
    expect(closed.toSorted()).toEqual(['alice', 'bob']);
    await expect(instances.get(alice)).rejects.toEqual(closedCode);
    await expect(instances.use(alice, () => 1)).rejects.toEqual(closedCode);
  });

  test('waits for work that holds an instance, and closes it after', async () => {
    const { instances, closed } = world();
    const gate = Promise.withResolvers<void>();
    const held = instances.use(alice, () => gate.promise.then(() => closed.length));
    await settle();
    let ended = false;
    const closing = instances.close().then(() => {
      ended = true;
    });
    await settle();
    expect(ended).toBe(false);
    gate.resolve();
    await expect(held).resolves.toBe(0);
    await closing;
    expect(closed).toEqual(['alice']);
  });

  test('closes an instance that was being made, and does not hand it out', async () => {
    const gate = Promise.withResolvers<Instance>();
    const { instances, closed } = world({ create: () => gate.promise });
    const asked = Promise.allSettled([instances.get(alice)]);
    const closing = instances.close();
    gate.resolve({ id: 'alice', serial: 1 });
    await closing;
    await expect(asked).resolves.toEqual([{ status: 'rejected', reason: closedCode }]);
    expect(closed).toEqual(['alice']);
  });

  test('ends when an instance that was being made fails', async () => {
    const gate = Promise.withResolvers<Instance>();
    const { instances } = world({ create: () => gate.promise });
    const asked = Promise.allSettled([instances.get(alice)]);
    const closing = instances.close();
    gate.reject(new Error('broken'));
    await closing;
    await expect(asked).resolves.toMatchObject([{ reason: { message: 'broken' } }]);
  });

  test('closes the others when one fails to, and then says so', async () => {
    const closed: string[] = [];
    const { instances } = world({
      close: ({ id }) => {
        if (id === 'alice') throw new Error('stuck');
        closed.push(id);
      },
    });
    await instances.get(alice);
    await instances.get(bob);
    const error: unknown = await instances.close().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(AggregateError);
    expect((error as AggregateError).errors).toEqual([expect.objectContaining({ message: 'stuck' })]);
    expect(closed).toEqual(['bob']);
  });

  test('of one with nothing in it ends', async () => {
    const { instances } = world();
    await expect(instances.close()).resolves.toBeUndefined();
  });
});

test('an instance that fails to close is reported without its namespace, and its namespace goes on', async () => {
  const lines: [string, LogFields | undefined][] = [];
  const logger = {
    ...silentLogger,
    warn: (...line: [string, LogFields?]) => void lines.push([line[0], line[1]]),
  };
  const { instances } = world({ max: 1, logger, close: () => Promise.reject(new Error('stuck')) });
  await instances.get(alice);
  await instances.get(bob);
  await settle();
  expect(lines.length).toBeGreaterThan(0);
  expect(JSON.stringify(lines)).not.toContain('alice');
  await expect(instances.get(alice)).resolves.toMatchObject({ id: 'alice' });
});

test.each([{ max: 0 }, { max: Number.NaN }, { idleMs: 0 }, { idleMs: Number.NaN }])(
  '%j is refused',
  (options) => {
    expect(() => world(options)).toThrow(RangeError);
  },
);

import { describe, expect, test } from 'vitest';
import { Pendings } from '../../src/pending/pendings.ts';
import type { Pending } from '../../src/pending/pending.ts';
import type { Continuations } from '../../src/resume/continuations.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { alice, createWorld, pointers, request, sweep } from './continuation-world.ts';
import { MortalBackend, type Death, type Fault } from './mortal-backend.ts';

const claimMs = 30_000;

/** A world in which one process fails, and what the others make of it. */
class World {
  readonly #kernel = createWorld(({ attempt }) => this.onRun(attempt));
  readonly store: StorageBackend = this.#kernel.storage;
  onRun: (attempt: number) => Promise<void> = async () => {};

  /** Every call of a handler, by key. */
  get runs(): string[] {
    return this.#kernel.resumed.map(({ idempotencyKey }) => idempotencyKey);
  }

  get abandoned(): number {
    return this.#kernel.abandoned.length;
  }

  pendings(storage: StorageBackend = this.store): Pendings {
    return new Pendings({ storage, clock: this.#kernel.now, linkFor: (id) => `https://bot.example/${id}` });
  }

  process(storage: StorageBackend = this.store): Continuations {
    return this.#kernel.process({ storage, claimMs });
  }

  ask(): Promise<Pending> {
    return this.#kernel.ask();
  }

  /** Asks, and parks a request on the pending. Nothing fails meanwhile. */
  async park(): Promise<{ pending: Pending; id: string }> {
    const pending = await this.ask();
    const { id } = await this.process().park(alice, request(pending));
    return { pending, id };
  }

  /** Parks a request whose pending is completed, so that it waits to be resumed. */
  async parkReady(): Promise<string> {
    const { pending, id } = await this.park();
    await this.complete(pending);
    return id;
  }

  async complete({ id }: Pending, storage?: StorageBackend): Promise<void> {
    await this.pendings(storage).in(alice).complete(id);
  }

  /** Completes a pending, and says so to whoever has parked something on it. */
  async completeAndAnnounce(pending: Pending, storage?: StorageBackend): Promise<void> {
    await this.complete(pending, storage);
    await this.process(storage).announce(alice, pending.id);
  }

  /** Completes a pending, unless that came to be before the process died. */
  async completeAnyway(pending: Pending): Promise<void> {
    const found = await this.pendings().in(alice).get(pending.id);
    if (found?.status === 'pending') await this.complete(pending);
  }

  async statusOf(id: string): Promise<string | undefined> {
    return (await this.process().find(alice, id))?.status;
  }

  async pointers(): Promise<number> {
    return (await pointers(this.#kernel.storage)).length;
  }

  advance(): void {
    this.#kernel.advance(claimMs);
  }

  /** What the processes that are left do from now on, for as long as they may need. @throws when something is left to do. */
  async goOn(): Promise<void> {
    const survivor = this.process();
    for (let round = 0; round < 6; round++) {
      await survivor.runDue(sweep);
      this.advance();
    }
    const left = await this.pointers();
    if (left > 0) throw new Error(`${left} requests were left behind`);
  }
}

/**
 * Plays a world again and again, with its process failing at each step of its storage in turn: before the step, and after it.
 * Returns how often it failed.
 */
async function atEveryStep(
  fault: Fault,
  world: (fail: (store: StorageBackend) => MortalBackend) => Promise<MortalBackend>,
): Promise<number> {
  for (let step = 1; step < 500; step++) {
    for (const when of ['before', 'after'] satisfies Death['when'][]) {
      const process = await world((store) => new MortalBackend(store, { step, when }, fault));
      if (process.steps < step) return 2 * (step - 1);
    }
  }
  throw new Error('the world takes too many steps');
}

/** Until the process is done, or dead. Whether it did all it was asked to. */
async function orDeath(process: MortalBackend, work: Promise<unknown>): Promise<boolean> {
  return Promise.race([work.then(() => true), process.died.then(() => false)]);
}

describe('a process that dies at any step', () => {
  test('of park(): what was parked runs exactly once, what was not runs at most once', async () => {
    for (const ends of ['before', 'after'] as const) {
      const died = await atEveryStep('death', async (fail) => {
        const world = new World();
        const pending = await world.ask();
        if (ends === 'before') await world.complete(pending);
        const process = fail(world.store);
        const isParked = await orDeath(process, world.process(process).park(alice, request(pending)));
        if (ends === 'after') await world.completeAndAnnounce(pending);
        await world.goOn();
        expect(world.runs.length).toBeLessThanOrEqual(1);
        if (isParked) expect(world.runs).toHaveLength(1);
        return process;
      });
      expect(died).toBeGreaterThanOrEqual(8);
    }
  });

  test('of ending the pending and announcing it: the request runs exactly once, or the pending can still be ended', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const { pending } = await world.park();
      const process = fail(world.store);
      await orDeath(process, world.completeAndAnnounce(pending, process));
      await world.completeAnyway(pending);
      await world.goOn();
      expect(world.runs).toHaveLength(1);
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(8);
  });

  test('of waiting for a pending: whoever waits elsewhere sees the end', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const pending = await world.ask();
      const process = fail(world.store);
      const waiting = world.pendings().waitFor(pending, { timeoutMs: 10_000, pollMs: 10 });
      await orDeath(process, world.complete(pending, process));
      await world.completeAnyway(pending);
      await expect(waiting).resolves.toMatchObject({ status: 'completed' });
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(4);
  });

  test('of resuming: another process finishes, with the same key, and runs it again only if the handler had begun', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const id = await world.parkReady();
      const process = fail(world.store);
      await orDeath(process, world.process(process).runDue(sweep));
      const hadBegun = world.runs.length === 1;
      const wasDone = (await world.statusOf(id)) === 'done';
      await world.goOn();
      expect(new Set(world.runs)).toEqual(new Set([id]));
      expect(world.runs).toHaveLength(hadBegun && !wasDone ? 2 : 1);
      await expect(world.statusOf(id)).resolves.toBe('done');
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(20);
  });

  test('of writing down a failure: the request is tried again, and done in the end', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      world.onRun = async () => {
        if (world.runs.length === 1) throw new Error('the first run fails');
      };
      const id = await world.parkReady();
      const process = fail(world.store);
      await orDeath(process, world.process(process).runDue(sweep));
      await world.goOn();
      expect(world.runs).toEqual([id, id]);
      await expect(world.statusOf(id)).resolves.toBe('done');
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(20);
  });

  test('of parking it again on a second pending: it runs after the second one ended', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const [first, second] = [await world.ask(), await world.ask()];
      let isSecondDone = false;
      let finished = 0;
      world.onRun = async () => {
        if (!isSecondDone) throw Object.assign(new Error('sign in elsewhere too'), { pendingId: second.id });
        finished++;
      };
      const { id } = await world.process().park(alice, request(first));
      await world.complete(first);
      const process = fail(world.store);
      await orDeath(process, world.process(process).runDue(sweep));
      for (let round = 0; round < 3; round++) {
        await world.process().runDue(sweep);
        world.advance();
      }
      expect(finished).toBe(0);
      isSecondDone = true;
      await world.complete(second);
      await world.goOn();
      expect(finished).toBe(1);
      await expect(world.statusOf(id)).resolves.toBe('done');
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(20);
  });

  test('of giving a request up: it is told so at least once, and never resumed', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const { pending, id } = await world.park();
      await world.pendings().in(alice).cancel(pending.id);
      const process = fail(world.store);
      await orDeath(process, world.process(process).runDue(sweep));
      await world.goOn();
      expect(world.runs).toEqual([]);
      expect([1, 2]).toContain(world.abandoned);
      await expect(world.statusOf(id)).resolves.toBe('abandoned');
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(20);
  });

  test('of creating the one pending of a slot: the next who asks gets one live link', async () => {
    const died = await atEveryStep('death', async (fail) => {
      const world = new World();
      const process = fail(world.store);
      const spec = async (): Promise<{ kind: string; data: null }> => ({ kind: 'test', data: null });
      await orDeath(process, world.pendings(process).createOnce(alice, ['slot'], spec));
      const [one, other] = await Promise.all(
        [1, 2].map(() => world.pendings().createOnce(alice, ['slot'], spec)),
      );
      expect(one!.pending.id).toBe(other!.pending.id);
      await expect(world.pendings().locate(one!.pending.id)).resolves.toMatchObject({ namespace: alice });
      await expect(world.pendings().in(alice).list()).resolves.toHaveLength(1);
      return process;
    });
    expect(died).toBeGreaterThanOrEqual(4);
  });
});

describe('one answer of the store that is lost, at any step', () => {
  test('of resuming: the handler runs exactly once, since nobody died', async () => {
    const failed = await atEveryStep('failure', async (fail) => {
      const world = new World();
      const id = await world.parkReady();
      const process = fail(world.store);
      await world
        .process(process)
        .runDue(sweep)
        .catch(() => {});
      await world.goOn();
      expect(world.runs).toEqual([id]);
      await expect(world.statusOf(id)).resolves.toBe('done');
      return process;
    });
    expect(failed).toBeGreaterThanOrEqual(20);
  });

  test('of park(): what was parked runs once, and what the caller was told had not been parked does not run', async () => {
    const failed = await atEveryStep('failure', async (fail) => {
      const world = new World();
      const pending = await world.ask();
      const process = fail(world.store);
      const isParked = await world
        .process(process)
        .park(alice, request(pending))
        .then(
          () => true,
          () => false,
        );
      await world.completeAndAnnounce(pending);
      await world.goOn();
      expect(world.runs).toHaveLength(isParked ? 1 : 0);
      return process;
    });
    expect(failed).toBeGreaterThanOrEqual(8);
  });

  test('of park(), by a caller that then parks again: it runs once, under the key the caller was given', async () => {
    const failed = await atEveryStep('failure', async (fail) => {
      const world = new World();
      const pending = await world.ask();
      const process = fail(world.store);
      const continuations = world.process(process);
      const park = (): Promise<{ id: string }> =>
        continuations.park(alice, { handler: 'answer', payload: 1, waitingFor: pending.id });
      const { id } = await park().catch(park);
      await world.pendings().in(alice).complete(pending.id);
      await world.process().announce(alice, pending.id);
      await world.goOn();
      expect(world.runs).toEqual([id]);
      return process;
    });
    expect(failed).toBeGreaterThanOrEqual(8);
  });

  test('of ending a pending: it is ended once, and a retry learns that', async () => {
    const failed = await atEveryStep('failure', async (fail) => {
      const world = new World();
      const pending = await world.ask();
      const process = fail(world.store);
      const store = world.pendings(process).in(alice);
      const outcomes: string[] = [];
      for (let attempt = 0; attempt < 2; attempt++) {
        const outcome = await store
          .complete(pending.id)
          .catch((error: unknown) => (error as { code?: string }).code);
        outcomes.push(typeof outcome === 'object' ? outcome.status : (outcome ?? 'lost'));
      }
      expect([
        ['completed', 'ERR_POSTERN_PENDING_ALREADY_FINISHED'],
        ['lost', 'ERR_POSTERN_PENDING_ALREADY_FINISHED'],
        ['lost', 'completed'],
        ['completed', 'lost'],
      ]).toContainEqual(outcomes);
      await expect(world.pendings().in(alice).get(pending.id)).resolves.toMatchObject({
        status: 'completed',
      });
      return process;
    });
    expect(failed).toBeGreaterThanOrEqual(4);
  });
});

describe('a store that goes away at any step of park(), and comes back', () => {
  test.each(['before', 'after'] as const)(
    'a call that is parked again until it is accepted runs once, under the key its caller was given; its pending ends %s that',
    async (ends) => {
      const failed = await atEveryStep('outage', async (fail) => {
        const world = new World();
        const pending = await world.ask();
        const process = fail(world.store);
        const continuations = world.process(process);
        const park = (): Promise<{ id: string }> =>
          continuations.park(alice, { handler: 'answer', payload: { n: 1 }, waitingFor: pending.id });
        let hasEnded = false;
        const end = async (): Promise<void> => {
          if (!hasEnded) await world.pendings().in(alice).complete(pending.id);
          hasEnded = true;
          await world.process().announce(alice, pending.id);
          await world.goOn();
        };
        const { id } = await park()
          .catch(park)
          .catch(async () => {
            process.comeBack();
            if (ends === 'before') await end();
            return park();
          });
        process.comeBack();
        await end();
        expect(world.runs).toEqual([id]);
        await expect(world.pointers()).resolves.toBe(0);
        return process;
      });
      expect(failed).toBeGreaterThanOrEqual(8);
    },
  );
});

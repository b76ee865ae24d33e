import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import type { Pending } from '../../src/pending/pending.ts';
import { Continuations } from '../../src/resume/continuations.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { LineProcess } from '../support/line-process.ts';

interface Run {
  readonly key: string;
  readonly payload: number;
  readonly attempt: number;
  readonly context: string;
  readonly pid: number;
}

const alice = createNamespace('client', 'alice');

let directory: string;
let database: string;
let log: string;
let storage: StorageBackend;
let pendings: Pendings;
let children: LineProcess[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'postern-kernel-'));
  database = join(directory, 'store.db');
  log = join(directory, 'runs.ndjson');
  storage = openSqlite(database);
  pendings = new Pendings({ storage, linkFor: (id) => `https://bot.example/${id}` });
  children = [];
});

afterEach(async () => {
  for (const child of children) await child.kill();
  await storage.close();
  rmSync(directory, { recursive: true, force: true });
});

function start(script: string, args: readonly string[]): LineProcess {
  const child = new LineProcess([join(import.meta.dirname, script), ...args]);
  children.push(child);
  return child;
}

async function startWorker(options: { claimMs: number; hang?: boolean }): Promise<LineProcess> {
  const child = start('resume-worker.ts', [
    database,
    log,
    String(options.claimMs),
    ...(options.hang ? ['hang'] : []),
  ]);
  expect(await child.line()).toBe('ready');
  return child;
}

function runs(): Run[] {
  if (!existsSync(log)) return [];
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Run);
}

async function parkOne(continuations: Continuations): Promise<{ pending: Pending; id: string }> {
  const pending = await pendings.create(alice, { kind: 'test', data: null });
  const { id } = await continuations.park(alice, { handler: 'answer', payload: 1, waitingFor: pending.id });
  return { pending, id };
}

describe('processes on one SQLite file', () => {
  test('four workers run 200 parked requests of 40 contexts exactly once each', async () => {
    const continuations = new Continuations({ storage });
    const parked: { pending: Pending; id: string }[] = [];
    for (let context = 0; context < 40; context++) {
      const namespace = createNamespace('client', `user-${context}`);
      const pending = await pendings.create(namespace, { kind: 'test', data: null });
      for (let request = 0; request < 5; request++) {
        const payload = context * 5 + request;
        const { id } = await continuations.park(namespace, {
          handler: 'answer',
          payload,
          waitingFor: pending.id,
        });
        parked.push({ pending, id });
      }
    }
    await Promise.all([1, 2, 3, 4].map(() => startWorker({ claimMs: 10_000 })));
    expect(runs()).toEqual([]);

    for (const pending of new Set(parked.map((each) => each.pending))) {
      await pendings.in(pending.namespace).complete(pending.id);
      await continuations.announce(pending.namespace, pending.id);
    }
    await vi.waitFor(() => expect(new Set(runs().map(({ key }) => key)).size).toBe(200), {
      timeout: 40_000,
      interval: 100,
    });
    // They finish and look once more, so that a second run would show.
    for (const child of children) await child.kill('SIGTERM');
    const late = new Continuations({ storage });
    late.register('answer', { resume: () => Promise.reject(new Error('nothing was left')) });
    await expect(late.runDue({ sweep: true })).resolves.toBe(0);

    const all = runs();
    expect(all.map(({ key }) => key).toSorted()).toEqual(parked.map(({ id }) => id).toSorted());
    expect(all.map(({ payload }) => payload).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, index) => index),
    );
    expect(all.filter(({ context, payload }) => context !== `user-${Math.floor(payload / 5)}`)).toEqual([]);
    expect(all.filter(({ attempt }) => attempt !== 1)).toEqual([]);
  });

  test('a request whose process is killed inside the handler is run again by another, with the same key, after claimMs', async () => {
    const claimMs = 1_500;
    const continuations = new Continuations({ storage });
    const first = await startWorker({ claimMs, hang: true });
    const { pending, id } = await parkOne(continuations);
    await pendings.in(alice).complete(pending.id);
    await continuations.announce(alice, pending.id);
    await vi.waitFor(() => expect(runs()).toHaveLength(1), { timeout: 10_000, interval: 20 });

    // While it lives it keeps its claim, however long its handler takes.
    await startWorker({ claimMs });
    await new Promise((resolve) => setTimeout(resolve, 2 * claimMs));
    expect(runs()).toHaveLength(1);

    await first.kill('SIGKILL');
    const killedAt = performance.now();
    await vi.waitFor(() => expect(runs()).toHaveLength(2), { timeout: 10_000, interval: 20 });
    expect(performance.now() - killedAt).toBeLessThan(claimMs + 5_000);
    expect(runs()).toMatchObject([
      { key: id, attempt: 1, pid: first.pid },
      { key: id, attempt: 2, pid: children[1]!.pid },
    ]);
    await vi.waitFor(
      async () => expect(await continuations.find(alice, id)).toMatchObject({ status: 'done' }),
      { timeout: 5_000 },
    );
  });

  test('a request that every process dies of is given up, and does not take a process down for ever', async () => {
    const continuations = new Continuations({ storage, claimMs: 200, maxAttempts: 2 });
    const { pending, id } = await parkOne(continuations);
    await pendings.in(alice).complete(pending.id);
    for (let death = 1; death <= 2; death++) {
      const worker = await startWorker({ claimMs: 200, hang: true });
      await vi.waitFor(() => expect(runs()).toHaveLength(death), { timeout: 10_000, interval: 20 });
      await worker.kill('SIGKILL');
    }
    let code: string | undefined;
    continuations.register('answer', {
      resume: () => Promise.reject(new Error('never')),
      abandon: async (_, why) => void (code = why),
    });
    await vi.waitFor(async () => expect(await continuations.runDue({ sweep: true })).toBe(1), {
      timeout: 5_000,
      interval: 50,
    });
    expect(code).toBe('ERR_POSTERN_RESUME_GAVE_UP');
    await expect(continuations.find(alice, id)).resolves.toMatchObject({ status: 'abandoned' });
  });

  test('four that ask for one slot 25 times each get one link, and each pending they all try to end is ended by one', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 20; index++)
      ids.push((await pendings.create(alice, { kind: 'test', data: null })).id);
    const outcomes = ['completed', 'cancelled', 'completed', 'cancelled'];
    const waiting = Promise.all(
      ids.map(async (id) => pendings.waitFor((await pendings.in(alice).get(id))!, { timeoutMs: 30_000 })),
    );
    const results = await Promise.all(
      outcomes.map(async (outcome) => {
        const child = start('pending-worker.ts', [database, 'alice', outcome, ...ids]);
        return child.outcome<{ links: string[]; created: number; ended: string[]; refusals: string[] }>();
      }),
    );
    expect(new Set(results.flatMap(({ links }) => links)).size).toBe(1);
    expect(results.reduce((sum, { created }) => sum + created, 0)).toBe(1);
    expect(results.flatMap(({ ended }) => ended).toSorted()).toEqual(ids.toSorted());
    expect(new Set(results.flatMap(({ refusals }) => refusals))).toEqual(
      new Set(['ERR_POSTERN_PENDING_ALREADY_FINISHED']),
    );
    const seen = await waiting;
    for (const [index, { ended }] of results.entries()) {
      for (const id of ended) expect(seen.find((pending) => pending.id === id)?.status).toBe(outcomes[index]);
    }
  });
});

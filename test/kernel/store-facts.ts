import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { isPosternError } from '../../src/core/postern-error.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { Continuations } from '../../src/resume/continuations.ts';
import { storeTime } from '../../src/sync/store-time.ts';

export interface StoreFactsOptions {
  /** Two handles on one store, as two processes would have them. */
  readonly handles: () => Promise<readonly [StorageBackend, StorageBackend]>;
  readonly rounds: number;
  /** How many rounds race at the same time. */
  readonly atOnce: number;
}

const ttlMs = 250;

/** Facts about the ends of pendings and what waits for them, on one store. */
export function checkStoreFacts({ handles, rounds, atOnce }: StoreFactsOptions): void {
  test('records that cannot be read keep no other parked call from going on', async () => {
    const [here, there] = await handles();
    const pendings = new Pendings({ storage: here, linkFor: (id) => `https://a.example/${id}` });
    const heard: string[] = [];
    const continuations = new Continuations({ storage: there });
    continuations.register('answer', {
      resume: async ({ idempotencyKey }) => void heard.push(idempotencyKey),
    });
    const park = async (user: string): Promise<{ partition: string; id: string }> => {
      const namespace = createNamespace('client', user);
      const pending = await pendings.create(namespace, { kind: 'test', data: null });
      const request = { handler: 'answer', payload: 1, waitingFor: pending.id };
      const { id } = await continuations.park(namespace, request);
      await pendings.in(namespace).complete(pending.id);
      return { partition: namespace.partition, id };
    };
    const broken = await park('broken');
    const whole = await park('whole');
    const value = new TextEncoder().encode('{"half');
    await here.commit([{ put: [broken.partition, 'continuation', broken.id], value }]);
    await here.commit([
      { put: ['resume', 'waiting', '!'], value },
      { put: ['resume', 'ready', '!'], value },
    ]);
    await expect(continuations.runDue({ sweep: true })).resolves.toBe(1);
    await expect(continuations.runDue({ sweep: true })).resolves.toBe(0);
    expect(heard).toEqual([whole.id]);
  });

  test(`of a completion, a refusal and the end of time at one instant one counts, and everybody is told the same, ${rounds} times`, async () => {
    const stores = await handles();
    const managers = stores.map(
      (storage) => new Pendings({ storage, linkFor: (id) => `https://a.example/${id}` }),
    );
    for (let first = 0; first < rounds; first += atOnce) {
      const told = Array.from({ length: Math.min(atOnce, rounds - first) }, (_, index) =>
        raceOnce(stores[0], managers as [Pendings, Pendings], first + index),
      );
      for (const observations of await Promise.all(told)) {
        expect(new Set(observations), observations.join(', ')).toHaveProperty('size', 1);
      }
    }
  }, 180_000);
}

/** Every end that somebody was told of one pending. */
async function raceOnce(
  store: StorageBackend,
  [here, there]: readonly [Pendings, Pendings],
  round: number,
): Promise<string[]> {
  const namespace = createNamespace('client', `${round % 7}`);
  const slot = ['race', `${round}`];
  const { pending } = await here.createOnce(namespace, slot, async () => ({ kind: 'test', data: 1, ttlMs }));
  const waits = [here, there].map((pendings) =>
    pendings.waitFor(pending, { timeoutMs: 60_000, pollMs: 40 }).then(({ status }) => status),
  );
  await sleep(pending.expiresAtMs - (await storeTime(store, systemClock)) - 8 + (round % 17));
  const told = await Promise.all([
    ...waits,
    endOf(here.in(namespace).complete(pending.id)),
    endOf(there.in(namespace).cancel(pending.id)),
    ...[here, there].map(async (pendings) => (await pendings.in(namespace).get(pending.id))?.status),
    there.findLive(namespace, slot).then((live) => (live === undefined ? undefined : 'pending')),
  ]);
  const afterwards = await Promise.all(
    [here, there].map(async (pendings) => (await pendings.in(namespace).get(pending.id))?.status),
  );
  const next = await Promise.all(
    [here, there].map((pendings) =>
      pendings.createOnce(namespace, slot, async () => ({ kind: 'test', data: 2, ttlMs: 60_000 })),
    ),
  );
  expect(next[0]?.pending.id).toBe(next[1]?.pending.id);
  expect(next[0]?.pending.id).not.toBe(pending.id);
  return [...told, ...afterwards].filter((end) => end !== undefined && end !== 'pending') as string[];
}

/** What the caller was told: how it ended, or nothing when it had ended before. */
async function endOf(ending: Promise<{ status: string }>): Promise<string | undefined> {
  try {
    return (await ending).status;
  } catch (error) {
    if (isPosternError(error, 'ERR_POSTERN_PENDING_NOT_FOUND')) return 'expired';
    if (isPosternError(error, 'ERR_POSTERN_PENDING_ALREADY_FINISHED')) return undefined;
    throw error;
  }
}

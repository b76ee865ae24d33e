import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { PosternError } from '../core/postern-error.ts';
import { createNamespace, storageOf } from '../namespace/namespace.ts';
import { Collection } from '../storage/collection.ts';
import { absent, type Change } from '../storage/contract.ts';
import { formatKey } from '../storage/keys.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { TardyBackend } from '../../test/kernel/tardy-backend.ts';
import type { Pending, PendingOutcome } from './pending.ts';
import { PendingStore } from './pending-store.ts';

const alice = createNamespace('client', 'alice');
const bob = createNamespace('client', 'bob');
const minutes = 60_000;
const day = 24 * 60 * minutes;

function setUp(Backend: typeof MemoryBackend = MemoryBackend): {
  backend: MemoryBackend;
  store: PendingStore<string>;
  put: (id: string, ttlMs?: number) => Promise<Pending<string>>;
  grants: Collection<{ token: string }>;
  advance: (ms: number) => void;
} {
  let nowMs = 1_800_000_000_000;
  const clock = (): number => nowMs;
  const backend = new Backend({ clock });
  const store = new PendingStore<string>(backend, alice, clock);
  return {
    backend,
    store,
    put: async (id, ttlMs = 10 * minutes) => {
      const times = { createdAtMs: nowMs, expiresAtMs: nowMs + ttlMs };
      const pending = await store.put({
        ...times,
        id,
        kind: 'test',
        initiator: 'alice',
        url: `https://a.example/${id}`,
        data: 'CNRY_data',
      });
      if (pending === undefined) throw new Error('not written');
      return pending;
    },
    grants: new Collection(
      storageOf(backend, alice).namespace('grant'),
      z.looseObject({ token: z.string() }),
    ),
    advance: (ms) => void (nowMs += ms),
  };
}

async function raw(backend: MemoryBackend, partition: string): Promise<string> {
  const entries = await backend.list([partition], { limit: 1_000 });
  return entries.map(({ key, value }) => `${key.join(':')} ${new TextDecoder().decode(value)}`).join('\n');
}

describe('end', () => {
  test('of 50 different ends at once makes one transition, which everybody sees', async () => {
    const { store, put } = setUp(TardyBackend);
    await put('it');
    const outcomes: PendingOutcome[] = [
      { status: 'completed' },
      { status: 'cancelled' },
      { status: 'failed', failure: 'ERR_POSTERN_AUTH_REJECTED' },
    ];
    const ends = await Promise.allSettled(
      Array.from({ length: 50 }, (_, index) => store.end('it', outcomes[index % outcomes.length]!)),
    );
    const won = ends.filter((end) => end.status === 'fulfilled').map(({ value }) => value);
    expect(won).toHaveLength(1);
    const lost = ends
      .filter((end) => end.status === 'rejected')
      .map(({ reason }) => (reason as PosternError).code);
    expect(new Set(lost)).toEqual(new Set(['ERR_POSTERN_PENDING_ALREADY_FINISHED']));
    const now = await store.get('it');
    expect(now).toMatchObject({ status: won[0]!.status, version: won[0]!.version });
  });

  test('returns the pending with its data, and forgets the data in the store', async () => {
    const { backend, store, put } = setUp();
    const pending = await put('it');
    await expect(raw(backend, alice.partition)).resolves.toContain('CNRY_data');
    const ended = await store.complete('it');
    expect(ended).toEqual({
      ...pending,
      status: 'completed',
      version: (await store.get('it'))!.version,
    });
    await expect(raw(backend, alice.partition)).resolves.not.toContain('CNRY_data');
    await expect(store.get('it')).resolves.toMatchObject({ status: 'completed', data: undefined });
  });

  test('cannot be undone or repeated: neither by another end, nor by new data, nor by another put', async () => {
    const { store, put } = setUp();
    const pending = await put('it');
    await store.cancel('it');
    const cancelled = await store.get('it');
    await expect(store.complete('it')).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_ALREADY_FINISHED',
    });
    await expect(store.updateData(pending, 'late')).resolves.toBeUndefined();
    await expect(store.updateData(cancelled!, 'late')).resolves.toBeUndefined();
    await expect(put('it')).rejects.toThrow('not written');
    await expect(store.get('it')).resolves.toEqual(cancelled);
  });

  test('by time is written by whoever reads it first, without data, and nothing ends it after that', async () => {
    const { backend, store, put, advance } = setUp();
    const pending = await put('it');
    advance(10 * minutes);
    await expect(store.get('it')).resolves.toEqual({
      ...pending,
      status: 'expired',
      data: undefined,
      version: expect.not.stringMatching(pending.version) as string,
    });
    const stored = await raw(backend, alice.partition);
    expect(stored).toContain('"status":"expired"');
    expect(stored).not.toContain('CNRY_data');
    await expect(store.complete('it')).rejects.toMatchObject({ code: 'ERR_POSTERN_PENDING_NOT_FOUND' });
    await expect(store.updateData(pending, 'late')).resolves.toBeUndefined();
  });

  test('by time is remembered for a day after it was written, and what nobody looked at for a day is gone', async () => {
    const { backend, store, put, advance } = setUp();
    await put('looked at');
    await put('forgotten');
    advance(10 * minutes + day - 1);
    await expect(store.get('looked at')).resolves.toMatchObject({ status: 'expired' });
    advance(1);
    await expect(store.get('forgotten')).resolves.toBeUndefined();
    await expect(store.complete('forgotten')).rejects.toMatchObject({
      code: 'ERR_POSTERN_PENDING_NOT_FOUND',
    });
    advance(day - 2);
    await expect(store.get('looked at')).resolves.toMatchObject({ status: 'expired' });
    advance(1);
    await expect(store.get('looked at')).resolves.toBeUndefined();
    await expect(backend.list([alice.partition])).resolves.toEqual([]);
  });

  test('by time wakes those who wait for it', async () => {
    const { backend, store, put, advance } = setUp();
    await put('it');
    let woken = 0;
    await backend.listen(formatKey([alice.partition, ...(await store.channel('it'))]), () => woken++);
    advance(10 * minutes);
    await Promise.all([store.get('it'), store.get('it')]);
    expect(woken).toBe(1);
  });

  test('is remembered for a day after the time the pending had, and no longer', async () => {
    const { backend, store, put, advance } = setUp();
    await put('it');
    await store.complete('it');
    advance(10 * minutes + day - 1);
    await expect(store.get('it')).resolves.toMatchObject({ status: 'completed' });
    advance(1);
    await expect(store.get('it')).resolves.toBeUndefined();
    await expect(backend.list([alice.partition])).resolves.toEqual([]);
  });

  test('counts although the signal cannot be sent', async () => {
    const { backend, store, put } = setUp();
    await put('it');
    backend.signal = () => Promise.reject(new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'down'));
    await expect(store.complete('it')).resolves.toMatchObject({ status: 'completed' });
  });

  test('says in no error which pending it was', async () => {
    const { store, put } = setUp();
    await put('CNRY_id');
    await store.complete('CNRY_id');
    await expect(store.complete('CNRY_id')).rejects.not.toThrow('CNRY_id');
    await expect(store.complete('CNRY_other')).rejects.not.toThrow('CNRY_other');
  });
});

describe('alongside', () => {
  test('what is written with an end is there if and only if the end is', async () => {
    const { store, put, grants } = setUp();
    await put('it');
    await store.complete('it', {
      alongside: [grants.putting(['calendar'], { token: 't1' }, { expect: absent })],
    });
    await expect(grants.find('calendar')).resolves.toMatchObject({ value: { token: 't1' } });
    await expect(store.get('it')).resolves.toMatchObject({ status: 'completed' });
  });

  test('a change that does not hold leaves the pending live, with its data, and everything else as it was', async () => {
    const { store, put, grants } = setUp();
    const pending = await put('it');
    await grants.put(['calendar'], { token: 'newer' });
    const alongside = [
      grants.putting(['mail'], { token: 't2' }, { expect: absent }),
      grants.putting(['calendar'], { token: 't1' }, { expect: absent }),
    ];
    await expect(store.complete('it', { alongside })).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_CONFLICT',
    });
    await expect(store.get('it')).resolves.toEqual(pending);
    await expect(grants.find('mail')).resolves.toBeUndefined();
    await expect(grants.find('calendar')).resolves.toMatchObject({ value: { token: 'newer' } });
    await expect(store.complete('it')).resolves.toMatchObject({ status: 'completed' });
  });

  test('a change of another namespace is refused, and nothing is written', async () => {
    const { backend, store, put } = setUp();
    const pending = await put('it');
    const foreign = storageOf(backend, bob).key(['grant']);
    const change: Change = { put: foreign, value: new Uint8Array(1) };
    await expect(store.complete('it', { alongside: [change] })).rejects.toThrow(TypeError);
    await expect(store.get('it')).resolves.toEqual(pending);
    await expect(backend.list([bob.partition])).resolves.toEqual([]);
  });

  test('a put whose condition does not hold writes no pending', async () => {
    const { store, grants } = setUp();
    await grants.put(['calendar'], { token: 'there' });
    const put = store.put(
      {
        id: 'it',
        kind: 'test',
        initiator: 'alice',
        url: 'https://a.example',
        createdAtMs: 0,
        expiresAtMs: 2e12,
        data: '',
      },
      { alongside: [grants.putting(['calendar'], { token: 'mine' }, { expect: absent })] },
    );
    await expect(put).resolves.toBeUndefined();
    await expect(store.get('it')).resolves.toBeUndefined();
  });
});

describe('updateData', () => {
  test('replaces the data and keeps the time', async () => {
    const { store, put } = setUp();
    const pending = await put('it');
    const updated = await store.updateData(pending, 'step 2');
    expect(updated).toMatchObject({ data: 'step 2', expiresAtMs: pending.expiresAtMs, status: 'pending' });
    await expect(store.get('it')).resolves.toEqual(updated);
  });

  test('lets one of many writers with the same version win', async () => {
    const { store, put } = setUp(TardyBackend);
    const pending = await put('it');
    const writes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.updateData(pending, `w${index}`)),
    );
    const winners = writes.filter((write) => write !== undefined);
    expect(winners).toHaveLength(1);
    await expect(store.get('it')).resolves.toMatchObject({ data: winners[0]!.data });
  });

  test('loses against an end, whichever is asked for first', async () => {
    const { store, put } = setUp(TardyBackend);
    for (const first of ['update', 'end']) {
      const pending = await put(first);
      const steps = [() => store.updateData(pending, 'new'), () => store.complete(first)];
      await Promise.allSettled((first === 'update' ? steps : steps.toReversed()).map((step) => step()));
      await expect(store.get(first)).resolves.toMatchObject({ status: 'completed', data: undefined });
    }
  });
});

describe('list and clear', () => {
  test('list live and ended pendings, those too that time has ended and nobody looked at', async () => {
    const { store, put, advance } = setUp();
    await put('short', minutes);
    await put('long');
    await put('ended');
    await store.cancel('ended');
    advance(minutes);
    const listed = await store.list();
    expect(listed.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual([
      'ended cancelled',
      'long pending',
      'short expired',
    ]);
    await expect(store.complete('short')).rejects.toMatchObject({ code: 'ERR_POSTERN_PENDING_NOT_FOUND' });
  });

  test('clear removes more than one page, and leaves what else the namespace holds', async () => {
    const { store, put, grants } = setUp();
    for (let index = 0; index < 250; index++) await put(`p${index}`);
    await grants.put(['calendar'], { token: 't' });
    await expect(store.clear()).resolves.toHaveLength(250);
    await expect(store.list()).resolves.toEqual([]);
    await expect(grants.find('calendar')).resolves.toBeDefined();
  });

  test('a thousand expired pendings cost the living nothing, and leave the store after a day', async () => {
    const { backend, store, put, advance } = setUp();
    for (let index = 0; index < 1_000; index++) await put(`old${index}`, minutes);
    advance(minutes + day);
    const living = await put('living');
    for (let index = 0; index < 150; index++)
      await store.updateData((await store.get('living'))!, `${index}`);
    expect((await raw(backend, alice.partition)).split('\n')).toHaveLength(1);
    await expect(store.get('living')).resolves.toMatchObject({ id: living.id, data: '149' });
  });
});

describe('records of other versions', () => {
  const rewrite = async (backend: MemoryBackend, change: Record<string, unknown>): Promise<void> => {
    const [entry] = await backend.list([alice.partition]);
    const record = { ...(JSON.parse(new TextDecoder().decode(entry!.value)) as object), ...change };
    await backend.commit([
      { ...entry!, put: entry!.key, value: new TextEncoder().encode(JSON.stringify(record)) },
    ]);
  };

  test('keep the fields this version does not know, through an end', async () => {
    const { backend, store, put } = setUp();
    await put('it');
    await rewrite(backend, { fromTheFuture: { a: 1 } });
    await store.complete('it');
    await expect(raw(backend, alice.partition)).resolves.toContain('"fromTheFuture":{"a":1}');
  });

  test('with a failure code this version does not know count as failed', async () => {
    const { backend, store, put } = setUp();
    await put('it');
    await store.end('it', { status: 'failed', failure: 'ERR_POSTERN_AUTH_REJECTED' });
    await rewrite(backend, { failure: 'ERR_POSTERN_FROM_THE_FUTURE' });
    await expect(store.get('it')).resolves.toMatchObject({
      status: 'failed',
      failure: 'ERR_POSTERN_PENDING_FAILED',
    });
  });

  test('of another shape are called corrupt, and are neither repeated in the error nor taken for missing', async () => {
    const { backend, store, put } = setUp();
    await put('it');
    await rewrite(backend, { status: 'CNRY_status' });
    const error = await store.get('it').catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_POSTERN_STORAGE_CORRUPT' });
    expect((error as Error).message).not.toContain('CNRY');
  });
});

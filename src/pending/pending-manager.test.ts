import { describe, expect, test } from 'vitest';
import type { NamespaceProvider } from '../namespace/namespace-provider.ts';
import { createNamespace } from '../namespace/namespace.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { PendingManager, type PendingManagerOptions } from './pending-manager.ts';

interface Payload {
  readonly question: string;
}

const namespaces: NamespaceProvider = { resolve: async ({ token = '' }) => createNamespace('user', token) };
const alice = { token: 'alice' };
const bob = { token: 'bob' };

function open() {
  let nowMs = 1_000_000;
  const clock = () => nowMs;
  const storage = new MemoryBackend({ clock });
  const manager = new PendingManager<Payload>({
    storage,
    namespaces,
    clock,
    linkFor: (id) => `https://s.example/p/${id}`,
  });
  return { storage, manager, advance: (ms: number) => void (nowMs += ms) };
}

const ask = { kind: 'question', data: { question: 'Which?' } };
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );

describe('a PendingManager', () => {
  test.each(['storage', 'namespaces', 'linkFor'] as const)(
    'refuses to be made without %s, and names it',
    (missing) => {
      const options = { storage: new MemoryBackend(), namespaces, linkFor: String, [missing]: undefined };
      expect(() => new PendingManager(options as unknown as PendingManagerOptions)).toThrow(
        expect.objectContaining({
          code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
          message: expect.stringContaining(missing),
        }),
      );
    },
  );

  test('takes the namespace from the caller, never from what is asked', async () => {
    const { manager } = open();
    const { pending } = await manager.create(alice, {
      ...ask,
      namespace: createNamespace('user', 'bob'),
    } as typeof ask);
    expect(pending.namespace.id).toBe('alice');
    expect(await manager.listNamespace(bob)).toEqual([]);
  });

  test('gives a link that leads back to what was asked, with its payload', async () => {
    const { manager } = open();
    const { id, url } = await manager.create(alice, ask);
    expect(url).toBe(`https://s.example/p/${id}`);
    expect((await manager.get(id)).data).toEqual({ question: 'Which?' });
  });

  test('completes once, and returns what it was with the namespace to keep the result under', async () => {
    const { manager } = open();
    const { id } = await manager.create(alice, ask);
    const ends = await Promise.allSettled(Array.from({ length: 100 }, () => manager.complete(id)));
    const won = ends.filter((end) => end.status === 'fulfilled');
    expect(won.map(({ value }) => [value.namespace.id, value.data])).toEqual([
      ['alice', { question: 'Which?' }],
    ]);
    expect(await codeOf(manager.cancel(id))).toBe('ERR_POSTERN_PENDING_ALREADY_FINISHED');
  });

  test('cancels, which whoever waits is told', async () => {
    const { manager } = open();
    const { id, pending } = await manager.create(alice, ask);
    const waiting = manager.waitFor(pending, { timeoutMs: 5_000 });
    await manager.cancel(id);
    expect((await waiting).status).toBe('cancelled');
  });

  test('always ends: in ten minutes when nothing else is said', async () => {
    const { manager, advance } = open();
    const { id } = await manager.create(alice, ask);
    advance(10 * 60_000 - 1);
    expect((await manager.get(id)).status).toBe('pending');
    advance(1);
    expect(await codeOf(manager.get(id))).toBe('ERR_POSTERN_PENDING_EXPIRED');
    expect(await codeOf(manager.complete(id))).toBe('ERR_POSTERN_PENDING_NOT_FOUND');
  });

  test('lists and clears the caller’s own only', async () => {
    const { manager } = open();
    const mine = await manager.create(alice, ask);
    const theirs = await manager.create(bob, ask);
    expect((await manager.listNamespace(alice)).map(({ id }) => id)).toEqual([mine.id]);
    expect(await manager.clearNamespace(alice)).toEqual([mine.id]);
    expect(await manager.listNamespace(alice)).toEqual([]);
    expect((await manager.get(theirs.id)).status).toBe('pending');
  });

  test('lists every one of 250, and clears them by name', async () => {
    const { manager } = open();
    const ids: string[] = [];
    for (let index = 0; index < 250; index++) ids.push((await manager.create(alice, ask)).id);
    const listed = await manager.listNamespace(alice);
    expect(listed.map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
    expect((await manager.clearNamespace(alice)).toSorted()).toEqual(ids.toSorted());
    expect(await manager.listNamespace(alice)).toEqual([]);
    expect(await manager.clearNamespace(alice)).toEqual([]);
  });

  test('reaches no other namespace than the one whose page is being answered', async () => {
    const { storage, manager } = open();
    const [mine, theirs] = [await manager.create(alice, ask), await manager.create(bob, ask)];
    const inside = new PendingManager<Payload>({
      storage,
      namespaces,
      linkFor: String,
      currentNamespace: () => createNamespace('user', 'alice'),
    });
    expect(await codeOf(inside.get(theirs.id))).toBe('ERR_POSTERN_PENDING_NOT_FOUND');
    expect(await codeOf(inside.cancel(theirs.id))).toBe('ERR_POSTERN_PENDING_NOT_FOUND');
    expect(await codeOf(inside.complete(mine.id))).toBe('none');
  });

  test('changes a payload under the hands of a hundred callers without losing one', async () => {
    const { storage } = open();
    const manager = new PendingManager<number>({ storage, namespaces, linkFor: String });
    const { id } = await manager.create(alice, { kind: 'count', data: 0 });
    await Promise.all(Array.from({ length: 20 }, () => manager.update(id, (count) => count + 1)));
    expect((await manager.get(id)).data).toBe(20);
    await manager.complete(id);
    expect(await codeOf(manager.update(id, () => 0))).toBe('ERR_POSTERN_PENDING_ALREADY_FINISHED');
  });
});

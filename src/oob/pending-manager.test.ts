import { describe, expect, test } from 'vitest';
import type { NamespaceProvider } from '../namespace/namespace-provider.ts';
import { createNamespace } from '../namespace/namespace.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { currentNamespace, currentPending } from '../interaction/enter-pending.ts';
import { PendingManager, withPending, type PendingManagerOptions } from './pending-manager.ts';

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
    callbackUrl: (id) => `https://s.example/p/${id}`,
  });
  return { storage, manager, advance: (ms: number) => void (nowMs += ms) };
}

const ask = { kind: 'question', data: { question: 'Which?' } };
const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: { code: string }) => error.code,
  );
const visit = (url: string): Request => new Request(url);
const idOf = (request: Request): string | undefined => new URL(request.url).pathname.split('/').at(-1);

describe('a PendingManager', () => {
  test.each(['storage', 'namespaces', 'callbackUrl'] as const)(
    'refuses to be made without %s, and names it',
    (missing) => {
      const options = { storage: new MemoryBackend(), namespaces, callbackUrl: String, [missing]: undefined };
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
    expect(await manager.clearNamespace(alice)).toBe(1);
    expect(await manager.listNamespace(alice)).toEqual([]);
    expect((await manager.get(theirs.id)).status).toBe('pending');
  });

  test('changes a payload under the hands of a hundred callers without losing one', async () => {
    const { storage } = open();
    const manager = new PendingManager<number>({ storage, namespaces, callbackUrl: String });
    const { id } = await manager.create(alice, { kind: 'count', data: 0 });
    await Promise.all(Array.from({ length: 20 }, () => manager.update(id, (count) => count + 1)));
    expect((await manager.get(id)).data).toBe(20);
    await manager.complete(id);
    expect(await codeOf(manager.update(id, () => 0))).toBe('ERR_POSTERN_PENDING_ALREADY_FINISHED');
  });
});

describe('withPending', () => {
  test('calls the handler inside the pending’s namespace, and nobody else is inside it', async () => {
    const { manager } = open();
    const { url } = await manager.create(alice, ask);
    const page = withPending(manager, idOf, async (pending) => {
      await Promise.resolve();
      return Response.json([
        pending.data?.question,
        currentPending<Payload>()?.data?.question,
        currentNamespace()?.id,
      ]);
    });
    expect(await (await page(visit(url))).json()).toEqual(['Which?', 'Which?', 'alice']);
    expect([currentPending(), currentNamespace()]).toEqual([undefined, undefined]);
  });

  test('keeps two visits at the same time apart', async () => {
    const { manager } = open();
    const page = withPending(manager, idOf, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return new Response(currentNamespace()?.id);
    });
    const urls = await Promise.all(
      [alice, bob].map(async (caller) => (await manager.create(caller, ask)).url),
    );
    expect(await Promise.all(urls.map(async (url) => (await page(visit(url))).text()))).toEqual([
      'alice',
      'bob',
    ]);
  });

  test('reaches no other namespace from inside a page', async () => {
    const { manager } = open();
    const { url } = await manager.create(alice, ask);
    const { id: foreign } = await manager.create(bob, ask);
    const page = withPending(manager, idOf, async () => {
      const codes = [await codeOf(manager.complete(foreign)), await codeOf(manager.get(foreign))];
      return Response.json(codes);
    });
    expect(await (await page(visit(url))).json()).toEqual(Array(2).fill('ERR_POSTERN_PENDING_NOT_FOUND'));
    expect((await manager.get(foreign)).status).toBe('pending');
  });

  test('answers 400, 404, 410, 500 and 503, each with a dull body', async () => {
    const { manager, storage, advance } = open();
    const page = withPending(manager, idOf, () => {
      throw new Error('CNRY in /srv/app.ts');
    });
    const live = await manager.create(alice, { ...ask, ttlMs: 60_000 });
    const done = await manager.create(alice, ask);
    await manager.complete(done.id);
    const old = await manager.create(alice, { ...ask, ttlMs: 10 });
    advance(11);
    const answer = async (path: string): Promise<[number, string]> => {
      const response = await page(visit(`https://s.example/p/${path}`));
      return [response.status, await response.text()];
    };
    expect(await answer('%00')).toEqual([400, '400\n']);
    expect(await answer('x'.repeat(65))).toEqual([400, '400\n']);
    expect(await answer('x'.repeat(32))).toEqual([404, '404\n']);
    expect(await answer(done.id)).toEqual([410, '410\n']);
    expect(await answer(old.id)).toEqual([410, '410\n']);
    expect(await answer(live.id)).toEqual([500, '500\n']);
    await storage.close();
    expect(await answer(live.id)).toEqual([503, '503\n']);
  });

  test('with verifyUser lets in nobody but the initiator, to whom alone the pending exists', async () => {
    const { manager } = open();
    const { url } = await manager.create(alice, { ...ask, initiator: 'alice@host' });
    let user: string | Response | undefined;
    const page = withPending(manager, idOf, () => new Response('in'), { verifyUser: () => user });
    const statuses: number[] = [];
    for (user of ['alice@host', 'bob@host', undefined, '', Response.redirect('https://s.example/login')]) {
      statuses.push((await page(visit(url))).status);
    }
    expect(statuses).toEqual([200, 404, 401, 401, 302]);
  });
});

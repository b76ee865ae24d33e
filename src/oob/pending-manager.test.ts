import { describe, expect, test } from 'vitest';
import type { NamespaceProvider } from '../namespace/namespace-provider.ts';
import { createNamespace } from '../namespace/namespace.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { currentNamespace, currentPending, enterPending } from './index.ts';
import { PendingManager, withPending } from './pending-manager.ts';

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
const visit = (url: string): Request => new Request(url);
const idOf = (request: Request): string | undefined => new URL(request.url).pathname.split('/').at(-1);

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

  test('may be entered by work that goes on after its page: that reaches its namespace, and no other', async () => {
    const { manager } = open();
    const { pending } = await manager.create(alice, ask);
    const { id: other } = await manager.create(bob, ask);
    const seen = await enterPending(pending, async () => {
      await Promise.resolve();
      return [currentPending<Payload>()?.id, currentNamespace()?.id, await manager.find(other)];
    });
    expect(seen).toEqual([pending.id, 'alice', undefined]);
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
      return Response.json([...codes, (await manager.find(foreign)) ?? 'none']);
    });
    expect(await (await page(visit(url))).json()).toEqual([
      'ERR_POSTERN_PENDING_NOT_FOUND',
      'ERR_POSTERN_PENDING_NOT_FOUND',
      'none',
    ]);
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

import { describe, expect, test } from 'vitest';
import { PendingManager, withPending, type VerifyUser } from '../../../src/oob/index.ts';
import { createNamespace, MemoryBackend, type StorageBackend } from '../../../src/index.ts';
import { hashId } from '../../../src/core/random.ts';
import { storageOf } from '../../../src/namespace/namespace.ts';
import { createSteppedClock } from '../../support/stepped-clock.ts';
import { callbackOf, openFlowStage, redirectFlow } from '../../support/flow-stage.ts';
import { namespaces } from '../../support/process-world.ts';
import { openForm, passwordFlow } from './form-stage.ts';

/** Everybody a link was not made for. */
const strangers: Readonly<Record<string, VerifyUser>> = {
  'nobody who is signed in': () => undefined,
  'another user': () => 'mallory',
  'a person the host sends to its sign-in page': () =>
    new Response(null, { status: 303, headers: { location: '/login' } }),
  'a user with nearly the same name': () => 'Alice',
};

/** All of an answer that could tell something, without what differs by itself. */
async function answerOf(response: Response): Promise<string> {
  const headers = [...response.headers].filter(([name]) => name !== 'date');
  return JSON.stringify([response.status, headers, await response.text()]);
}

const unknown = 'u'.repeat(32);

describe.each(Object.entries(strangers))('%s', (_who, verifyUser) => {
  test.each(['GET', 'POST'])(
    'is answered the same for a link that lives, that has ended, that has expired, and that never was, to a %s (issue 8.7)',
    async (method) => {
      let there: VerifyUser = () => 'alice';
      const stage = await openFlowStage({ oob: { verifyUser: (request) => there(request) } });
      const flow = passwordFlow(stage);
      const link = (resource: string) => stage.linkOf('alice', flow, { resource });
      const expired = await link('expired');
      stage.time.advance(11 * 60_000);
      const [live, withdrawn, kept] = [await link('live'), await link('withdrawn'), await link('kept')];
      await stage.oob.credentials.withdraw(await stage.principal('alice'), 'withdrawn');
      expect((await (await openForm(stage, kept.url))({ password: 'x' })).good).toBe(true);
      there = verifyUser;
      const ids = [live, withdrawn, kept, expired].map(({ pendingId }) => pendingId);
      for (const rest of ['', '/status', '/x']) {
        const answers = await Promise.all(
          [...ids, unknown].map(async (id) =>
            answerOf(
              await stage.oob.fetch(
                new Request(`${stage.host.publicUrl}/connect/${id}${rest}`, {
                  method,
                  headers: { origin: stage.host.origin },
                }),
              ),
            ),
          ),
        );
        expect(new Set(answers.map((answer) => answer.replaceAll(/[\w-]{32}/gu, '<id>'))).size, rest).toBe(1);
      }
    },
  );

  test('is answered the same for a callback of a live link and for one that nobody waits for (issue 8.7)', async () => {
    let there: VerifyUser = () => 'alice';
    const stage = await openFlowStage({ oob: { verifyUser: (request) => there(request) } });
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const callback = await callbackOf(await stage.host.openBrowser(), url);
    there = verifyUser;
    const foreign = new URL(callback);
    foreign.searchParams.set('state', unknown);
    const answers: string[] = [];
    for (const address of [callback, foreign]) {
      answers.push(await answerOf(await stage.oob.fetch(new Request(address))));
    }
    expect(answers[1]).toBe(answers[0]);
    expect(stage.as.count('token')).toBe(0);
  });

  test('is answered the same by a page of one’s own, whatever has become of its pending (issue 8.7)', async () => {
    const time = createSteppedClock();
    const manager = new PendingManager({
      storage: new MemoryBackend({ clock: time.clock }),
      clock: time.clock,
      namespaces,
      linkFor: (id) => `https://app.example/approve/${id}`,
    });
    const make = () => manager.create({ token: 'alice' }, { kind: 'approval', data: undefined });
    const expired = await make();
    time.advance(11 * 60_000);
    const [live, completed, cancelled] = [await make(), await make(), await make()];
    await manager.complete(completed.id);
    await manager.cancel(cancelled.id);
    const page = withPending(
      manager,
      (request) => new URL(request.url).pathname.split('/').at(-1),
      () => new Response('for alice only'),
      { verifyUser },
    );
    const answers = await Promise.all(
      [live.id, completed.id, cancelled.id, expired.id, unknown].map(async (id) =>
        answerOf(await page(new Request(`https://app.example/approve/${id}`))),
      ),
    );
    expect(new Set(answers).size).toBe(1);
  });
});

/** Writes over one record of a user, as another program or a lost key would. */
async function spoil(storage: StorageBackend, user: string, ...path: [string, ...string[]]): Promise<void> {
  const key = storageOf(storage, createNamespace('user', user)).key(path);
  await storage.commit([{ put: key, value: new TextEncoder().encode('not what we wrote') }]);
}

describe('a record that nobody can read', () => {
  const people: Readonly<Record<string, VerifyUser>> = { ...strangers, 'its own initiator': () => 'alice' };

  test.each(Object.entries(people))(
    'is answered as a link that never was, to %s, and the log says it (issue 8.7)',
    async (_who, verifyUser) => {
      const stage = await openFlowStage({ oob: { verifyUser } });
      const flow = redirectFlow(stage);
      const { pendingId } = await stage.linkOf('alice', flow);
      await spoil(stage.storage, 'alice', 'pending', await hashId(pendingId));
      for (const rest of ['', '/status', '/x']) {
        const answers: string[] = [];
        for (const id of [pendingId, unknown]) {
          answers.push(
            await answerOf(
              await stage.oob.fetch(new Request(`${stage.host.publicUrl}/connect/${id}${rest}`)),
            ),
          );
        }
        expect(answers[0], rest).toBe(answers[1]);
      }
      expect(stage.logger.lines.join()).toContain('ERR_POSTERN_STORAGE_CORRUPT');
    },
  );

  test('is answered as a state that nobody waits for, of the attempt and of its pending (issue 8.7)', async () => {
    let there: VerifyUser = () => 'alice';
    const stage = await openFlowStage({ oob: { verifyUser: (request) => there(request) } });
    const flow = redirectFlow(stage);
    const spoilt = ['pending', 'attempt'] as const;
    const callbacks: URL[] = [];
    for (const kind of spoilt) {
      const { url, pendingId } = await stage.linkOf('alice', flow, { resource: kind });
      const callback = await callbackOf(await stage.host.openBrowser(), url);
      const id = kind === 'pending' ? pendingId : (callback.searchParams.get('state') ?? '');
      await spoil(stage.storage, 'alice', kind, await hashId(id));
      callbacks.push(callback);
    }
    there = () => 'mallory';
    const foreign = new URL(callbacks[0]!);
    foreign.searchParams.set('state', unknown);
    const answers: string[] = [];
    for (const address of [...callbacks, foreign]) {
      answers.push(await answerOf(await stage.oob.fetch(new Request(address))));
    }
    expect(new Set(answers).size).toBe(1);
  });

  test('is answered as an id that never was by a page of one’s own (issue 8.7)', async () => {
    const storage = new MemoryBackend();
    const manager = new PendingManager({
      storage,
      namespaces,
      linkFor: (id) => `https://app.example/approve/${id}`,
    });
    const { id } = await manager.create({ token: 'alice' }, { kind: 'approval', data: undefined });
    await spoil(storage, 'alice', 'pending', await hashId(id));
    const page = withPending(
      manager,
      (request) => new URL(request.url).pathname.split('/').at(-1),
      () => new Response('for alice only'),
      { verifyUser: () => 'mallory' },
    );
    const answer = async (of: string) =>
      answerOf(await page(new Request(`https://app.example/approve/${of}`)));
    expect(await answer(id)).toBe(await answer(unknown));
  });
});

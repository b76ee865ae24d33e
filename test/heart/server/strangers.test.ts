import { describe, expect, test } from 'vitest';
import { PendingManager, withPending, type VerifyUser } from '../../../src/oob/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
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
      callbackUrl: (id) => `https://app.example/approve/${id}`,
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

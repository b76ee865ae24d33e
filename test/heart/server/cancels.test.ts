import { describe, expect, test } from 'vitest';
import { openToolStage, until, type Action, type Era } from '../../support/tool-stage.ts';

const query = { connection: 'warehouse' };
const never = (): Promise<Action> => new Promise(() => {});

describe.each(['session', 'modern'] as const)(
  'a dialog that one client of a person dismissed, in the era %s',
  (era: Era) => {
    const other: Era = era === 'session' ? 'modern' : 'session';

    test.each([era, other])(
      'ends nobody’s question: the call of another client, in the era %s, goes on to its end (issue 8.18)',
      async (era2) => {
        const stage = await openToolStage({ tool: { waitMs: 5_000, sessionWaitMs: 10_000 } });
        const patient = await stage.connect(era2, {
          answer: era2 === 'session' ? never : async () => 'accept',
        });
        const waiting = patient.call('run_query', query);
        const { url } = await until(() => patient.prompts[0]);
        const hasty = await stage.connect(era, { answer: async () => 'cancel' });
        const dismissed = hasty.call('run_query', query).catch((error: unknown) => error);
        await until(() => hasty.prompts[0]);
        // In the older era a call may go on to wait for the person; what it says in the end is its own matter.
        if (era === 'modern') await dismissed;
        else await until(() => stage.runs() === 2);
        await new Promise((resolve) => setTimeout(resolve, 100));
        expect((await stage.oob.findPending(new URL(url).pathname.split('/').at(-1) ?? ''))?.status).toBe(
          'pending',
        );
        await stage.finish(url);
        const result = await waiting;
        expect([result.isError ?? false, result.content]).toEqual([
          false,
          [{ type: 'text', text: 'run_query at warehouse as alice/db-alice' }],
        ]);
        await dismissed;
      },
    );

    test('is no decline: the same client is asked again by its next call (issue 8.18)', async () => {
      const stage = await openToolStage({ tool: { waitMs: 5_000, sessionWaitMs: 5_000 } });
      let answer: Action = 'cancel';
      const client = await stage.connect(era, {
        answer: async ({ url }) => {
          if (answer === 'accept') await stage.finish(url);
          return answer;
        },
      });
      const stop = new AbortController();
      const first = client.call('run_query', query, stop.signal).catch((error: unknown) => error);
      await until(() => client.prompts[0]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      stop.abort();
      await first;
      answer = 'accept';
      const asked = client.prompts.length;
      const second = await client.call('run_query', query);
      expect([second.isError ?? false, client.prompts.length > asked]).toEqual([false, true]);
    });
  },
);

test.each(['session', 'modern'] as const)(
  'a person who declines in one client is not asked by another a moment later, in the era %s',
  async (era) => {
    const stage = await openToolStage();
    const first = await stage.connect(era, { answer: async () => 'decline' });
    await first.call('run_query', query);
    const second = await stage.connect(era);
    expect((await second.call('run_query', query)).structuredContent).toMatchObject({
      error: { code: 'ERR_POSTERN_AUTH_DENIED' },
    });
    expect(second.prompts).toEqual([]);
  },
);

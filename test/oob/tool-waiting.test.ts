import { describe, expect, test } from 'vitest';
import { openToolStage, pendingOf, textOf, until } from '../support/tool-stage.ts';

const query = { connection: 'warehouse' };

describe('a person who is slow', () => {
  test('is polled for in bounded rounds, and shown the link once', async () => {
    const stage = await openToolStage({ tool: { waitMs: 150 } });
    const client = await stage.connect('modern');
    const call = client.call('run_query', query);
    const { url } = await until(() => client.prompts[0]);
    await new Promise((resolve) => setTimeout(resolve, 700));
    await stage.finish(url);
    expect(textOf(await call)).toBe('run_query at warehouse as alice/db-alice');
    expect(client.prompts).toHaveLength(1);
    expect(stage.runs()).toBe(2);
  });

  test('in a session is waited for, and then the call is answered with the link', async () => {
    const stage = await openToolStage({ tool: { sessionWaitMs: 300 } });
    const client = await stage.connect('session');
    const result = await client.call('run_query', query);
    expect(pendingOf(result).url).toBe(client.prompts[0]?.url);
    await stage.finish(pendingOf(result).url);
    expect(textOf(await client.call('run_query', query))).toBe('run_query at warehouse as alice/db-alice');
  });

  test.each(['modern', 'session'] as const)('until the link has expired ends the call in %s', async (era) => {
    const stage = await openToolStage();
    const client = await stage.connect(era);
    const call = client.call('run_query', query);
    await until(() => client.prompts[0]);
    await until(() => stage.listeners() > 0);
    stage.time.advance(601_000);
    expect((await call).structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_PENDING_EXPIRED' } });
    expect(stage.effects).toEqual([]);
    expect(stage.listeners()).toBe(0);
  });
});

describe('a client that goes away during the call', () => {
  test.each(['modern', 'session'] as const)(
    'leaves the link as it is for the next call in %s',
    async (era) => {
      const stage = await openToolStage();
      const first = await stage.connect(era);
      const stop = new AbortController();
      const gone = first.call('run_query', query, stop.signal).catch((error: unknown) => error);
      const { url } = await until(() => first.prompts[0]);
      await until(() => stage.listeners() > 0);
      stop.abort();
      expect(await gone).toBeInstanceOf(Error);
      // The waiter is released; what it waited for is not.
      await until(() => stage.listeners() === 0);
      await first.close();
      const second = await stage.connect(era);
      const call = second.call('run_query', query);
      expect((await until(() => second.prompts[0])).url).toBe(url);
      await stage.finish(url);
      expect(textOf(await call)).toBe('run_query at warehouse as alice/db-alice');
      expect(stage.effects).toHaveLength(1);
    },
  );

  test('without a word in a session is waited for no longer than any', async () => {
    const stage = await openToolStage({ tool: { sessionWaitMs: 1_000 } });
    const client = await stage.connect('session');
    const lost = client.call('run_query', query).catch((error: unknown) => error);
    await until(() => client.prompts[0]);
    await client.close();
    expect(await lost).toBeInstanceOf(Error);
    await until(() => stage.listeners() === 0);
    expect(stage.effects).toEqual([]);
  });
});

test('a server that starts anew on the same store answers the retry of its predecessor’s call', async () => {
  const stage = await openToolStage();
  let release = (): void => {};
  const client = await stage.connect('modern', {
    answer: async ({ url }) => {
      await stage.restart();
      await stage.finish(url);
      release();
      return 'accept';
    },
  });
  const restarted = new Promise<void>((resolve) => (release = resolve));
  const call = client.call('run_query', query);
  await restarted;
  expect(textOf(await call)).toBe('run_query at warehouse as alice/db-alice');
  expect(stage.effects).toHaveLength(1);
});

test.each(['modern', 'session'] as const)(
  'calls that wait as their server closes are answered at once, with what they go on with: %s',
  async (era) => {
    const stage = await openToolStage({ tool: { waitMs: 300_000, sessionWaitMs: 300_000 } });
    const { client, prompts } = await stage.connect(era);
    const ask = (more: object = {}) =>
      client.callTool(
        { name: 'run_query', arguments: { connection: 'warehouse' }, ...more },
        { allowInputRequired: true, timeout: 60_000 },
      );
    const first = era === 'modern' ? ((await ask()) as { requestState?: string }) : undefined;
    const inputResponses = { 'credential-1': { action: 'accept' } };
    const waiting = ask(first && { requestState: first.requestState, inputResponses });
    await until(() => stage.listeners() > 0 && (era === 'modern' || prompts.length > 0));
    await stage.oob.close();
    const answer = (await waiting) as {
      requestState?: string;
      structuredContent?: { pending: { url: string } };
    };
    if (era === 'session') expect(answer.structuredContent?.pending.url).toBe(prompts[0]?.url);
    else
      expect(answer).toMatchObject({
        resultType: 'input_required',
        requestState: expect.any(String) as string,
      });
    // And what comes to it after that waits no more.
    const again = era === 'modern' ? ask({ requestState: answer.requestState }) : ask();
    expect(await again).toMatchObject(
      era === 'modern' ? { resultType: 'input_required' } : { isError: true },
    );
  },
  60_000,
);

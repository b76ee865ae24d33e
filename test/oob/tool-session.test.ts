import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, test, vi } from 'vitest';
import { openToolStage, until, type Action } from '../support/tool-stage.ts';

const query = { connection: 'warehouse' };
const pendingUrl = (result: CallToolResult): string =>
  (result.structuredContent as { pending: { url: string } }).pending.url;
const never = (): Promise<Action> => new Promise(() => {});

describe('the completion of a prompt', () => {
  test('is announced once, to the client that was asked, and to no other', async () => {
    const stage = await openToolStage();
    const [asked, other, stranger] = [
      await stage.connect('session'),
      await stage.connect('session', { elicitation: null }),
      await stage.connect('session', { user: 'bob' }),
    ];
    const calls = Array.from({ length: 3 }, () => asked.call('run_query', query));
    const { url, elicitationId } = await until(() => asked.prompts[0]);
    await other.call('run_query', query);
    await stage.finish(url);
    await Promise.all(calls);
    await until(() => asked.completed.length > 0);
    expect(asked.completed).toEqual([elicitationId]);
    expect(other.completed).toEqual([]);
    expect(stranger.completed).toEqual([]);
    expect(stranger.prompts).toEqual([]);
  });

  test('is announced to two sessions of one user under an id of each', async () => {
    const stage = await openToolStage();
    const clients = [await stage.connect('session'), await stage.connect('session')];
    const calls = clients.map((client) => client.call('run_query', query));
    const prompts = await Promise.all(clients.map((client) => until(() => client.prompts[0])));
    expect(new Set(prompts.map(({ url }) => url)).size).toBe(1);
    expect(new Set(prompts.map(({ elicitationId }) => elicitationId)).size).toBe(2);
    await stage.finish(prompts[0]?.url ?? '');
    await Promise.all(calls);
    await until(() => clients.every(({ completed }) => completed.length === 1));
    expect(clients.map(({ completed }) => completed)).toEqual(
      prompts.map(({ elicitationId }) => [elicitationId]),
    );
  });

  test('after the call is announced through the server it was given, and leaves no listener', async () => {
    const stage = await openToolStage({ passServer: true, tool: { sessionWaitMs: 300 } });
    const client = await stage.connect('session');
    const results = await Promise.all([1, 2, 3].map(() => client.call('run_query', query)));
    expect(stage.listeners()).toBe(1);
    await stage.finish(pendingUrl(results[0] as CallToolResult));
    await until(() => client.completed.length > 0);
    expect(client.completed).toEqual([client.prompts[0]?.elicitationId]);
    expect(stage.listeners()).toBe(0);
  });

  test('is not waited for by a server that has been closed', async () => {
    const stage = await openToolStage({ passServer: true, tool: { sessionWaitMs: 200 } });
    const client = await stage.connect('session');
    await client.call('run_query', query);
    await vi.waitFor(() => expect(stage.listeners()).toBe(1), { timeout: 5_000 });
    await stage.restart();
    expect(stage.listeners()).toBe(0);
  });

  test('is not announced when the person declined on the page', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session');
    const call = client.call('run_query', query);
    const browser = await stage.host.openBrowser('alice');
    await browser.open((await until(() => client.prompts[0])).url);
    await browser.submit({}, 'decline');
    await call;
    expect(client.completed).toEqual([]);
  });
});

describe('a prompt in a session', () => {
  test('is not sent again by the next call, once its client has accepted', async () => {
    const stage = await openToolStage({ tool: { sessionWaitMs: 200 } });
    const client = await stage.connect('session');
    await client.call('run_query', query);
    await client.call('run_query', query);
    expect(client.prompts).toHaveLength(1);
  });

  test('that nobody answered is taken back, and sent again by the next call', async () => {
    const stage = await openToolStage({ tool: { sessionWaitMs: 200 } });
    const client = await stage.connect('session', { answer: never });
    const first = await client.call('run_query', query);
    const second = await client.call('run_query', query);
    expect(pendingUrl(first)).toBe(pendingUrl(second));
    expect(client.prompts).toHaveLength(2);
  });

  test('is sent by a call that waits, when the call that sent it was cancelled', async () => {
    const stage = await openToolStage();
    let answers = 0;
    const client = await stage.connect('session', {
      answer: async () => (answers++ === 0 ? never() : 'accept'),
    });
    const stop = new AbortController();
    const leader = client.call('run_query', query, stop.signal).catch((error: unknown) => error);
    await until(() => client.prompts.length === 1);
    const follower = client.call('run_query', query);
    await until(() => stage.runs() === 2 && stage.listeners() > 0);
    stop.abort();
    expect(await leader).toBeInstanceOf(Error);
    await until(() => client.prompts.length === 2);
    await stage.finish(client.prompts[1]?.url ?? '');
    expect((await follower).isError).toBeFalsy();
    expect(stage.listeners()).toBe(0);
  });

  test('that the client answers with an error is given back as a link at once', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session', { answer: () => Promise.reject(new Error('no window')) });
    const startedAt = performance.now();
    const result = await client.call('run_query', query);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(pendingUrl(result)).toBe(client.prompts[0]?.url);
  });

  test('does not keep the person from finishing before they have answered it', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session', { answer: never });
    const call = client.call('run_query', query);
    await stage.finish((await until(() => client.prompts[0])).url);
    expect((await call).isError).toBeFalsy();
  });

  test('stays the only one of three calls that end before it was answered', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session', { answer: never });
    const calls = [1, 2, 3].map(() => client.call('run_query', query));
    const { url } = await until(() => client.prompts[0]);
    await until(() => stage.runs() === 3);
    await stage.finish(url);
    expect((await Promise.all(calls)).map(({ isError }) => isError ?? false)).toEqual([false, false, false]);
    expect(client.prompts).toHaveLength(1);
  });

  test('reaches a client that has no stream open but that of its call', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session', { listens: false });
    const call = client.call('run_query', query);
    await stage.finish((await until(() => client.prompts[0])).url);
    expect((await call).isError).toBeFalsy();
    expect(client.completed).toHaveLength(1);
  });

  test('that was never shown is not followed after its call', async () => {
    const stage = await openToolStage({ passServer: true });
    const client = await stage.connect('session', { elicitation: null });
    await client.call('run_query', query);
    expect(stage.listeners()).toBe(0);
  });

  test('that was declined too late changes nothing', async () => {
    const stage = await openToolStage();
    const client = await stage.connect('session', {
      answer: async ({ url }) => {
        await stage.finish(url);
        return 'decline';
      },
    });
    expect((await client.call('run_query', query)).isError).toBeFalsy();
    expect((await client.call('run_query', { ...query, limit: 2 })).isError).toBeFalsy();
  });
});

test('a store that fails while a session waits ends the call with a word, and is asked again', async () => {
  const stage = await openToolStage({ tool: { sessionWaitMs: 500 } });
  const client = await stage.connect('session');
  const call = client.call('run_query', query);
  const { url } = await until(() => client.prompts[0]);
  stage.storage.fault = ({ operation }) => (operation === 'get' ? 'fail' : undefined);
  expect((await call).structuredContent).toMatchObject({
    error: { code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' },
  });
  stage.storage.fault = () => undefined;
  await stage.finish(url);
  expect((await client.call('run_query', query)).isError).toBeFalsy();
});

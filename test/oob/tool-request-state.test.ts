import { ProtocolError, type CallToolResult, type InputRequiredResult } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import {
  openToolStage,
  until,
  type ToolClient,
  type ToolStage,
  type ToolStageOptions,
} from '../support/tool-stage.ts';

const query = { connection: 'warehouse' };
const accepted = { 'credential-1': { action: 'accept' } };

interface Call {
  readonly name?: string;
  readonly arguments?: Record<string, unknown>;
  readonly requestState?: string | undefined;
  readonly inputResponses?: Record<string, unknown>;
}

/** One request of the protocol, with no help of the client’s. */
async function send({ client }: ToolClient, call: Call): Promise<CallToolResult | InputRequiredResult> {
  const params = { name: 'run_query', arguments: query, ...call };
  return client.callTool(params, { allowInputRequired: true });
}

const errorOf = (client: ToolClient, call: Call): Promise<unknown> =>
  send(client, call).then(
    (result) => result,
    (error: unknown) => error,
  );

/** A call that waits for its person: its state, and the link. */
async function openRound(options: ToolStageOptions = {}) {
  const stage = await openToolStage({ ...options, tool: { waitMs: 100, ...options.tool } });
  const client = await stage.connect('modern');
  const { requestState = '', url } = await begin(client);
  return { stage, client, requestState, url };
}

async function begin(client: ToolClient, call: Call = {}) {
  const result = (await send(client, call)) as InputRequiredResult;
  expect(result.resultType).toBe('input_required');
  const request = result.inputRequests?.['credential-1'] as { params: { url: string } } | undefined;
  return { requestState: result.requestState, url: request?.params.url ?? '' };
}

function expectRefusal(error: unknown): void {
  expect(error).toBeInstanceOf(ProtocolError);
  const { code, message, data } = error as ProtocolError;
  expect({ code, message, data }).toEqual({
    code: -32602,
    message: 'Invalid or expired requestState',
    data: { reason: 'invalid_request_state' },
  });
}

/** What only the tool can see: the same words, as a result. */
function expectDullResult(result: unknown): void {
  expect(result).toMatchObject({
    isError: true,
    structuredContent: { error: { code: 'ERR_POSTERN_OOB_STATE_INVALID' } },
  });
}

async function finish(stage: ToolStage, url: string): Promise<void> {
  await stage.finish(url);
  expect(stage.effects).toEqual([]);
}

describe('a request state', () => {
  test('says nothing to its client', async () => {
    const { requestState, url } = await openRound();
    const bytes = Buffer.from(requestState, 'base64url').toString('latin1');
    for (const known of ['warehouse', 'alice', 'run_query', url.split('/').at(-1) ?? '', 'asked']) {
      expect(bytes).not.toContain(known);
      expect(requestState).not.toContain(known);
    }
  });

  test('is refused with each of its characters changed, cut short anywhere, or made longer', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    const reads: string[] = [];
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const flips = requestState.split('').map((letter, at) => {
      // The neighbour in the alphabet: in the last place only bits that decode to nothing differ.
      const other = alphabet[alphabet.indexOf(letter) ^ 1] ?? 'A';
      return requestState.slice(0, at) + other + requestState.slice(at + 1);
    });
    const cuts = [0, 1, 12, 13, 28, 29, requestState.length - 1].map((length) =>
      requestState.slice(0, length),
    );
    const odd = [
      `${requestState}A`,
      `${requestState}=`,
      requestState.repeat(100),
      '\u0000',
      ' ',
      '{}',
      'AQ',
      `A${requestState}`,
    ];
    stage.storage.fault = ({ operation, on }) => {
      if (operation === 'get') reads.push(on);
      return undefined;
    };
    for (const text of [...flips, ...cuts, ...odd])
      expectRefusal(await errorOf(client, { requestState: text, inputResponses: accepted }));
    expect(reads.filter((on) => on.includes('pending') || on.includes('used'))).toEqual([]);
    expect(stage.runs()).toBe(1);
    expect(stage.effects).toEqual([]);
    expect(await send(client, { requestState, inputResponses: accepted })).toMatchObject({
      content: [{ type: 'text' }],
    });
    expect(stage.effects).toHaveLength(1);
  }, 60_000);

  test('of another user is refused, both ways', async () => {
    const { stage, client, requestState, url } = await openRound();
    const mallory = await stage.connect('modern', { user: 'mallory' });
    const hers = await begin(mallory);
    await finish(stage, url);
    await finish(stage, url).catch(() => {});
    await stage.finish(hers.url, 'mallory');
    expectRefusal(await errorOf(mallory, { requestState, inputResponses: accepted }));
    expectRefusal(await errorOf(client, { requestState: hers.requestState, inputResponses: accepted }));
    expect(stage.effects).toEqual([]);
  });

  test.each([
    ['another tool', { name: 'drop_table' }],
    ['other arguments', { arguments: { connection: 'other' } }],
    ['an argument more', { arguments: { ...query, limit: 11 } }],
  ])('is refused for %s', async (_what, call) => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    expectDullResult(await send(client, { ...call, requestState, inputResponses: accepted }));
    expect(stage.effects).toEqual([]);
  });

  test('is good for the same arguments in another order, or with a default written out', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    const call = { arguments: { limit: 10, ...query }, requestState, inputResponses: accepted };
    expect((await send(client, call)).isError).toBeFalsy();
  });

  test('is refused for a tool without arguments that is not its own', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    expectDullResult(
      await send(client, { name: 'whoami', arguments: {}, requestState, inputResponses: accepted }),
    );
  });

  test('is refused after its time', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    stage.time.advance(15 * 60_000 + 1_000);
    expectRefusal(await errorOf(client, { requestState, inputResponses: accepted }));
    expect(stage.effects).toEqual([]);
  });

  test('of a link that has expired says so, a little longer', async () => {
    const { stage, client, requestState } = await openRound();
    stage.time.advance(11 * 60_000);
    const result = await send(client, { requestState, inputResponses: accepted });
    expect(result.structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_PENDING_EXPIRED' } });
  });

  test('that is no text is refused', async () => {
    const { stage, client } = await openRound();
    for (const requestState of [1, {}, [], true]) {
      const error = await errorOf(client, { requestState: requestState as never, inputResponses: accepted });
      expect((error as ProtocolError).code).toBe(-32602);
    }
    expect(stage.runs()).toBe(1);
  });

  test('is refused by the tool alone, too, with the same words', async () => {
    const { stage, client, requestState, url } = await openRound({ verifyFirst: false });
    await finish(stage, url);
    const results = [`${requestState.slice(0, -2)}AA`, requestState.slice(1), ''].map((text) =>
      send(client, { requestState: text, inputResponses: accepted }),
    );
    for (const result of await Promise.all(results)) expectDullResult(result);
    expect((await send(client, { requestState, inputResponses: accepted })).isError).toBeFalsy();
  });

  test('is not called wrong when it was the store that failed', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    stage.storage.fault = ({ on }) => (on.includes('used-request-state') ? 'fail' : undefined);
    const result = await send(client, { requestState, inputResponses: accepted });
    expect(result.structuredContent).toMatchObject({
      error: { code: 'ERR_POSTERN_STORAGE_UNAVAILABLE', retry: true },
    });
    expect(stage.effects).toEqual([]);
    stage.storage.fault = () => undefined;
    expect((await send(client, { requestState, inputResponses: accepted })).isError).toBeFalsy();
  });
});

describe('one request state sent a hundred times in parallel', () => {
  test('has one effect, whether the person is done before or during', async () => {
    for (const moment of ['before', 'during'] as const) {
      const { stage, client, requestState, url } = await openRound({ tool: { waitMs: 5_000 } });
      const replay = (): Promise<unknown>[] =>
        Array.from({ length: 100 }, () => errorOf(client, { requestState, inputResponses: accepted }));
      if (moment === 'before') await finish(stage, url);
      const sent = replay();
      if (moment === 'during') {
        await until(() => stage.inFlight() === 100 && stage.listeners() > 0);
        await stage.finish(url);
      }
      const outcomes = await Promise.all(sent);
      const done = outcomes.filter(
        (outcome) => !(outcome instanceof Error) && (outcome as CallToolResult).isError !== true,
      );
      expect(done).toHaveLength(1);
      expect(stage.effects).toHaveLength(1);
      for (const outcome of outcomes.filter((one) => !done.includes(one))) {
        if (outcome instanceof Error) expectRefusal(outcome);
        else expectDullResult(outcome);
      }
      expectRefusal(await errorOf(client, { requestState, inputResponses: accepted }));
      expect(stage.listeners()).toBe(0);
    }
  }, 60_000);

  test('has one effect with the states of its later rounds, too', async () => {
    const { stage, client, requestState, url } = await openRound({ tool: { waitMs: 20 } });
    const states = [requestState];
    for (let round = 0; round < 4; round++) {
      const again = (await send(client, {
        requestState: states.at(-1),
        inputResponses: accepted,
      })) as InputRequiredResult;
      states.push(again.requestState ?? '');
    }
    expect(new Set(states).size).toBe(5);
    await finish(stage, url);
    const replays = states.flatMap((state) =>
      [1, 2].map(() => errorOf(client, { requestState: state, inputResponses: accepted })),
    );
    await Promise.all(replays);
    expect(stage.effects).toHaveLength(1);
  });
});

describe('a retry while the person is busy', () => {
  test('waits for a bounded time, and is then told to come again, without another prompt', async () => {
    const { client, requestState } = await openRound({ tool: { waitMs: 300 } });
    const startedAt = performance.now();
    const again = (await send(client, { requestState, inputResponses: accepted })) as InputRequiredResult;
    const tookMs = performance.now() - startedAt;
    expect(tookMs).toBeGreaterThan(280);
    expect(tookMs).toBeLessThan(4_000);
    expect(again.inputRequests ?? {}).toEqual({});
    expect(again.requestState).not.toBe(requestState);
  });

  test('is woken when the person is done', async () => {
    const { stage, client, requestState, url } = await openRound({ tool: { waitMs: 10_000 } });
    const retry = send(client, { requestState, inputResponses: accepted });
    await until(() => stage.listeners() === 1);
    const startedAt = performance.now();
    await stage.finish(url);
    expect((await retry).isError).toBeFalsy();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test.each([
    ['no answer', undefined],
    ['an answer to something else', { other: { action: 'accept' } }],
    ['an answer nobody knows', { 'credential-1': { action: 'perhaps' } }],
  ])('that brings %s shows the link again', async (_what, inputResponses) => {
    const { client, requestState, url } = await openRound();
    const again = (await send(client, {
      requestState,
      ...(inputResponses && { inputResponses }),
    })) as InputRequiredResult;
    expect(again.inputRequests).toMatchObject({
      'credential-1': { method: 'elicitation/create', params: { mode: 'url', url } },
    });
  });

  test('that was lost on the way can be sent again', async () => {
    const { stage, client, requestState, url } = await openRound({ tool: { waitMs: 10_000 } });
    const stop = new AbortController();
    const params = { name: 'run_query', arguments: query, requestState, inputResponses: accepted };
    const options = { allowInputRequired: true, signal: stop.signal };
    const lost = client.client.callTool(params as never, options as never).catch((error: unknown) => error);
    await until(() => stage.listeners() === 1);
    stop.abort();
    await lost;
    await until(() => stage.listeners() === 0);
    await finish(stage, url);
    expect((await send(client, { requestState, inputResponses: accepted })).isError).toBeFalsy();
    expect(stage.effects).toHaveLength(1);
  });

  test('that declines after the form was sent goes on with what was given', async () => {
    const { stage, client, requestState, url } = await openRound();
    await finish(stage, url);
    const declined = { 'credential-1': { action: 'decline' } };
    expect((await send(client, { requestState, inputResponses: declined })).isError).toBeFalsy();
  });

  test('of two passwords declines the whole when one is declined', async () => {
    const stage = await openToolStage({ tool: { waitMs: 10_000 } });
    const client = await stage.connect('modern');
    const call = { name: 'copy_table', arguments: { from: 'a', to: 'b', together: true } };
    const { requestState } = (await send(client, call)) as InputRequiredResult;
    const inputResponses = { 'credential-1': { action: 'accept' }, 'credential-2': { action: 'decline' } };
    const startedAt = performance.now();
    const result = await send(client, { ...call, requestState, inputResponses });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    expect(result.structuredContent).toMatchObject({ error: { code: 'ERR_POSTERN_AUTH_DENIED' } });
  });

  test('of a process that started anew on the same store is believed', async () => {
    const { stage, client, requestState, url } = await openRound();
    await stage.restart();
    await finish(stage, url);
    expect((await send(client, { requestState, inputResponses: accepted })).isError).toBeFalsy();
    await stage.restart();
    expectRefusal(await errorOf(client, { requestState, inputResponses: accepted }));
    expect(stage.effects).toHaveLength(1);
  });
});

import { describe, expect, onTestFinished, test } from 'vitest';
import { Client, type Session } from '../../src/client/index.ts';
import { findPosternError, type PosternError } from '../../src/core/postern-error.ts';
import { describeTime } from '../../src/core/retry-after.ts';
import { explain } from '../../src/core/explain.ts';
import { startMortalMcpServer, type McpCall, type MortalMcpServer } from '../support/mortal-mcp-server.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { codeOf, failureOf, openStage, textOf, type Stage } from '../support/stage.ts';
import { createSteppedClock, type SteppedClock } from '../support/stepped-clock.ts';

// Demands: a server that says when to come back is believed, within reason, and whoever waits is told.

const minuteMs = 60_000;

interface BusyStage {
  readonly server: MortalMcpServer;
  readonly client: Client;
  readonly session: Session;
  readonly time: SteppedClock;
  readonly call: () => Promise<string>;
}

/** A server that is asked with this, and answers it for as long as the reply is there. */
async function openBusy(busy: { reply?: Reply; only?: string }): Promise<BusyStage> {
  const time = createSteppedClock();
  const server = await startMortalMcpServer({
    override: ({ message: { method } }: McpCall) =>
      busy.only === undefined || busy.only === method ? busy.reply : undefined,
  });
  const client = new Client(
    { mortal: { url: server.url, auth: { type: 'none' } } },
    { connectTimeoutMs: 8_000, clock: time.clock },
  );
  onTestFinished(() => client.close());
  const call = async (): Promise<string> => textOf(await client.callTool('run', {}, { server: 'mortal' }));
  return { server, client, session: client.session('mortal'), time, call };
}

const errorOf = async (work: Promise<unknown>): Promise<PosternError | undefined> =>
  findPosternError(await failureOf(work));
const busyFor = (value: string, status = 503): Reply => ({ status, headers: { 'retry-after': value } });
const httpDate = (ms: number): string => new Date(Date.now() + ms).toUTCString();

describe.each([429, 503])('a server that answers %i to whoever connects', (status) => {
  test.each([
    ['seconds', () => busyFor('120', status)],
    ['a date', () => busyFor(httpDate(2 * minuteMs), status)],
  ])('and says in %s until when is not asked before that, and then is', async (_, replyOf) => {
    const busy: { reply?: Reply } = { reply: replyOf() };
    const { server, session, time, call } = await openBusy(busy);
    const startedAt = time.clock();
    const error = await errorOf(call());
    const { condition, retryAtMs = 0, evidence } = session.condition;
    expect([error?.code, session.status, condition, evidence?.httpStatus]).toEqual([
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
      'CONNECTION_FAILED',
      'transient',
      status,
    ]);
    expect(retryAtMs - startedAt).toBeGreaterThan(118_000);
    expect(retryAtMs - startedAt).toBeLessThan(125_000);
    expect(error?.hint).toContain(describeTime(retryAtMs));
    expect(error?.toJSON().evidence?.retryAtMs).toBe(retryAtMs);

    delete busy.reply;
    const sent = server.count('initialize') + server.count('server/discover');
    time.advance(110_000);
    const [again] = await Promise.all([errorOf(call()), session.connect(), codeOf(call())]);
    expect(again?.evidence).toMatchObject({ httpStatus: status, retryAtMs });
    expect(server.count('initialize') + server.count('server/discover')).toBe(sent);
    time.advance(20_000);
    expect(await call()).toBe('1');
    expect(session.condition.retryAtMs).toBeUndefined();
  });

  test('for ever, in its own words, is asked again after an hour', async () => {
    const busy: { reply?: Reply } = { reply: busyFor('9'.repeat(300), status) };
    const { time, call } = await openBusy(busy);
    await errorOf(call());
    delete busy.reply;
    time.advance(59 * minuteMs);
    expect(await codeOf(call())).toBe('ERR_POSTERN_CLIENT_CONNECTION_FAILED');
    time.advance(minuteMs);
    expect(await call()).toBe('1');
  });

  test.each(['', 'soon', '-5', '1e9', 'Wed, 21 Oct 2015 07:28:00 GMT', '%00'])(
    'and says %j, is asked by whoever comes next',
    async (value) => {
      const busy: { reply?: Reply } = { reply: busyFor(value, status) };
      const { session, call } = await openBusy(busy);
      await errorOf(call());
      expect([session.condition.condition, session.condition.retryAtMs]).toEqual(['transient', undefined]);
      delete busy.reply;
      expect(await call()).toBe('1');
    },
  );

  test('is asked at once by whoever starts over', async () => {
    const busy: { reply?: Reply } = { reply: busyFor('3600', status) };
    const { session, call } = await openBusy(busy);
    await errorOf(call());
    delete busy.reply;
    await session.connect({ force: true });
    expect(await call()).toBe('1');
  });
});

describe('in the midst of a session', () => {
  test('a 429 is the call’s own, says until when, and the session stays', async () => {
    const busy: { reply?: Reply; only: string } = { only: 'tools/call' };
    const { session, call } = await openBusy(busy);
    expect(await call()).toBe('1');
    busy.reply = busyFor('60', 429);
    const error = await errorOf(call());
    expect(error?.evidence).toMatchObject({ httpStatus: 429, mayHaveRun: false });
    expect(error?.evidence?.retryAtMs).toBeGreaterThan(Date.now() + 50_000);
    delete busy.reply;
    expect([session.status, await call()]).toEqual(['CONNECTED', '2']);
  });

  test('a 503 that says until when is the service’s: nothing else is asked of it before', async () => {
    const busy: { reply?: Reply } = {};
    const { server, session, call, time } = await openBusy(busy);
    expect(await call()).toBe('1');
    busy.reply = busyFor('60');
    const before = server.count('tools/list') + server.count('tools/call');
    const error = await errorOf(call());
    expect(error?.evidence).toMatchObject({ httpStatus: 503, mayHaveRun: true });
    expect([session.status, session.condition.condition]).toEqual(['CONNECTION_FAILED', 'transient']);
    expect(session.condition.retryAtMs).toBe(error?.evidence?.retryAtMs);
    await codeOf(call());
    expect(server.count('tools/list') + server.count('tools/call')).toBe(before + 1);
    delete busy.reply;
    time.advance(minuteMs);
    expect(await call()).toBe('2');
  });

  test('who is told what happened is told until when', async () => {
    const { call } = await openBusy({ reply: busyFor('60') });
    const error = await errorOf(call());
    const retryAtMs = error?.evidence?.retryAtMs ?? 0;
    for (const audience of ['person', 'model', 'operator'] as const) {
      const options = { for: audience, nowMs: retryAtMs - 40_000 };
      expect(explain(error, options)).toContain('in 40 seconds');
      expect(explain(JSON.stringify(error), options)).toContain('in 40 seconds');
    }
    expect(explain(error, { for: 'operator' })).toContain(describeTime(retryAtMs));
  });
});

/** A machine whose token has ended, and whose issuer answers like this. */
async function openMachine(answer: { reply?: Reply }): Promise<[Stage, Client]> {
  const client = { clientId: 'bot', clientSecret: 'CNRYzsecretz-secret' };
  const stage = await openStage({
    servers: ({ url }) => ({ calendar: { url, auth: { type: 'client_credentials', client } } }),
    hosts: 2,
  });
  stage.as.on('token', async (_call, standard) => answer.reply ?? standard());
  return [stage, await stage.manager.getClient('bot')];
}

describe('a machine’s grant that its issuer does not give', () => {
  test.each<[string, () => Reply, number, string]>([
    [
      'for what passes by itself is asked for again after two seconds',
      () => ({ status: 500 }),
      2_000,
      'REQUEST_FAILED',
    ],
    ['for nonsense, too', () => ({ body: '<h1>Hi</h1>' }), 2_000, 'RESPONSE_INVALID'],
    [
      'for what its operator has to put right, after thirty',
      () => ({ status: 401, body: { error: 'invalid_client' } }),
      30_000,
      'CLIENT_REJECTED',
    ],
    [
      'refused for good, too',
      () => ({ status: 400, body: { error: 'invalid_scope' } }),
      30_000,
      'REQUEST_REFUSED',
    ],
    ['with a Retry-After, after that', () => busyFor('300', 429), 300_000, 'REQUEST_FAILED'],
    ['with one that is shorter, after as long as without', () => busyFor('1'), 2_000, 'REQUEST_FAILED'],
    ['with a date, after that', () => busyFor(httpDate(300_000)), 300_000, 'REQUEST_FAILED'],
    ['with one that never ends, after an hour', () => busyFor('9'.repeat(50)), 3_600_000, 'REQUEST_FAILED'],
  ])('%s, in every process, and the error says when', async (_, replyOf, pauseMs, code) => {
    const answer: { reply?: Reply } = { reply: replyOf() };
    const [stage, client] = await openMachine(answer);
    await errorOf(client.callTool('whoami'));
    const failedAtMs = stage.time.clock();
    delete answer.reply;
    stage.time.advance(pauseMs - 1_900);
    const other = await stage.managers[1]!.getClient('bot');
    const error = await errorOf(other.callTool('whoami'));
    expect([error?.code, stage.as.count('token')]).toEqual([`ERR_POSTERN_OAUTH_${code}`, 1]);
    const retryAtMs = error?.toJSON().evidence?.retryAtMs ?? 0;
    expect(Math.abs(retryAtMs - failedAtMs - pauseMs)).toBeLessThan(1_500);
    expect(other.session('calendar').condition.retryAtMs).toBe(retryAtMs);
    stage.time.advance(2_500);
    expect(textOf(await client.callTool('whoami'))).toBe('machine');
  });

  test('is asked for at once by whoever starts over', async () => {
    const answer: { reply?: Reply } = { reply: busyFor('3600') };
    const [stage, client] = await openMachine(answer);
    await errorOf(client.callTool('whoami'));
    delete answer.reply;
    await client.connect({ force: true });
    expect([textOf(await client.callTool('whoami')), stage.as.count('token')]).toEqual(['machine', 2]);
  });
});

import { describe, expect, test, vi } from 'vitest';
import { openAgentStage, startAll, type AgentStage, type Step } from './scripted-agent.ts';

const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'to see your day' } };
const list = { call: 'calendar__list_events' };
const share = { call: 'calendar__share_calendar', args: { with: 'kim' } };
const patience = { timeout: 20_000 };

/** Has alice's agent wait for her; she is done with her part when this returns. */
async function waitAndConsent(stage: AgentStage, steps: readonly Step[]): Promise<string> {
  const { runId, status } = await stage.runs[0]!.start('alice', steps, { metadata: { thread: 't1' } });
  expect(status).toBe('waiting');
  await stage.consent('alice');
  return runId;
}

const eventsIn = (stage: AgentStage): number => stage.calendar.counters.calls['list_events'] ?? 0;

describe('a run that needs a person', () => {
  test('is paused, and goes on when they have signed in, in another process, with the tools of the server', async () => {
    const stage = await openAgentStage({ hosts: 2 });
    const started = await stage.runs[0]!.start('alice', [ask, list], { metadata: { thread: 't1' } });
    expect(started).toMatchObject({
      status: 'waiting',
      waitsFor: [{ reason: 'sign-in', challenge: { server: 'calendar', contextId: 'alice' } }],
    });
    expect(stage.told).toMatchObject([
      { contextId: 'alice', service: 'calendar', reason: 'to see your day', metadata: { thread: 't1' } },
    ]);
    await stage.consent('alice');
    expect(await stage.managers[1]!.runDue()).toBe(1);
    expect(stage.answers).toMatchObject([{ contextId: 'alice', metadata: { thread: 't1' } }]);
    expect(stage.answers[0]!.answer[0]).toContain('calendar__list_events');
    expect(stage.answers[0]!.answer[1]).toContain('Alice: dentist 09:00');
    expect(await stage.managers[0]!.runDue()).toBe(0);
  });

  test('is answered in the same turn when they are quick, and nothing is parked', async () => {
    const stage = await openAgentStage({ runs: { waitMs: 60_000 } });
    const started = stage.runs[0]!.start('alice', [ask, list]);
    await vi.waitFor(() => expect(stage.told).toHaveLength(1), patience);
    await stage.consent('alice');
    expect(await started).toMatchObject({
      status: 'answered',
      answer: [expect.stringContaining('signed in'), expect.stringContaining('Alice: dentist')],
    });
    expect(stage.storage.written.filter(({ key }) => key.includes(':agent-run:'))).toEqual([]);
  });

  test('tells them once, although two of its calls wait for the same', async () => {
    const stage = await openAgentStage({ runs: { waitMs: 1 } });
    await waitAndConsent(stage, [ask, { ...ask, args: { ...ask.args, reason: 'again' } }, list]);
    await stage.manager.runDue();
    expect(stage.told).toHaveLength(1);
    expect(stage.answers[0]!.answer[2]).toContain('dentist');
  });

  test('tells them once, although two of its calls are asked about at once', async () => {
    const stage = await openAgentStage();
    const turn = await stage.runs[0]!.turn('alice');
    const [tool] = await turn.getAuthTools();
    const asked = await Promise.all(['1', '2'].map((id) => tool!.needs({ id, args: ask.args })));
    expect(asked.map((need) => need?.challenge.pendingId)).toEqual([
      stage.told[0]!.challenge.pendingId,
      stage.told[0]!.challenge.pendingId,
    ]);
    expect(stage.told).toHaveLength(1);
  });

  test('is said to have been declined, and the call is not made', async () => {
    const stage = await openAgentStage();
    await stage.runs[0]!.start('alice', [ask, list]);
    await stage.decline('alice');
    await stage.manager.runDue();
    expect(stage.answers[0]!.answer).toEqual([
      expect.stringContaining('error: The call was not made: the user declined to sign in to "calendar".'),
      'no tool calendar__list_events',
    ]);
  });

  test('is said not to have been answered in time, and is not begun anew', async () => {
    const stage = await openAgentStage();
    await stage.runs[0]!.start('alice', [ask]);
    stage.time.advance(11 * 60_000);
    await stage.manager.runDue();
    expect(stage.answers[0]!.answer).toEqual([
      expect.stringContaining('did not sign in to "calendar" in time'),
    ]);
    expect(stage.told).toHaveLength(1);
  });

  test('whose person cannot be told fails, and is not paused', async () => {
    const stage = await openAgentStage({
      runs: {
        tell: () => {
          throw new Error('the chat is away');
        },
      },
    });
    await expect(stage.runs[0]!.start('alice', [ask])).rejects.toThrow('the chat is away');
  });

  test('may have the model pass the link on instead, and is then not paused', async () => {
    const { throughModel } = await import('../../src/agents/index.ts');
    const stage = await openAgentStage({ runs: { tell: throughModel() } });
    const started = await stage.runs[0]!.start('alice', [ask]);
    expect(started).toMatchObject({
      status: 'answered',
      answer: [expect.stringMatching(/sign in to "calendar" first.*http.*\/connect\//u)],
    });
  });
});

describe('two wake-ups of one pause', () => {
  test.each(['at once', 'one after the other'])('%s make the call once, and answer once', async (when) => {
    const stage = await openAgentStage({ hosts: 2 });
    const runId = await waitAndConsent(stage, [ask, list]);
    const wakes = [() => stage.runs[0]!.wake('alice', runId), () => stage.runs[1]!.wake('alice', runId)];
    const woken =
      when === 'at once'
        ? await Promise.all(wakes.map((wake) => wake()))
        : [await wakes[0]!(), await wakes[1]!()];
    expect(woken.toSorted()).toEqual(['answered', 'nothing to do']);
    // And so does the parked request, which nobody has kept from running.
    await stage.managers[1]!.runDue();
    expect([eventsIn(stage), stage.answers.length]).toEqual([1, 1]);
  });

  test('before the person is done find them still waiting, whoever says what', async () => {
    const stage = await openAgentStage();
    const { runId } = await stage.runs[0]!.start('alice', [ask, list]);
    expect(await stage.runs[0]!.wake('alice', runId)).toBe('waiting');
    expect([eventsIn(stage), stage.answers.length, stage.told.length]).toEqual([0, 0, 1]);
    await stage.consent('alice');
    expect(await stage.runs[0]!.wake('alice', runId)).toBe('answered');
  });

  test('of another person’s run find nothing', async () => {
    const stage = await openAgentStage();
    const runId = await waitAndConsent(stage, [ask, list]);
    expect(await stage.runs[0]!.wake('bob', runId)).toBe('nothing to do');
    expect(stage.answers).toEqual([]);
  });
});

test('an answer that could not be handed over is handed over again, and the model is not asked again', async () => {
  let tries = 0;
  const keys: string[] = [];
  const stage = await openAgentStage({
    coordinator: { resume: { backoffMs: 1 } },
    runs: {
      onAnswer: ({ idempotencyKey, answer }) => {
        keys.push(`${idempotencyKey} ${answer[1]}`);
        if (++tries === 1) throw new Error('the chat is away');
      },
    },
  });
  await waitAndConsent(stage, [ask, list]);
  await stage.manager.runDue();
  stage.time.advance(60_000);
  await stage.manager.runDue();
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
  expect(eventsIn(stage)).toBe(1);
});

test('two threads of one person that wait for one sign-in are both answered, and another person’s is not', async () => {
  const stage = await openAgentStage({ hosts: 2 });
  for (const thread of ['t1', 't2'])
    await stage.runs[0]!.start('alice', [ask, list], { metadata: { thread } });
  await stage.runs[1]!.start('bob', [ask, list], { metadata: { thread: 't3' } });
  expect(new Set(stage.told.map(({ challenge }) => challenge.url)).size).toBe(2);
  await startAll(stage);
  await stage.consent('alice');
  await vi.waitFor(() => expect(stage.answers).toHaveLength(2), patience);
  expect(stage.answers.map(({ metadata }) => metadata)).toEqual(
    expect.arrayContaining([{ thread: 't1' }, { thread: 't2' }]),
  );
  await stage.consent('bob');
  await vi.waitFor(() => expect(stage.answers).toHaveLength(3), patience);
  expect(stage.answers[2]).toMatchObject({ contextId: 'bob', metadata: { thread: 't3' } });
  expect(stage.answers[2]!.answer[1]).toContain('Bob: dentist');
});

describe('a server that wants more only once it is called', () => {
  test('has its person told, and the call waits when it is made again', async () => {
    const stage = await openAgentStage();
    await stage.signIn('alice');
    const { status } = await stage.runs[0]!.start('alice', [share, share, list]);
    expect(status).toBe('waiting');
    expect(stage.told).toMatchObject([{ service: 'calendar' }]);
    expect(stage.told[0]!.challenge.scopes).toContain('calendar:share');
    await stage.consent('alice');
    await stage.manager.runDue();
    expect(stage.answers[0]!.answer).toEqual([
      expect.stringContaining('Call "calendar__share_calendar" again'),
      expect.stringContaining('shared with kim'),
      expect.stringContaining('dentist'),
    ]);
    expect(stage.calendar.counters.calls['share_calendar']).toBe(1);
  });

  test('is called again in the same turn, when they are quick', async () => {
    const stage = await openAgentStage({ runs: { waitMs: 60_000 } });
    await stage.signIn('alice');
    const started = stage.runs[0]!.start('alice', [share]);
    await vi.waitFor(() => expect(stage.told).toHaveLength(1), patience);
    await stage.consent('alice');
    expect(await started).toMatchObject({ status: 'answered', answer: [expect.stringContaining('kim')] });
  });
});

describe('what is kept of a paused run', () => {
  test('may be a long conversation, and is gone when it has been answered', async () => {
    const stage = await openAgentStage();
    const long = 'é'.repeat(700_000);
    await waitAndConsent(stage, [ask, { ...list, args: {} }, { call: 'nothing', args: { long } }]);
    await stage.manager.runDue();
    expect(stage.answers[0]!.answer[1]).toContain('dentist');
    expect(await stage.storage.list(['client:alice', 'agent-run-part'])).toMatchObject([]);
  });

  test('names no link', async () => {
    const stage = await openAgentStage();
    await waitAndConsent(stage, [ask, list]);
    const written = stage.storage.written.filter(({ key }) => key.includes('agent-run'));
    const text = written.map(({ value }) => new TextDecoder().decode(value)).join('\n');
    expect(text).toContain(stage.told[0]!.challenge.pendingId);
    expect(text).not.toContain('/connect/');
  });
});

test('of a turn that cannot be gone on with the host is told, and the process goes on', async () => {
  const failures: unknown[] = [];
  const stage = await openAgentStage({
    coordinator: { resume: { backoffMs: 1, maxAttempts: 2 } },
    runs: {
      advance: async (turn, from) => {
        if ('state' in from) throw new Error('the model is away');
        const [tool] = await turn.getAuthTools();
        await tool!.needs({ id: '1', args: ask.args });
        return { state: { steps: [], results: [] } };
      },
      onFailure: (failure) => void failures.push(failure),
    },
  });
  await waitAndConsent(stage, []);
  for (let round = 0; round < 3; round++) {
    await stage.manager.runDue();
    stage.time.advance(60_000);
  }
  expect(failures).toMatchObject([
    { contextId: 'alice', metadata: { thread: 't1' }, code: 'ERR_POSTERN_RESUME_GAVE_UP' },
  ]);
});

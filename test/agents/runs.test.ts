import { describe, expect, test, vi } from 'vitest';
import { openAgentStage, startAll } from './scripted-agent.ts';

const ask = { call: 'request_authentication', args: { service: 'calendar', reason: 'to see your day' } };
const list = { call: 'calendar__list_events' };
const patience = { timeout: 20_000 };

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
  });
});

import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openStage, type Stage } from '../../test/support/stage.ts';
import { walk } from '../../test/heart/walk.ts';
import { openRestateAgent, type RestateAgent } from './restate-agent.ts';
import { startRestateServer, type RestateServer } from './restate-server.ts';

let server: RestateServer;
beforeAll(async () => {
  server = await startRestateServer();
});
afterAll(() => server.close());

async function untilTold({ told }: RestateAgent, times: number): Promise<void> {
  await vi.waitFor(() => expect(told).toHaveLength(times), { timeout: 30_000 });
}

async function consent({ as, host }: Stage, { told }: RestateAgent): Promise<void> {
  as.approveAs('alice');
  const page = await walk(await host.openBrowser('alice'), told[0]?.link ?? '');
  if (page.status !== 200) throw new Error(`the sign-in ended with status ${page.status}`);
}

async function decline({ coordinator }: Stage, { told }: RestateAgent): Promise<void> {
  const id = told[0]?.pendingId ?? '';
  const pending = await (await coordinator.pendings.locate(id))?.get(id);
  if (pending !== undefined) await coordinator.interactions.decline(pending);
}

describe('a handler of Restate whose call needs a person', () => {
  test('is suspended without a process, and is answered once its person is done', async () => {
    const stage = await openStage({ hosts: 2 });
    const agent = await openRestateAgent(stage, server);
    const crash = await agent.serve();
    const answer = agent.ask('alice', 'question-1');
    await untilTold(agent, 1);
    crash();
    await consent(stage, agent);
    onTestFinished(await agent.serve());
    expect([await answer, await agent.ask('alice', 'question-1')]).toEqual(['alice', 'alice']);
    expect(stage.calendar.counters.calls['whoami']).toBe(1);
  });

  test('is answered when its person was done before it began to wait', async () => {
    const stage = await openStage({ hosts: 2 });
    const agent = await openRestateAgent(stage, server, {
      async afterPark(parked) {
        if (parked.told.length > 1) return;
        await consent(stage, parked);
        await vi.waitFor(async () => expect(await stage.manager.runDue()).toBe(0), { timeout: 10_000 });
      },
    });
    onTestFinished(await agent.serve());
    expect(await agent.ask('alice', 'question-1')).toBe('alice');
    expect([agent.steps.count, agent.told.length]).toEqual([2, 1]);
  });

  test('is told why, when its person declines', async () => {
    const stage = await openStage({ hosts: 2 });
    const agent = await openRestateAgent(stage, server);
    onTestFinished(await agent.serve());
    const answer = agent.ask('alice', 'question-1');
    await untilTold(agent, 1);
    await decline(stage, agent);
    expect(await answer).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(stage.calendar.counters.calls['whoami']).toBeUndefined();
  });

  test('shares one link with another one, and each is woken; what wakes one twice, or too early, makes no call', async () => {
    const stage = await openStage({ hosts: 2 });
    const agent = await openRestateAgent(stage, server);
    onTestFinished(await agent.serve());
    const answers = Promise.all([agent.ask('alice', 'question-1'), agent.ask('alice', 'question-2')]);
    await untilTold(agent, 2);
    expect(new Set(agent.told.map(({ link }) => link)).size).toBe(1);
    // Forged, or early: the step asks again, and the person is still waited for.
    const [first] = agent.told;
    const { awakeable = '', pendingId = '' } = first ?? {};
    await agent.ingress.resolveAwakeable(awakeable, { pendingId });
    await untilTold(agent, 3);
    expect(stage.calendar.counters.calls['whoami']).toBeUndefined();
    await consent(stage, agent);
    expect(await answers).toEqual(['alice', 'alice']);
    await agent.ingress.resolveAwakeable(awakeable, { pendingId });
    expect([stage.calendar.counters.calls['whoami'], stage.as.count('token')]).toEqual([2, 1]);
  });
});

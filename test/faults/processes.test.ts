import { expect, onTestFinished, test, vi } from 'vitest';
import { startCalendarServer } from '../../demo/calendar-server.ts';
import { startProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import { startAgents, type AgentProcess } from '../support/agent-processes.ts';
import { openPageHost, type PageHost } from '../support/page-host.ts';
import { resourceSideOf } from '../support/stage.ts';

async function openWorld(processes: number): Promise<{
  as: Awaited<ReturnType<typeof startProgrammableAuthorizationServer>>;
  host: PageHost;
  agents: readonly AgentProcess[];
}> {
  const as = await startProgrammableAuthorizationServer({ subject: 'alice' });
  onTestFinished(() => as.close());
  const calendar = await startCalendarServer({ authorizationServer: resourceSideOf(as) });
  onTestFinished(() => calendar.close());
  const host = await openPageHost();
  onTestFinished(() => host.close());
  return { as, host, agents: await startAgents(processes, { host, calendarUrl: calendar.url }) };
}

async function linkFrom(agent: AgentProcess): Promise<string> {
  const [outcome] = await agent.call('alice');
  expect(outcome?.code).toBe('ERR_POSTERN_AUTH_REQUIRED');
  return outcome?.link ?? '';
}

test('ten calls in each of four processes, on a token that the server has ended, make one refresh and forty successes', async () => {
  const { as, host, agents } = await openWorld(4);
  const [first] = agents;
  const links = new Set([await linkFrom(first!), ...(await Promise.all(agents.map(linkFrom)))]);
  expect(links.size).toBe(1);
  const [link = ''] = links;
  expect((await (await host.openBrowser('alice')).open(link)).status).toBe(200);
  // Every process reconnects by itself, wherever the callback landed.
  for (const agent of agents) {
    await vi.waitFor(async () => expect(await agent.status('alice')).toBe('CONNECTED'), {
      timeout: 10_000,
      interval: 50,
    });
  }
  expect([as.count('register'), as.count('token'), as.count('refresh')]).toEqual([1, 1, 0]);

  for (let storm = 1; storm <= 3; storm++) {
    as.tokens.expireAccessTokens();
    const outcomes = (await Promise.all(agents.map((agent) => agent.call('alice', 10)))).flat();
    expect(outcomes).toEqual(Array.from({ length: 40 }, () => ({ text: 'alice' })));
    expect([as.count('refresh'), as.tokens.reuses]).toEqual([storm, 0]);
    expect(as.tokens.families.map(({ revoked }) => revoked)).toEqual([false]);
  }
}, 60_000);

test('fifty callbacks with one state, in two processes, make one exchange and one success', async () => {
  const { as, host, agents } = await openWorld(2);
  const link = await linkFrom(agents[0]!);
  const browser = await host.openBrowser('alice');
  const { url } = await browser.open(link, { stopBefore: ({ pathname }) => pathname.endsWith('/callback') });
  const bound = host.answers.findLast(({ headers }) => headers.includes('postern-'))?.headers ?? '';
  const cookie = /postern-[\w-]+=[\w-]+/u.exec(bound)?.[0] ?? '';
  const statuses = await Promise.all(
    Array.from(
      { length: 50 },
      async () =>
        (await fetch(url, { headers: { cookie: `app-user=alice; ${cookie}` }, redirect: 'manual' })).status,
    ),
  );
  expect(statuses.filter((status) => status === 303)).toHaveLength(1);
  expect(statuses.filter((status) => status === 400)).toHaveLength(49);
  expect(as.count('token')).toBe(1);
  for (const agent of agents) expect(await agent.call('alice')).toEqual([{ text: 'alice' }]);
}, 60_000);

test('a sign-in that a process began ends well after that process was killed, and wakes whoever waits in a third', async () => {
  const { as, host, agents } = await openWorld(3);
  const link = await linkFrom(agents[0]!);
  expect(await linkFrom(agents[2]!)).toBe(link);
  await agents[0]!.kill();
  expect((await (await host.openBrowser('alice')).open(link)).status).toBe(200);
  await vi.waitFor(async () => expect(await agents[2]!.status('alice')).toBe('CONNECTED'), {
    timeout: 20_000,
    interval: 50,
  });
  expect(await agents[1]!.call('alice')).toEqual([{ text: 'alice' }]);
  expect(as.count('token')).toBe(1);
}, 60_000);

import { expect, onTestFinished, test, vi } from 'vitest';
import { openPageHost, type PageHost } from '../support/page-host.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../support/programmable-authorization-server.ts';
import { startServers, type ServerProcess } from '../support/oob-processes.ts';

interface World {
  readonly as: ProgrammableAuthorizationServer;
  readonly host: PageHost;
  readonly servers: readonly ServerProcess[];
}

async function openWorld(processes: number, leaseMs?: number): Promise<World> {
  const as = await startProgrammableAuthorizationServer();
  onTestFinished(() => as.close());
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const servers = await startServers(processes, {
    host,
    issuer: as.issuer,
    ...(leaseMs !== undefined && { leaseMs }),
  });
  return { as, host, servers };
}

async function linkFrom(server: ServerProcess, flow: 'login' | 'device'): Promise<string> {
  const [outcome] = await server.acquire({ user: 'alice', flow, calls: 1, waitMs: 0 });
  expect(outcome?.code).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  return outcome?.link ?? '';
}

const login = { user: 'alice', flow: 'login' } as const;

test('a thousand calls in four processes give one link, and all of them the password once it was entered', async () => {
  const { host, servers } = await openWorld(4);
  const asked = await Promise.all(
    servers.map((server) => server.acquire({ ...login, calls: 250, waitMs: 0 })),
  );
  const links = new Set(asked.flat().map(({ link }) => link));
  expect([asked.flat().length, links.size]).toEqual([1_000, 1]);
  const [link = ''] = links;

  const waiting = Promise.all(
    servers.map((server) => server.acquire({ ...login, calls: 250, waitMs: 30_000 })),
  );
  const browser = await host.openBrowser('alice');
  expect((await browser.open(link)).status).toBe(200);
  expect((await browser.submit({ password: 'CNRYzsecretz-hunter2' }, 'save')).html).toContain(
    '<title>Done</title>',
  );
  const outcomes = (await waiting).flat();
  expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome)))).toEqual(
    new Set([JSON.stringify({ credential: '{"password":"CNRYzsecretz-hunter2"}' })]),
  );
  // Afterwards nobody is asked.
  const after = (
    await Promise.all(servers.map((server) => server.acquire({ ...login, calls: 10, waitMs: 0 })))
  ).flat();
  expect(after.filter(({ credential }) => credential !== undefined)).toHaveLength(40);
}, 60_000);

test('a thousand callers in four processes are all told that the person declined', async () => {
  const { host, servers } = await openWorld(4);
  const link = await linkFrom(servers[0]!, 'login');
  const waiting = Promise.all(
    servers.map((server) => server.acquire({ ...login, calls: 250, waitMs: 30_000 })),
  );
  const browser = await host.openBrowser('alice');
  await browser.open(link);
  await browser.submit({}, 'decline');
  expect(new Set((await waiting).flat().map(({ code }) => code))).toEqual(
    new Set(['ERR_POSTERN_AUTH_DENIED']),
  );
  const again = (
    await Promise.all(servers.map((server) => server.acquire({ ...login, calls: 25, waitMs: 0 })))
  ).flat();
  expect(new Set(again.map(({ code }) => code))).toEqual(new Set(['ERR_POSTERN_AUTH_DENIED']));
}, 60_000);

test('a thousand callers in four processes begin one device authorization', async () => {
  const { as, servers } = await openWorld(4);
  as.on('device', () => ({
    delayMs: 200,
    body: {
      device_code: 'd',
      user_code: 'WDJB-MJHT',
      verification_uri: `${as.origin}/enter`,
      expires_in: 600,
      interval: 60,
    },
  }));
  const asked = await Promise.all(
    servers.map((server) => server.acquire({ user: 'alice', flow: 'device', calls: 250, waitMs: 0 })),
  );
  expect([new Set(asked.flat().map(({ link }) => link)).size, as.count('device')]).toEqual([1, 1]);
}, 60_000);

test('a device code is polled for by one process at a time, and by the next within a lease when that one is killed', async () => {
  const leaseMs = 3_000;
  const { as, servers } = await openWorld(2, leaseMs);
  const polls: number[] = [];
  let isEntered = false;
  as.on('device', () => ({
    body: {
      device_code: 'd',
      user_code: 'WDJB-MJHT',
      verification_uri: `${as.origin}/enter`,
      expires_in: 600,
      interval: 0.5,
    },
  }));
  as.on('token', () => {
    polls.push(performance.now());
    return isEntered
      ? { body: { access_token: 't', token_type: 'Bearer' } }
      : { status: 400, body: { error: 'authorization_pending' } };
  });
  const [first, second] = servers;
  const device = { user: 'alice', flow: 'device', calls: 10, waitMs: 30_000 } as const;
  const doomed = first!.acquire(device).catch((error: Error) => error);
  await vi.waitFor(() => expect(polls.length).toBeGreaterThan(0), { timeout: 10_000 });
  const waiting = second!.acquire(device);
  await vi.waitFor(() => expect(polls.length).toBeGreaterThan(5), { timeout: 10_000, interval: 20 });
  const pauses = polls.slice(1).map((at, index) => at - polls[index]!);
  expect(Math.min(...pauses), 'no poll before its time, with two processes waiting').toBeGreaterThan(450);

  const seen = polls.length;
  await first!.kill();
  expect(await doomed).toBeInstanceOf(Error);
  const killedAt = performance.now();
  isEntered = true;
  const outcomes = await waiting;
  expect(new Set(outcomes.map(({ credential }) => JSON.parse(credential ?? '{}').accessToken))).toEqual(
    new Set(['t']),
  );
  const next = polls.at(seen) ?? Number.POSITIVE_INFINITY;
  expect(next - killedAt, 'the takeover, and one interval').toBeLessThan(leaseMs + 500 + 3_000);
}, 60_000);

test('a form that one process has asked for is served and finished after that process was killed', async () => {
  const { host, servers } = await openWorld(2);
  const [first, second] = servers;
  const link = await linkFrom(first!, 'login');
  await first!.kill();
  const waiting = second!.acquire({ ...login, calls: 3, waitMs: 20_000 });
  const browser = await host.openBrowser('alice');
  await browser.open(link);
  expect((await browser.submit({ password: 'CNRYzsecretz-hunter2' }, 'save')).html).toContain(
    '<title>Done</title>',
  );
  expect((await waiting).map(({ credential }) => credential)).toEqual(
    Array(3).fill('{"password":"CNRYzsecretz-hunter2"}'),
  );
}, 60_000);

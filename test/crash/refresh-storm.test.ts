import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { burst, startCrew, type Crew, type CrewMember } from './crew.ts';
import type { HostProcess } from './host-process.ts';
import { startWorld, type World } from './world.ts';

const leaseMs = 2_000;
const callsEach = 10;
let world: World;

beforeAll(async () => {
  world = await startWorld(['storm', 'unsent', 'unsaved', 'drained']);
});

afterAll(() => world.close());

const countFrom = () => world.countFrom('refreshes', 'refusedGrants', 'exchanges');

/** A crew whose user has signed in, and whose every process has made a call. */
async function startSignedIn(
  user: string,
  members: readonly CrewMember[],
  lengthMs = leaseMs,
): Promise<Crew> {
  const crew = await startCrew(world, lengthMs, members);
  onTestFinished(() => crew.end());
  await crew.signIn(crew.hosts.at(-1)!, user);
  expect(await Promise.all(crew.hosts.map((host) => burst(host, user, 1)))).toEqual(
    crew.hosts.map(() => allOf(1)),
  );
  return crew;
}

function allOf(calls: number): { succeeded: number; codes: string[] } {
  return { succeeded: calls, codes: [] };
}

async function reaches(host: HostProcess, label: string, side: 'before' | 'after'): Promise<void> {
  await host.heard(`${side} ${label}`, (message) =>
    'step' in message && message.step.side === side && message.step.label.endsWith(label) ? true : undefined,
  );
}

async function enterRefresh(host: HostProcess): Promise<void> {
  host.send({ enter: 'refresh' });
  await host.heard('entered', (message) => ('entered' in message ? true : undefined));
}

/** Four processes meet a refused token; the one that refreshes is killed before or after the token endpoint has answered. */
async function stormWithout(user: string, side: 'before' | 'after') {
  const crew = await startSignedIn(user, [
    { name: 'victim', killAt: { phase: 'refresh', step: 3, side } },
    ...['b', 'c', 'd'].map((name) => ({ name })),
  ]);
  const [victim, ...others] = crew.hosts as [HostProcess, ...HostProcess[]];
  const counted = countFrom();
  await enterRefresh(victim);
  world.authorizationServer.expireAccessTokens(user);
  victim.send({ burst: { user, calls: 1 } });
  await reaches(victim, 'renewing/calendar', 'after');
  const startedAtMs = performance.now();
  const outcomes = await Promise.all(others.map((host) => burst(host, user, callsEach)));
  const tookMs = performance.now() - startedAtMs;
  expect(await victim.exited).toEqual({ code: null, signal: 'SIGKILL' });
  return { crew, victim, others, outcomes, counted, tookMs };
}

describe('a token that the server refuses although it has not expired, at four processes', () => {
  test('ten calls in flight in each of four processes make one refresh and forty successes', async () => {
    const user = 'storm';
    const crew = await startSignedIn(
      user,
      ['a', 'b', 'c', 'd'].map((name) => ({ name })),
      10_000,
    );
    const counted = countFrom();
    const refusedBefore = world.calendar.counters.unauthorized;
    world.authorizationServer.expireAccessTokens(user);
    const outcomes = await Promise.all(crew.hosts.map((host) => burst(host, user, callsEach)));
    expect(outcomes).toEqual(crew.hosts.map(() => allOf(callsEach)));
    expect(counted()).toEqual({ refreshes: 1, refusedGrants: 0, exchanges: 0 });
    // It was a storm: most of the calls were refused before the new token was there.
    expect(world.calendar.counters.unauthorized - refusedBefore).toBeGreaterThan(callsEach);
    // The grant is alive: these tokens are asked about at every use, and would have ended with it.
    expect(await Promise.all(crew.hosts.map((host) => burst(host, user, 1)))).toEqual(
      crew.hosts.map(() => allOf(1)),
    );
    expect(counted()).toEqual({ refreshes: 1, refusedGrants: 0, exchanges: 0 });
  });

  test('when the refreshing process is killed before it has sent anything, another refreshes within the lease', async () => {
    const { victim, others, outcomes, counted, tookMs } = await stormWithout('unsent', 'before');
    await reaches(victim, 'POST /token', 'before');
    expect(outcomes).toEqual(others.map(() => allOf(callsEach)));
    expect(counted()).toEqual({ refreshes: 1, refusedGrants: 0, exchanges: 0 });
    expect(tookMs).toBeLessThan(leaseMs + 3_000);
  });

  test('when it is killed between the response and the commit, one new sign-in serves everybody, and no call hangs', async () => {
    const user = 'unsaved';
    const { crew, victim, others, outcomes, counted, tookMs } = await stormWithout(user, 'after');
    await reaches(victim, 'POST /token', 'after');
    // This server ends a grant whose refresh token comes twice. A person is asked, once, rather than the server again.
    expect(new Set(outcomes.flatMap((outcome) => outcome?.codes))).toEqual(
      new Set(['ERR_POSTERN_AUTH_REQUIRED']),
    );
    expect(outcomes.map((outcome) => outcome?.succeeded)).toEqual([0, 0, 0]);
    expect(counted()).toEqual({ refreshes: 2, refusedGrants: 1, exchanges: 0 });
    expect(tookMs).toBeLessThan(leaseMs + 3_000);

    expect(await crew.signIn(others[0]!, user)).toBeDefined();
    expect(await Promise.all(others.map((host) => burst(host, user, callsEach)))).toEqual(
      others.map(() => allOf(callsEach)),
    );
    expect(counted()).toEqual({ refreshes: 2, refusedGrants: 1, exchanges: 1 });
  });

  test('SIGTERM during a refresh waits for the answer and saves it', async () => {
    const user = 'drained';
    const crew = await startSignedIn(
      user,
      [{ name: 'stopped', refreshDelayMs: 600 }, { name: 'other' }],
      10_000,
    );
    const [stopped, other] = crew.hosts as [HostProcess, HostProcess];
    const counted = countFrom();
    world.authorizationServer.expireAccessTokens(user);
    stopped.send({ burst: { user, calls: 1 } });
    await stopped.heard('refreshing', (message) => ('refreshing' in message ? true : undefined));
    stopped.signal('SIGTERM');
    expect(await stopped.exited).toEqual({ code: 0, signal: null });
    expect(await burst(other, user, callsEach)).toEqual(allOf(callsEach));
    expect(counted()).toEqual({ refreshes: 1, refusedGrants: 0, exchanges: 0 });
  });
});

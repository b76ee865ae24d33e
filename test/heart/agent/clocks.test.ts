import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  ClientManager,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  Client,
} from '../../../src/client/index.ts';
import type { Clock, StorageBackend } from '../../../src/index.ts';
import { userOf } from '../../support/page-host.ts';
import { openStage, textOf, type Stage } from '../../support/stage.ts';
import { createCookieBrowser, type CookieBrowser } from '../../support/cookie-browser.ts';
import { isCallback, walk, walkToCallback } from '../walk.ts';

/** By how many minutes the clock of a process differs from the store's. */
const skews = [-61, -15, -11, -5, 5, 11, 15, 61];

/** A store that can tell its time, as those that several processes share can. */
function withTime(storage: StorageBackend, clock: Clock): StorageBackend {
  return new Proxy(storage, {
    get(target, property) {
      if (property === 'now') return async () => clock();
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

interface Process {
  readonly coordinator: RemoteAuthCoordinator;
  readonly manager: ClientManager;
}

interface Fleet {
  readonly stage: Stage;
  /** A process whose clock is that many minutes off. It does not serve pages. */
  readonly start: (minutesOff: number) => Process;
  /** Has one process alone serve the pages. */
  readonly serve: (process: Process) => void;
  /** Alice's browser, signed in to the application. Its clock is right. */
  readonly openBrowser: () => Promise<CookieBrowser>;
}

async function openFleet(): Promise<Fleet> {
  const stage = await openStage();
  stage.as.approveAs('alice');
  const { clock } = stage.time;
  const storage = withTime(stage.storage, clock);
  return {
    stage,
    start: (minutesOff) => {
      const own = (): number => clock() + minutesOff * 60_000;
      const coordinator = new RemoteAuthCoordinator({
        storage,
        publicUrl: stage.host.publicUrl,
        verifyUser: userOf,
        clock: own,
      });
      const manager = new ClientManager(
        { calendar: { url: stage.calendar.url } },
        { coordinator, clock: own },
      );
      onTestFinished(() => manager.close());
      return { coordinator, manager };
    },
    serve: ({ coordinator }) => {
      stage.host.handlers.splice(0, stage.host.handlers.length, coordinator.fetch);
    },
    openBrowser: async () => {
      const browser = createCookieBrowser({ now: clock });
      await browser.open(`${stage.host.origin}/login?user=alice`);
      return browser;
    },
  };
}

async function linkIn({ manager }: Process): Promise<string> {
  const client = await manager.getClient('alice');
  await client.connect();
  const [challenge] = await client.getAuthChallenges();
  if (challenge === undefined) throw new Error('there is no link');
  return challenge.url;
}

/** Nine minutes go by between the link and the way back: within the ten that a person has. */
const awayMs = 9 * 60_000;

/** What the page says, and a call after it, when a process with this clock serves a person who takes their time. */
async function signInSlowly(minutesOff: number): Promise<[status: number, answer: string]> {
  const { stage, start, serve, openBrowser } = await openFleet();
  const off = start(minutesOff);
  serve(off);
  const link = await linkIn(off);
  const browser = await openBrowser();
  const callback = await walkToCallback(browser, link);
  stage.time.advance(awayMs);
  const { status } = await browser.open(callback.href);
  const client = await off.manager.getClient('alice');
  return [status, await client.callTool('whoami').then(textOf, String)];
}

/** For how many seconds the browser keeps the cookie that a process with this clock binds it with. */
async function boundForSeconds(minutesOff: number): Promise<number> {
  const { stage, start, serve, openBrowser } = await openFleet();
  const off = start(minutesOff);
  serve(off);
  await walk(await openBrowser(), await linkIn(off), { stopBefore: isCallback });
  const headers = stage.host.answers.flatMap((answer) => JSON.parse(answer.headers) as [string, string][]);
  const ages = headers.flatMap(([, value]) => /^[\w-]*postern-.*Max-Age=(\d+)/u.exec(value)?.[1] ?? []);
  return Number(ages[0]);
}

/** How often the store is read while nothing happens, within a second and a half. */
async function readsMeanwhile({ storage }: Stage): Promise<number> {
  let reads = 0;
  storage.fault = ({ operation }) => {
    if (operation === 'get' || operation === 'list') reads++;
    return undefined;
  };
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  storage.fault = () => undefined;
  return reads;
}

/** The reads of an agent host's session while it waits for its person. */
async function readsOfSession(minutesOff: number): Promise<number> {
  const fleet = await openFleet();
  await linkIn(fleet.start(minutesOff));
  return readsMeanwhile(fleet.stage);
}

/** The reads of a program at a terminal while it waits for its person. */
async function readsOfTerminal(minutesOff: number): Promise<number> {
  const { stage } = await openFleet();
  const opened: string[] = [];
  const coordinator = new LocalAuthCoordinator({
    storage: withTime(stage.storage, stage.time.clock),
    clock: () => stage.time.clock() + minutesOff * 60_000,
    openBrowser: (url) => Promise.resolve(opened.push(url) > 0),
    onLink: () => {},
  });
  const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'me' });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  const answer = client.callTool('whoami').then(textOf);
  answer.catch(() => {});
  await vi.waitFor(() => expect(opened).toHaveLength(1), { timeout: 10_000 });
  const reads = await readsMeanwhile(stage);
  await walk(createCookieBrowser({ now: stage.time.clock }), opened[0] ?? '');
  expect(await answer).toBe('alice');
  return reads;
}

/** Where a session is, once its person has signed in at another process, after a wait of over a second. */
async function statusAfterWait(minutesOff: number): Promise<string> {
  const fleet = await openFleet();
  const [off, right] = [fleet.start(minutesOff), fleet.start(0)];
  fleet.serve(right);
  const link = await linkIn(off);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect((await walk(await fleet.openBrowser(), link)).status).toBe(200);
  const session = (await off.manager.getClient('alice')).session('calendar');
  const isThere = (): void => expect(session.status).toBe('CONNECTED');
  await vi.waitFor(isThere, { timeout: 4_000, interval: 50 }).catch(() => {});
  return session.status;
}

/** How often a grant that is good for an hour is refreshed by processes of which one has this clock. */
async function refreshesWith(minutesOff: number, obtainedBy: 'right' | 'off'): Promise<number> {
  const { stage, start, serve, openBrowser } = await openFleet();
  const [off, right] = [start(minutesOff), start(0)];
  serve(obtainedBy === 'off' ? off : right);
  expect((await walk(await openBrowser(), await linkIn(right))).status).toBe(200);
  for (const { manager } of [off, right, off, right]) {
    expect(textOf(await (await manager.getClient('alice')).callTool('whoami'))).toBe('alice');
  }
  return stage.as.count('refresh');
}

/** Something for every clock, at the same time. */
async function withEach<T>(
  minutes: readonly number[],
  find: (minutesOff: number) => Promise<T>,
): Promise<T[]> {
  return Promise.all(minutes.map(find));
}

describe('a process whose clock is wrong', () => {
  test.each(skews)('by %i minutes gives a person the ten minutes they have', async (minutes) => {
    expect(await signInSlowly(minutes)).toEqual([200, 'alice']);
  });

  test('binds a browser for as long as the link lives', async () => {
    const seconds = await withEach(skews, boundForSeconds);
    // A minute for a machine that is busy.
    expect(seconds.filter((each) => !(each > 540 && each <= 601))).toEqual([]);
  });

  test('does not spin while it waits for a person', async () => {
    expect(Math.max(...(await withEach(skews, readsOfSession)))).toBeLessThanOrEqual(12);
  });

  test('does not spin while it waits at a terminal', async () => {
    expect(Math.max(...(await withEach(skews, readsOfTerminal)))).toBeLessThanOrEqual(12);
  });

  test('goes on waiting for its person', async () => {
    expect(await withEach(skews, statusAfterWait)).toEqual(skews.map(() => 'CONNECTED'));
  });

  test('refreshes nothing that is still good', async () => {
    const refreshes = await withEach(skews, (minutes) => refreshesWith(minutes, 'right'));
    expect(refreshes).toEqual(skews.map(() => 0));
  });

  test('keeps what it obtains for as long as it is good', async () => {
    const refreshes = await withEach(skews, (minutes) => refreshesWith(minutes, 'off'));
    expect(refreshes).toEqual(skews.map(() => 0));
  });
});

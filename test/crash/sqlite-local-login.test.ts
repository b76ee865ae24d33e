import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createCookieBrowser, type Page } from '../../demo/browser.ts';
import { ChildProgram } from '../support/child-program.ts';
import type { FromProgram } from './local-login-worker.ts';
import { startWorld, type World } from './world.ts';

const user = 'alice';
const waiting = { timeout: 25_000, interval: 25 };

type Program = ChildProgram<'go', FromProgram>;

let world: World;
let directory: string;
let programs: Program[];

beforeAll(async () => {
  world = await startWorld([user]);
});
afterAll(() => world.close());

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'postern-local-'));
  programs = Array.from({ length: 4 }, () => startProgram());
  await Promise.all(
    programs.map((program) => program.heard('ready', (message) => 'ready' in message || undefined)),
  );
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.end()));
  await rm(directory, { recursive: true, force: true });
});

function startProgram(): Program {
  return new ChildProgram({
    name: 'a program',
    program: new URL('local-login-worker.ts', import.meta.url),
    args: [join(directory, 'store'), world.calendar.url],
  });
}

function linksOf(some: readonly Program[]): string[] {
  return some.flatMap(({ messages }) =>
    messages.flatMap((message) => ('link' in message ? [message.link] : [])),
  );
}

function printedBy(some: readonly Program[]): string[] {
  return some.flatMap(({ messages }) =>
    messages.flatMap((message) => ('printed' in message ? [message.printed] : [])),
  );
}

function outcomesOf(some: readonly Program[]): string[] {
  return some.flatMap(({ messages }) =>
    messages.flatMap((message) => {
      if ('answered' in message) return [message.answered];
      return 'failed' in message ? [message.failed] : [];
    }),
  );
}

function isWaiting({ messages }: Program): boolean {
  return messages.some((message) => 'status' in message && message.status === 'AUTH_PENDING');
}

/** All of them at once, on a store that does not exist yet. Resolves when each waits for the person. */
async function startCold(): Promise<string> {
  for (const program of programs) program.send('go');
  await vi.waitUntil(() => programs.every(isWaiting) || outcomesOf(programs).length > 0, waiting);
  expect(outcomesOf(programs)).toEqual([]);
  const links = linksOf(programs);
  expect(links).toHaveLength(1);
  return links[0]!;
}

const countFrom = () => world.countFrom('registrations', 'exchanges', 'refusedGrants');

function titleOf(page: Page): string | undefined {
  return /<h1>(?<title>[^<]*)/u.exec(page.html)?.groups?.['title'];
}

describe('four programs of one person, cold on one store', () => {
  test('show one link, register once, redeem one code, and all four go on', async () => {
    const counted = countFrom();
    const link = await startCold();
    const page = await createCookieBrowser().signIn(link, { user });
    expect(titleOf(page)).toBe('You are signed in');
    await vi.waitUntil(() => outcomesOf(programs).length === 4, waiting);
    expect(outcomesOf(programs)).toEqual([user, user, user, user]);
    expect(linksOf(programs)).toEqual([link]);
    expect(printedBy(programs)).toEqual([]);
    expect(counted()).toEqual({ registrations: 1, exchanges: 1, refusedGrants: 0 });
  });

  test('when the one that serves the link is killed while the person signs in, another serves its port, and the rest go on', async () => {
    const counted = countFrom();
    const link = await startCold();
    const [owner] = programs.filter((program) => linksOf([program]).length > 0);
    const rest = programs.filter((program) => program !== owner);
    const browser = createCookieBrowser();
    const left = await browser.signIn(link, {
      user,
      stopBefore: (url) => url.pathname.endsWith('/callback'),
    });
    expect(new URL(left.url).port).toBe(new URL(link).port);
    await owner!.end();

    // Nobody may be there yet; the person reloads the page.
    let page: Page | undefined;
    await vi.waitUntil(
      async () => (page = await browser.open(left.url).catch(() => undefined)) !== undefined,
      waiting,
    );
    expect(titleOf(page!)).toBe('You are signed in');
    await vi.waitUntil(() => outcomesOf(rest).length === 3, waiting);
    expect(outcomesOf(rest)).toEqual([user, user, user]);
    expect(linksOf(programs)).toEqual([link]);
    expect(counted()).toEqual({ registrations: 1, exchanges: 1, refusedGrants: 0 });
  });

  test('when it is killed before the link was opened, another prints the link, and it still leads to a sign-in', async () => {
    const counted = countFrom();
    const link = await startCold();
    const [owner] = programs.filter((program) => linksOf([program]).length > 0);
    const rest = programs.filter((program) => program !== owner);
    await owner!.end();

    const browser = createCookieBrowser();
    let page: Page | undefined;
    await vi.waitUntil(
      async () => (page = await browser.signIn(link, { user }).catch(() => undefined)) !== undefined,
      waiting,
    );
    expect(titleOf(page!)).toBe('You are signed in');
    await vi.waitUntil(() => outcomesOf(rest).length === 3, waiting);
    expect(outcomesOf(rest)).toEqual([user, user, user]);
    expect(printedBy(rest)).toEqual([link]);
    expect(counted()).toEqual({ registrations: 1, exchanges: 1, refusedGrants: 0 });
  });

  test('one that is started after the first was interrupted opens the same link again', async () => {
    const counted = countFrom();
    const [first, second] = programs as [Program, Program];
    first.send('go');
    await vi.waitUntil(() => isWaiting(first), waiting);
    await first.end();
    second.send('go');
    await vi.waitUntil(() => linksOf([second]).length > 0, waiting);
    expect(linksOf([second])).toEqual(linksOf([first]));
    const page = await createCookieBrowser().signIn(linksOf([second])[0]!, { user });
    expect(titleOf(page)).toBe('You are signed in');
    await vi.waitUntil(() => outcomesOf([second]).length > 0, waiting);
    expect(outcomesOf([second])).toEqual([user]);
    expect(counted()).toEqual({ registrations: 1, exchanges: 1, refusedGrants: 0 });
  });
});

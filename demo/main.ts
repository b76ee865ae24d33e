/**
 * The main job, on real servers: two people ask an agent for their calendar, neither is signed in, both calls park,
 * each person signs in, one process of the host dies on the way, and both calls resume as the right person.
 *
 *   npm start                 a scripted browser signs in
 *   npm start -- --by-hand    the links are yours to open
 *   npm start -- --json       prints one JSON object last
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startAuthorizationServer } from './authorization-server.ts';
import { createCookieBrowser } from './browser.ts';
import { startCalendarServer } from './calendar-server.ts';
import { openFrontDoor } from './front-door.ts';
import { startHostProcess, type HostProcess } from './host-process.ts';
import type { FromHost } from './host.ts';

const { values: flags } = parseArgs({
  options: { 'by-hand': { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});

const users = ['alice', 'bob'] as const;
type User = (typeof users)[number];
/** By hand, the links stay good for as long as a sign-in lives. */
const limitMs = flags['by-hand'] ? 10 * 60_000 : 28_000;

interface Story {
  parkedAtMs?: number;
  link?: string;
  parkedMs?: number;
  resumedBy?: string;
  events?: string[];
}

const startedAtMs = performance.now();
const printed: string[] = [];

function say(text: string): void {
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(5);
  const line = `${seconds}s  ${text}`;
  printed.push(line);
  console.log(line);
}

const stories: Record<User, Story> = { alice: {}, bob: {} };
const hosts: HostProcess[] = [];
const secrets: string[] = [];
let changed = (): void => {};

async function until(what: string, condition: () => boolean): Promise<void> {
  while (!condition()) {
    const leftMs = limitMs - (performance.now() - startedAtMs);
    if (leftMs <= 0) throw new Error(`${what} did not happen within ${limitMs / 1000} s`);
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      changed = resolve;
      timer = setTimeout(resolve, Math.min(leftMs, 500));
    });
    clearTimeout(timer);
  }
}

function onMessage(host: string, message: FromHost): void {
  if ('parked' in message) {
    const story = stories[message.parked.user as User];
    story.parkedAtMs = performance.now();
    story.link = message.parked.link;
    say(
      `${message.parked.user}: not signed in to the calendar. The call is parked; ${host} sends the link, to nobody else:`,
    );
    say(`        ${message.parked.link}`);
  } else if ('answered' in message) {
    const story = stories[message.answered.user as User];
    story.resumedBy = host;
    story.events = message.answered.events;
    story.parkedMs = Math.round(performance.now() - (story.parkedAtMs ?? performance.now()));
    say(
      `${message.answered.user}: the call resumed by itself in ${host}, ${story.parkedMs} ms after it was parked:`,
    );
    for (const event of message.answered.events) say(`        ${event}`);
  } else if ('failed' in message) {
    failure = new Error(`${message.failed.user}'s call ended with ${message.failed.code}`);
  }
  changed();
}

let failure: Error | undefined;

async function signIn(user: User): Promise<void> {
  const link = stories[user].link ?? '';
  const browser = createCookieBrowser();
  // The chat application wants to know who is there before anything else.
  await browser.open(link);
  await browser.submit({ user });
  const page = await browser.signIn(link, { user });
  for (const hop of page.hops) {
    for (const name of ['code', 'state']) {
      const value = new URL(hop.url).searchParams.get(name);
      if (value !== null) secrets.push(value);
    }
  }
  if (page.status !== 200) throw new Error(`${user}'s browser ended on a page with status ${page.status}`);
  say(
    `${user}: consented in the browser; the last page says “${/<h1>(?<title>[^<]*)/u.exec(page.html)?.groups?.['title'] ?? '?'}”.`,
  );
}

/** Foreign events, and secrets or tokens that are readable anywhere they must not be. */
async function countLeaks(directory: string): Promise<number> {
  const foreign = users.flatMap((user) =>
    (stories[user].events ?? []).filter((event) =>
      users.some((other) => other !== user && event.toLowerCase().includes(other)),
    ),
  );
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  const stored = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), 'latin1')),
  );
  const texts = [...stored, ...hosts.map((host) => host.output()), printed.join('\n')];
  const readable = texts.flatMap((text) => [
    ...secrets.filter((secret) => text.includes(secret)),
    ...(text.match(/eyJ[\w-]{10,}\.[\w-]{10,}\./gu) ?? []),
  ]);
  return foreign.length + readable.length;
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'postern-demo-'));
  const authorizationServer = await startAuthorizationServer({ users: [...users] });
  const calendar = await startCalendarServer({ authorizationServer });
  const alive: HostProcess[] = [];
  const frontDoor = await openFrontDoor(() => alive.map((host) => host.port));
  try {
    say(
      `An authorization server, a calendar (an MCP server it protects), and an agent host of two processes on one SQLite file.`,
    );
    const options = { directory, publicUrl: frontDoor.origin, calendarUrl: calendar.url, onMessage };
    hosts.push(
      ...(await Promise.all([
        startHostProcess({ name: 'host A', ...options }),
        startHostProcess({ name: 'host B', ...options }),
      ])),
    );
    alive.push(...hosts);
    const [hostA, hostB] = hosts as [HostProcess, HostProcess];

    say(`alice asks host A, bob asks host B: “What is on my calendar?”`);
    hostA.ask('alice');
    hostB.ask('bob');
    await until(
      'parking',
      () => failure !== undefined || users.every((user) => stories[user].link !== undefined),
    );
    if (failure !== undefined) throw failure;

    await hostA.kill();
    alive.splice(alive.indexOf(hostA), 1);
    say(`host A (pid ${hostA.pid}) is killed, alice's call parked in it. host B has the same store.`);

    if (flags['by-hand']) {
      say(`Open each link in a browser of its own (a private window for the second), as that user. Waiting.`);
    } else {
      await Promise.all(users.map(signIn));
    }
    await until(
      'resuming',
      () => failure !== undefined || users.every((user) => stories[user].events !== undefined),
    );
    if (failure !== undefined) throw failure;

    const leaks = await countLeaks(directory);
    const links = new Set(users.map((user) => stories[user].link));
    const { exchanges } = authorizationServer.counters;
    say(
      `Done: ${links.size} links shown, ${exchanges} codes exchanged, ${leaks} leaks (looked for in the store, the output and each other's answers).`,
    );
    if (leaks > 0) throw new Error(`${leaks} leaks were found`);
    const summary = Object.fromEntries(
      users.map((user) => {
        const { parkedMs, resumedBy, events } = stories[user];
        return [user, { parkedMs, resumedBy, events }];
      }),
    );
    if (flags.json) console.log(JSON.stringify({ users: summary, prompts: links.size, exchanges, leaks }));
  } finally {
    await Promise.all(alive.map((host) => host.stop()));
    await Promise.all([frontDoor.close(), calendar.close(), authorizationServer.close()]);
    await rm(directory, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
  for (const host of hosts) if (host.output() !== '') console.error(`${host.name} said:\n${host.output()}`);
  process.exitCode = 1;
}

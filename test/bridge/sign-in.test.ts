import { expect, onTestFinished, test } from 'vitest';
import { startCalendarServer, type CalendarServer } from '../../demo/calendar-server.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { walk } from '../heart/walk.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import {
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServerOptions,
} from '../support/programmable-authorization-server.ts';
import { resourceSideOf } from '../support/stage.ts';
import { createHome, StdioHost, type Line } from './stdio-host.ts';

interface World {
  readonly as: ProgrammableAuthorizationServer;
  readonly calendar: CalendarServer;
}

async function openWorld(options: ProgrammableAuthorizationServerOptions = {}): Promise<World> {
  const as = await startProgrammableAuthorizationServer(options);
  onTestFinished(() => as.close());
  const calendar = await startCalendarServer({ authorizationServer: resourceSideOf(as), legacy: 'session' });
  onTestFinished(() => calendar.close());
  as.approveAs('alice');
  return { as, calendar };
}

/** A store that outlives whoever closes it. */
class KeptMemory extends MemoryBackend {
  override async close(): Promise<void> {}
}

const link = /http:\/\/127\.0\.0\.1:\d+\/connect\/[\w-]+/u;
const linkIn = ({ result }: Line): string => link.exec(result.content[0].text)?.[0] ?? 'no link';
const namesIn = ({ result }: Line): string[] => result.tools.map(({ name }: { name: string }) => name);

test('before anybody has signed in there is a login tool; afterwards the tools, which the host is told of', async () => {
  const { calendar } = await openWorld();
  const host = StdioHost.run({ calendar: { url: calendar.url } });
  const greeting = await host.greet();
  expect(greeting.result.capabilities).toEqual({ tools: { listChanged: true } });
  expect(namesIn(await host.ask('tools/list'))).toEqual(['login']);
  const login = await host.ask('tools/call', { name: 'login', arguments: {} });
  expect(login.result.structuredContent.pending).toMatchObject({
    url: linkIn(login),
    expiresAt: expect.any(String),
  });
  // One link, wherever it is asked for.
  const other = await host.ask('tools/call', { name: 'whoami', arguments: {} });
  expect(other.result.isError).toBe(true);
  expect(linkIn(other)).toBe(linkIn(login));
  expect((await host.said(link))[0]).toBe(linkIn(login));
  expect((await walk(createCookieBrowser(), linkIn(login))).status).toBe(200);
  await host.notification('notifications/tools/list_changed');
  expect(namesIn(await host.ask('tools/list'))).toContain('whoami');
  const who = await host.ask('tools/call', { name: 'whoami', arguments: {} });
  expect(who.result.content[0].text).toBe('alice');
});

test('the next start answers by what was known last, with nobody to ask', async () => {
  const { calendar } = await openWorld();
  const backend = new KeptMemory();
  const servers = { calendar: { url: calendar.url } };
  const storage = async () => backend;
  const first = StdioHost.run(servers, { storage });
  await first.greet();
  await walk(createCookieBrowser(), (await first.said(link))[0]);
  await first.said(/Signed in/u);
  const listed = await first.ask('tools/list');
  await first.leave();
  await calendar.close();
  const second = StdioHost.run(servers, { storage });
  const greeting = await second.greet();
  expect(greeting.result.serverInfo.name).toBe('calendar');
  expect((await second.ask('tools/list')).result).toEqual(listed.result);
  expect((await second.ask('tools/call', { name: 'whoami' })).error?.data).toMatchObject({
    code: 'ERR_POSTERN_CLIENT_UNREACHABLE',
  });
});

test('a host of 2025 that shows links shows the one to sign in, and its call goes through when its person has', async () => {
  const { calendar } = await openWorld();
  const host = StdioHost.run({ calendar: { url: calendar.url } });
  await host.greet({ elicitation: { url: {} } });
  const calls = [host.ask('tools/call', { name: 'whoami' }), host.ask('tools/call', { name: 'whoami' })];
  const { id, params } = await host.line(({ method }) => method === 'elicitation/create');
  expect(params).toMatchObject({ mode: 'url', message: 'Sign in to calendar' });
  host.send({ id: id ?? 0, result: { action: 'accept' } });
  await walk(createCookieBrowser(), String(params?.['url']));
  const done = await host.notification('notifications/elicitation/complete');
  expect(done.params).toEqual({ elicitationId: params?.['elicitationId'] });
  const answers = await Promise.all(calls);
  expect(answers.map(({ result }) => result.content[0].text)).toEqual(['alice', 'alice']);
  expect(host.rest.filter(({ method }) => method === 'elicitation/create')).toEqual([]);
});

test('a person who declines what their host shows leaves the call with the link in words', async () => {
  const { calendar } = await openWorld();
  const host = StdioHost.run({ calendar: { url: calendar.url } });
  await host.greet({ elicitation: { url: {} } });
  const call = host.ask('tools/call', { name: 'whoami' });
  const { id, params } = await host.line(({ method }) => method === 'elicitation/create');
  host.send({ id: id ?? 0, result: { action: 'decline' } });
  expect(linkIn(await call)).toBe(params?.['url']);
});

test('a host of 2026 that shows links is asked to by a result, and comes back with the call', async () => {
  const { calendar } = await openWorld();
  const host = StdioHost.run({ calendar: { url: calendar.url } });
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { url: {} } },
  };
  const { result } = await host.ask('tools/call', { name: 'whoami', arguments: {}, _meta });
  expect(result).toMatchObject({ resultType: 'input_required', requestState: expect.any(String) });
  const { requestState } = result;
  await walk(createCookieBrowser(), result.inputRequests.sign_in.params.url);
  const inputResponses = { sign_in: { action: 'accept' } };
  const again = await host.ask('tools/call', {
    name: 'whoami',
    arguments: {},
    requestState,
    inputResponses,
    _meta,
  });
  expect(again.result.content[0].text).toBe('alice');
});

test('of several bridges that start at once one opens a browser; a call opens it where it is made', async () => {
  const { calendar } = await openWorld();
  const backend = new KeptMemory();
  const opened: string[] = [];
  const start = (): StdioHost =>
    StdioHost.run(
      { calendar: { url: calendar.url } },
      { storage: async () => backend, openBrowser: async (url) => opened.push(url) > 0 },
    );
  const hosts = [start(), start(), start()];
  await Promise.all(hosts.map((host) => host.greet()));
  await Promise.all(hosts.map((host) => host.ask('tools/list')));
  await expect.poll(() => opened.length).toBe(1);
  await Promise.all(hosts.map((host) => host.ask('tools/call', { name: 'login', arguments: {} })));
  expect(opened).toHaveLength(3);
  expect(new Set(opened).size).toBe(1);
});

test('a grant that has ended is a link in words to whoever calls, and the call goes through afterwards', async () => {
  const { calendar, as } = await openWorld();
  const host = StdioHost.run({ calendar: { url: calendar.url } });
  await host.greet();
  await walk(createCookieBrowser(), (await host.said(link))[0]);
  await host.said(/Signed in/u);
  as.tokens.revokeAll();
  const refused = await host.ask('tools/call', { name: 'whoami' });
  expect(refused.result.isError).toBe(true);
  await walk(createCookieBrowser(), linkIn(refused));
  expect((await host.ask('tools/call', { name: 'whoami' })).result.content[0].text).toBe('alice');
});

test(
  'five bridges that start at once ask once, register once, and all work',
  { timeout: 60_000 },
  async () => {
    const { calendar, as } = await openWorld();
    const home = createHome();
    const hosts = Array.from({ length: 5 }, () => StdioHost.start([calendar.url, '--no-browser'], { home }));
    await Promise.all(hosts.map((host) => host.greet()));
    await Promise.all(hosts.map((host) => host.ask('tools/list')));
    const logins = await Promise.all(hosts.map((host) => host.ask('tools/call', { name: 'login' })));
    expect(new Set(logins.map(linkIn)).size).toBe(1);
    // Whoever took the port goes first.
    const owner = hosts.findIndex((host) => host.talk.some((line) => link.test(line)));
    await hosts[owner]?.kill();
    const others = hosts.filter((_host, index) => index !== owner);
    const url = linkIn(logins[0] as Line);
    const browser = createCookieBrowser();
    await expect
      .poll(
        () =>
          fetch(new URL('/connect/nothing', url)).then(
            ({ status }) => status,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .not.toBe(0);
    expect((await walk(browser, url)).status).toBe(200);
    for (const host of others) await host.notification('notifications/tools/list_changed');
    const answers = await Promise.all(
      others.map((host) => host.ask('tools/call', { name: 'whoami', arguments: {} })),
    );
    expect(answers.map(({ result }) => result.content[0].text)).toEqual(Array(4).fill('alice'));
    expect(as.count('register')).toBe(1);
  },
);

import {
  Client as SdkClient,
  InsufficientScopeError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Client,
  LocalAuthCoordinator,
  type ClientManager,
  type ServerConfig,
  type Session,
} from '../../../src/client/index.ts';
import {
  callbackOf,
  challengeOf,
  codeOf,
  failureOf,
  openStage,
  textOf,
  withParams,
} from '../../support/stage.ts';
import { startAgents } from '../../support/agent-processes.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { openPageHost } from '../../support/page-host.ts';
import { walk } from '../walk.ts';

type Era = 'legacy' | 'auto';

/** The official client, with nothing of ours but its `authProvider`. */
async function openOfficial(session: Session, url: string, mode: Era = 'legacy'): Promise<SdkClient> {
  const official = new SdkClient({ name: 'official', version: '1.0.0' }, { versionNegotiation: { mode } });
  await official.connect(
    new StreamableHTTPClientTransport(new URL(url), { authProvider: session.authProvider }),
  );
  onTestFinished(() => official.close());
  return official;
}

async function call(official: SdkClient, name = 'whoami'): Promise<string> {
  return textOf(await official.callTool({ name, arguments: {} }));
}

const calendarOf = async ({ manager }: { manager: ClientManager }, person = 'alice'): Promise<Session> =>
  (await manager.getClient(person)).session('calendar');

describe.each<Era>(['legacy', 'auto'])('the official client with our authProvider (%s)', (mode) => {
  test('rejects with the one live link, and goes on once its person has signed in', async () => {
    const stage = await openStage();
    const session = await calendarOf(stage);
    const challenge = await challengeOf(openOfficial(session, stage.calendar.url, mode));
    expect(challenge.url).toBe((await stage.linkOf('alice')).url);
    await stage.signIn('alice');
    expect(await call(await openOfficial(session, stage.calendar.url, mode))).toBe('alice');
    expect(stage.as.count('token')).toBe(1);
    expect(stage.as.count('register')).toBe(1);
  });

  test('a token that its server has ended is renewed once for all calls of two hosts, and none of them fails', async () => {
    const stage = await openStage({ hosts: 2 });
    await stage.signIn('alice');
    const sessions = await Promise.all(stage.managers.map((manager) => calendarOf({ manager })));
    const officials = await Promise.all(
      [...sessions, ...sessions].map((session) => openOfficial(session, stage.calendar.url, mode)),
    );
    for (const round of [1, 2, 3]) {
      stage.as.tokens.expireAccessTokens();
      const answers = await Promise.all(officials.flatMap((one) => [call(one), call(one), call(one)]));
      expect(answers).toEqual(Array.from({ length: 12 }, () => 'alice'));
      expect(stage.as.count('refresh')).toBe(round);
      stage.time.advance(3_600_000);
    }
  });
});

describe('our authProvider', () => {
  test('of two processes, whose calls are refused at once, has one token renewed', async () => {
    const stage = await openStage();
    const host = await openPageHost();
    onTestFinished(() => host.close());
    const [first, second] = await startAgents(2, { host, calendarUrl: stage.calendar.url });
    const [{ link = '' } = {}] = (await first?.callOfficially('alice')) ?? [];
    stage.as.approveAs('alice');
    expect((await walk(await host.openBrowser('alice'), link)).status).toBe(200);
    const both = async (): Promise<(string | undefined)[]> =>
      (await Promise.all([first, second].map(async (each) => (await each?.callOfficially('alice', 5)) ?? [])))
        .flat()
        .map(({ text, code }) => text ?? code);
    const all = Array.from({ length: 10 }, () => 'alice');
    expect(await both()).toEqual(all);
    stage.as.tokens.expireAccessTokens();
    expect([await both(), stage.as.count('refresh')]).toEqual([all, 1]);
  });

  test('at a terminal, its person is told the link, and the other client waits for them', async () => {
    const stage = await openStage();
    const links: string[] = [];
    const coordinator = new LocalAuthCoordinator({
      storage: stage.storage,
      openBrowser: () => Promise.resolve(false),
      onLink: ({ url }) => void links.push(url),
      clock: stage.time.clock,
      logger: stage.logger,
    });
    const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator });
    onTestFinished(() => client.close());
    const opening = openOfficial(client.session('calendar'), stage.calendar.url);
    await vi.waitFor(() => expect(links).not.toEqual([]), { timeout: 10_000 });
    stage.as.approveAs('me');
    await walk(createCookieBrowser(), links[0] ?? '');
    expect(await call(await opening)).toBe('me');
  });

  test('has a token that ends by itself renewed before it is sent', async () => {
    const stage = await openStage({ as: { expiresInSeconds: 600 } });
    await stage.signIn('alice');
    const official = await openOfficial(await calendarOf(stage), stage.calendar.url);
    const refused = stage.calendar.counters.unauthorized;
    stage.time.advance(599_000);
    expect(await call(official)).toBe('alice');
    expect([stage.as.count('refresh'), stage.calendar.counters.unauthorized]).toEqual([1, refused]);
  });

  test('a forged callback redeems nothing, and the sign-in goes on', async () => {
    const stage = await openStage();
    const session = await calendarOf(stage);
    const challenge = await challengeOf(openOfficial(session, stage.calendar.url));
    stage.as.approveAs('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, challenge.url);
    const forged = withParams(callback, { state: 'forged', code: 'stolen' });
    expect((await (await stage.host.openBrowser('alice')).open(forged)).status).toBe(400);
    expect((await (await stage.host.openBrowser('mallory')).open(callback.href)).status).toBe(400);
    expect(stage.as.count('token')).toBe(0);
    expect((await browser.open(callback.href)).status).toBe(200);
    expect(await call(await openOfficial(session, stage.calendar.url))).toBe('alice');
  });

  test('what a call needs besides is asked for, when its host hands on what the SDK throws', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const session = await calendarOf(stage);
    const official = await openOfficial(session, stage.calendar.url);
    const thrown = await failureOf(call(official, 'share_calendar'));
    expect(InsufficientScopeError.isInstance(thrown)).toBe(true);
    const asked = await challengeOf(
      session.authProvider.onInsufficientScope(thrown as InsufficientScopeError),
    );
    expect(asked.scopes).toEqual(expect.arrayContaining(['calendar:read', 'calendar:share']));
    expect(await call(official)).toBe('alice');
    stage.as.approveAs('alice');
    expect((await (await stage.host.openBrowser('alice')).open(asked.url)).status).toBe(200);
    stage.time.advance(1_000);
    expect(await call(official, 'share_calendar')).not.toBe('');
    // The server would ask for what it has by now.
    expect(await codeOf(session.authProvider.onInsufficientScope(thrown as InsufficientScopeError))).toBe(
      'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT',
    );
  });

  test('has nothing to send after a logout, and asks its person anew', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const session = await calendarOf(stage);
    const official = await openOfficial(session, stage.calendar.url);
    expect(await session.logout()).toEqual({ revoked: true });
    expect(await session.authProvider.token()).toBeUndefined();
    expect((await challengeOf(call(official))).server).toBe('calendar');
  });

  test('a server that refuses whatever it is sent costs a renewal for each call, and its person nothing', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    stage.calendar.rejectToken(() => true);
    const session = await calendarOf(stage);
    for (const round of [1, 2, 3]) {
      const thrown = await failureOf(openOfficial(session, stage.calendar.url));
      expect(SdkHttpError.isInstance(thrown) ? thrown.status : String(thrown)).toBe(401);
      expect(stage.as.count('refresh')).toBe(round);
      stage.time.advance(60_000);
    }
    expect(await session.getAuthChallenge()).toBeUndefined();
  });

  test('a token that worked for an hour and was ended early is renewed each time, and its person left alone', async () => {
    const stage = await openStage({ as: { expiresInSeconds: 100 * 60 * 60 } });
    await stage.signIn('alice');
    const official = await openOfficial(await calendarOf(stage), stage.calendar.url);
    for (const round of [1, 2, 3]) {
      stage.time.advance(60 * 60_000);
      stage.as.tokens.expireAccessTokens();
      expect([await call(official), stage.as.count('refresh')]).toEqual(['alice', round]);
    }
    expect(stage.as.count('authorize')).toBe(1);
  });

  test.each<[string, ServerConfig, string]>([
    [
      'a key in a header of its own',
      { url: 'http://127.0.0.1:9/mcp', auth: { type: 'api_key', key: 'k' } },
      'more than a bearer token',
    ],
    ['a program', { command: 'node' }, 'has no "url"'],
  ])('says what it cannot do with %s', async (_what, config, why) => {
    const stage = await openStage({ servers: () => ({ calendar: config }) });
    const session = await calendarOf(stage);
    const error = await failureOf((async () => session.authProvider.token())());
    expect(error).toMatchObject({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      message: expect.stringContaining(why),
    });
  });
});

import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Client,
  findAuthorizationRequired,
  LocalAuthCoordinator,
  type LocalAuthCoordinatorOptions,
  type SignInLink,
} from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import {
  challengeOf,
  codeOf,
  failureOf,
  openStage,
  textOf,
  withParams,
  type Stage,
} from '../../support/stage.ts';
import { ProgrammableDevices, withDeviceCodes } from '../../support/programmable-devices.ts';
import { openPage, refusalOf } from '../set-ups/callback-answer.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { isIssuer } from '../walk.ts';
import { callAtTerminal } from './call-at-terminal.ts';

/** A shell over SSH: no display, no opener, whatever this test runs on. */
function overSsh(): void {
  for (const name of ['DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER', 'WSL_DISTRO_NAME']) vi.stubEnv(name, '');
  vi.stubEnv('SSH_CONNECTION', '1.2.3.4 5 6.7.8.9 22');
  onTestFinished(() => void vi.unstubAllEnvs());
}

interface Shell {
  readonly stage: Stage;
  readonly devices: ProgrammableDevices;
  readonly coordinator: LocalAuthCoordinator;
  /** The call that waits for its person. */
  readonly answer: Promise<string>;
  /** What they were shown. */
  readonly shown: readonly SignInLink[];
}

/** A program at a terminal, whose call waits for its person. */
async function openShell(options: { codes: boolean } & Partial<LocalAuthCoordinatorOptions>): Promise<Shell> {
  const { codes, ...more } = options;
  const stage = await openStage({ as: { metadata: codes ? withDeviceCodes : {} } });
  const devices = codes ? new ProgrammableDevices(stage.as) : (undefined as never);
  const shown: SignInLink[] = [];
  const { coordinator, answer } = callAtTerminal(stage, {
    onLink: (link) => void shown.push(link),
    ...more,
  });
  await vi.waitFor(() => expect(shown).toHaveLength(1), { timeout: 10_000 });
  return { stage, devices, coordinator, answer, shown };
}

describe('a terminal that no browser reaches', () => {
  test('shows a code where the server has one, and its call goes on when that was entered (demand 3)', async () => {
    overSsh();
    const { stage, devices, answer, shown } = await openShell({ codes: true });
    const [link] = shown;
    expect([link?.userCode, link?.verificationUri]).toEqual(['WDJB-0001', `${stage.as.origin}/enter`]);
    devices.approve('me');
    expect(await answer).toBe('me');
    // Nobody has opened a page of ours, nor been sent anywhere.
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('shows the link where there are no codes, and starts no opener that opens nothing', async () => {
    overSsh();
    const { shown } = await openShell({ codes: false });
    expect([shown[0]?.userCode, shown[0]?.url.startsWith('http://127.0.0.1:')]).toEqual([undefined, true]);
  });

  test('is asked to open a browser all the same by a host that brings an opener', async () => {
    overSsh();
    const opened: string[] = [];
    const stage = await openStage({ as: { metadata: withDeviceCodes } });
    const coordinator = new LocalAuthCoordinator({
      storage: new MemoryBackend(),
      openBrowser: async (url) => opened.push(url) > 0,
    });
    const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'me' });
    onTestFinished(() => client.close().then(() => coordinator.close()));
    client.callTool('whoami').catch(() => {});
    await vi.waitFor(() => expect(opened).toHaveLength(1), { timeout: 10_000 });
    expect(stage.as.count('device')).toBe(0);
  });

  test('shows the link where its host wants that, codes or not', async () => {
    overSsh();
    const { stage, shown } = await openShell({ codes: true, signInBy: 'redirect' });
    expect([shown[0]?.userCode, stage.as.count('device')]).toEqual([undefined, 0]);
  });

  test('prints the code, and where it goes, when nobody else shows it', async () => {
    overSsh();
    const printed = vi.spyOn(console, 'error').mockImplementation(() => {});
    onTestFinished(() => printed.mockRestore());
    const stage = await openStage({ as: { metadata: withDeviceCodes } });
    const devices = new ProgrammableDevices(stage.as);
    await using client = new Client({ calendar: { url: stage.calendar.url } });
    const answer = client.callTool('whoami').then(textOf);
    await vi.waitFor(() => expect(printed).toHaveBeenCalled(), { timeout: 10_000 });
    const [text] = printed.mock.calls.flat().map(String);
    expect(text).toContain('WDJB-0001');
    expect(text).toContain(`${stage.as.origin}/enter`);
    devices.approve('me');
    expect(await answer).toBe('me');
  });

  test('falls back to the link where the server gives it no code', async () => {
    overSsh();
    const stage = await openStage({ as: { metadata: withDeviceCodes } });
    new ProgrammableDevices(stage.as).isAllowed = () => false;
    const shown: SignInLink[] = [];
    const coordinator = new LocalAuthCoordinator({
      storage: new MemoryBackend(),
      onLink: (link) => void shown.push(link),
    });
    const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator });
    onTestFinished(() => client.close().then(() => coordinator.close()));
    client.callTool('whoami').catch(() => {});
    await vi.waitFor(() => expect(shown).toHaveLength(1), { timeout: 10_000 });
    expect(shown[0]?.userCode).toBeUndefined();
  });

  test('learns of a code that was entered in vain by its code, at once', async () => {
    overSsh();
    const { devices, answer } = await openShell({ codes: true });
    devices.deny();
    expect(await codeOf(answer)).toBe('ERR_POSTERN_AUTH_DENIED');
  });
});

async function openByCode(pace?: ConstructorParameters<typeof ProgrammableDevices>[1]) {
  const stage = await openStage({
    as: { metadata: withDeviceCodes },
    coordinator: { signInBy: 'device' },
  });
  return { ...stage, devices: new ProgrammableDevices(stage.as, pace) };
}

describe('a challenge by a code', () => {
  test('carries the code for the host to show, and nothing else does', async () => {
    const stage = await openByCode();
    const client = await stage.manager.getClient('alice');
    const error = await failureOf(client.callTool('whoami'));
    const challenge = findAuthorizationRequired(error)?.challenge;
    expect(challenge).toMatchObject({
      userCode: 'WDJB-0001',
      verificationUri: `${stage.as.origin}/enter`,
      message: 'Sign in to calendar',
    });
    const [listed] = await client.getAuthChallenges();
    expect(listed?.userCode).toBe('WDJB-0001');
    for (const text of [JSON.stringify(error), inspect(error), String(error), ...stage.logger.lines])
      expect(text).not.toMatch(/WDJB|CNRY/u);
  });

  test('has a page behind its link, with the code and the other ways', async () => {
    const stage = await openByCode();
    const { url } = await stage.linkOf('alice');
    const page = await openPage(await stage.host.openBrowser('alice'), url);
    expect(page.html).toContain('WDJB-0001');
    expect(page.html).toContain('Continue in this browser');
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('lives as long as its code', async () => {
    const stage = await openByCode({ expiresInSeconds: 120 });
    const { expiresAtMs } = await stage.linkOf('alice');
    expect(Math.round((expiresAtMs - stage.time.clock()) / 10_000)).toBe(12);
  });
});

describe('an address that is carried by hand', () => {
  test('signs a terminal in that no browser reaches and no code is for (demand 3)', async () => {
    overSsh();
    const { stage, coordinator, answer, shown } = await openShell({ codes: false });
    stage.as.approveAs('me');
    const url = await coordinator.authorizationUrl(shown[0]!);
    expect(url.startsWith(`${stage.as.issuer}/authorize?`)).toBe(true);
    await coordinator.complete((await stage.as.approve(url)).href);
    expect(await answer).toBe('me');
  });

  test('counts once when it is brought twice at once, and whoever brings it again is told nothing wrong', async () => {
    overSsh();
    const { stage, coordinator, answer, shown } = await openShell({ codes: false });
    const { href } = await stage.as.approve(await coordinator.authorizationUrl(shown[0]!));
    await Promise.all([coordinator.complete(href), coordinator.complete(href)]);
    await coordinator.complete(href);
    expect([await answer, stage.as.count('token')]).toEqual(['user-1', 1]);
  });

  test('is taken on a deployment only from the person whom the host has verified', async () => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const { coordinator } = stage;
    expect(await codeOf(Promise.resolve().then(() => coordinator.authorizationUrl(challenge)))).toBe(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
    );
    expect(await codeOf(coordinator.authorizationUrl(challenge, { person: 'mallory' }))).toBe(
      'ERR_POSTERN_PENDING_NOT_FOUND',
    );
    stage.as.approveAs('alice');
    const url = await coordinator.authorizationUrl(challenge, { person: 'alice' });
    const { href } = await stage.as.approve(url);
    expect(await codeOf(coordinator.complete(href))).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
    expect(await codeOf(coordinator.complete(href, { person: 'mallory' }))).toBe(
      'ERR_POSTERN_AUTH_STATE_UNKNOWN',
    );
    expect(stage.as.count('token')).toBe(0);
    await coordinator.complete(href, { person: 'alice' });
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('that a browser brings to the callback is not taken: it was sent out by hand', async () => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const url = await stage.coordinator.authorizationUrl(challenge, { person: 'alice' });
    const { href } = await stage.as.approve(url);
    const page = await (await stage.host.openBrowser('alice')).open(href);
    expect([page.status, stage.as.count('token')]).toEqual([403, 0]);
  });

  test('leaves the link as it was: whoever opens that goes straight on, however soon they do', async () => {
    overSsh();
    const { coordinator, shown } = await openShell({ codes: false });
    await coordinator.authorizationUrl(shown[0]!);
    const page = await createCookieBrowser().open(shown[0]!.url, { stopBefore: isIssuer });
    expect(isIssuer(new URL(page.url))).toBe(true);
  });

  test.each([
    ['nothing', () => '', 'ERR_POSTERN_AUTH_CALLBACK_INVALID'],
    [
      'half of it',
      (at: URL) => at.href.slice(0, at.href.indexOf('state=')),
      'ERR_POSTERN_AUTH_CALLBACK_INVALID',
    ],
    ['two states', (at: URL) => withParams(at, { state: ['a', 'b'] }), 'ERR_POSTERN_AUTH_CALLBACK_INVALID'],
    [
      'another state',
      (at: URL) => withParams(at, { state: 'x'.repeat(32) }),
      'ERR_POSTERN_AUTH_STATE_UNKNOWN',
    ],
    ['a code twice', (at: URL) => withParams(at, { code: ['a', 'b'] }), 'ERR_POSTERN_AUTH_CALLBACK_INVALID'],
  ])('%s is refused with a code and a hint, and the sign-in goes on', async (_what, mangle, code) => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const by = { person: 'alice' };
    const back = await stage.as.approve(await stage.coordinator.authorizationUrl(challenge, by));
    const error = await failureOf(stage.coordinator.complete(mangle(back), by));
    expect(error).toMatchObject({ code, hint: expect.stringMatching(/address/u) });
    await stage.coordinator.complete(back.href, by);
    expect(stage.as.count('token')).toBe(1);
  });

  test.each([
    [
      'from another issuer',
      (at: URL) => withParams(at, { iss: 'https://evil.example' }),
      'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    ],
    ['with the person’s refusal', (at: URL) => refusalOf(at).href, 'ERR_POSTERN_AUTH_DENIED'],
  ])('%s is sent to nobody, and its host is told why', async (_what, change, code) => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const by = { person: 'alice' };
    const back = await stage.as.approve(await stage.coordinator.authorizationUrl(challenge, by));
    expect(await codeOf(stage.coordinator.complete(change(back), by))).toBe(code);
    expect(stage.as.count('token')).toBe(0);
  });

  test('whose code is refused is told by its code, and is not sent again', async () => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const by = { person: 'alice' };
    const back = await stage.as.approve(await stage.coordinator.authorizationUrl(challenge, by));
    for (const code of stage.as.tokens.codes.values()) code.used = true;
    expect(await codeOf(stage.coordinator.complete(back.href, by))).toBe('ERR_POSTERN_OAUTH_GRANT_INVALID');
    await failureOf(stage.coordinator.complete(back.href, by));
    expect(stage.as.count('token')).toBe(1);
  });

  test('is of no use for a form: nothing is entered, and nobody is sent anywhere', async () => {
    const stage = await openStage({
      servers: (calendar) => ({ calendar: { url: calendar.url, auth: { type: 'api_key' } } }),
    });
    const client = await stage.manager.getClient('alice');
    const challenge = await challengeOf(client.callTool('whoami'));
    expect(await codeOf(stage.coordinator.authorizationUrl(challenge, { person: 'alice' }))).toBe(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
    );
    expect((await client.getAuthChallenges()).map(({ url }) => url)).toEqual([challenge.url]);
  });

  test('may be gone out for as often as a link may be followed, and no more', async () => {
    const stage = await openStage();
    const challenge = await stage.linkOf('alice');
    const leave = (): Promise<string> => stage.coordinator.authorizationUrl(challenge, { person: 'alice' });
    for (let tries = 0; tries < 20; tries++) await leave();
    expect(await codeOf(leave())).toBe('ERR_POSTERN_OOB_LIMIT');
  });
});

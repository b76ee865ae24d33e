import { describe, expect, test, vi } from 'vitest';
import { findPosternError } from '../../../src/core/postern-error.ts';
import { codeOn, openStage, textOf, type Stage, type StageOptions } from '../../support/stage.ts';
import { startAgents } from '../../support/agent-processes.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import { deviceGrant, ProgrammableDevices, withDeviceCodes } from '../../support/programmable-devices.ts';
import { titleOf } from '../../support/flow-stage.ts';
import { statusOf } from '../../support/flow-visits.ts';
import { openPage, paste } from '../set-ups/callback-answer.ts';
import { walkToCallback } from '../walk.ts';

interface CodeStage extends Stage {
  readonly devices: ProgrammableDevices;
}

/** A sign-in at a server that gives out device codes. */
async function openCodeStage(
  options: StageOptions = {},
  pace?: ConstructorParameters<typeof ProgrammableDevices>[1],
): Promise<CodeStage> {
  const stage = await openStage({
    ...options,
    as: { ...options.as, metadata: { ...withDeviceCodes, ...options.as?.metadata } },
  });
  return { ...stage, devices: new ProgrammableDevices(stage.as, pace) };
}

async function outcomeOf({ managers }: Stage, user = 'alice', host = 0): Promise<string> {
  const client = await managers[host]?.getClient(user);
  if (client === undefined) throw new RangeError('there is no such host');
  return client
    .callTool('whoami')
    .then(textOf, (error: unknown) => findPosternError(error)?.code ?? 'no code');
}

/** Asks for a code on the page of a link. Returns the page that shows it. */
async function getCode(browser: CookieBrowser, link: string): Promise<Page> {
  await openPage(browser, link);
  return browser.submit({ 'form-action': 'code' });
}

/** A code is on the page, and nobody has entered it yet. */
async function openWithCode(
  options?: StageOptions,
): Promise<{ stage: CodeStage; link: string; browser: CookieBrowser; page: Page }> {
  const stage = await openCodeStage(options);
  const { url: link } = await stage.linkOf('alice');
  stage.as.approveAs('alice');
  const browser = await stage.host.openBrowser('alice');
  return { stage, link, browser, page: await getCode(browser, link) };
}

describe('a code for another device', () => {
  test('is had on the page of the link, and whoever waits anywhere goes on when it was entered (demand 37)', async () => {
    const { stage, link, browser, page } = await openWithCode({ hosts: 2 });
    expect(page.html).toContain('<strong class="code">WDJB-0001</strong>');
    expect(await statusOf(browser, link)).toEqual({ status: 'pending' });
    stage.devices.approve('alice');
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
    expect(await outcomeOf(stage, 'alice', 1)).toBe('alice');
    expect(titleOf(await browser.open(link))).toBe('You are signed in');
    expect(stage.as.count('token')).toBe(stage.devices.polls.length);
  });

  test('is asked for as a client that has registered for the grant (demand 37)', async () => {
    const { stage } = await openWithCode();
    const registrations = stage.as.calls
      .filter(({ kind }) => kind === 'register')
      .map(({ text }) => (JSON.parse(text) as { grant_types: string[] }).grant_types);
    expect(registrations).toEqual([['authorization_code', 'refresh_token', deviceGrant]]);
  });

  test('is the way in where there is no other: the link shows it, and nothing that leads out', async () => {
    const stage = await openCodeStage({ as: { metadata: { authorization_endpoint: undefined } } });
    const { url, userCode } = await stage.linkOf('alice');
    expect(userCode).toBe('WDJB-0001');
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect(page.html).toContain('<strong class="code">WDJB-0001</strong>');
    expect(page.html).not.toMatch(/value="(?:continue|paste)"/u);
    // Whoever presses what is not there is shown the same page.
    const again = await browser.submit({ 'form-action': 'continue' });
    expect([again.status, again.html.includes('WDJB-0001')]).toEqual([200, true]);
    stage.devices.approve('alice');
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('where there is no other way in, and it cannot be had, is said to the caller', async () => {
    const stage = await openCodeStage({ as: { metadata: { authorization_endpoint: undefined } } });
    stage.devices.isAllowed = () => false;
    expect(await outcomeOf(stage)).toMatch(/^ERR_POSTERN_OAUTH_/u);
  });

  test('is not offered by a server that lists other grants only, and nobody registers for it', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const page = await openPage(await stage.host.openBrowser('alice'), url);
    expect(page.html).not.toContain('Get a code');
    const [registered] = stage.as.calls.filter(({ kind }) => kind === 'register');
    expect(registered?.text).not.toContain(deviceGrant);
  });

  test('keeps nobody from signing in where the server does not register clients for it', async () => {
    const stage = await openCodeStage();
    stage.as.on('register', ({ text }) =>
      text.includes(deviceGrant) ? { status: 400, body: { error: 'invalid_client_metadata' } } : undefined,
    );
    await stage.signIn('alice');
    // With the grant, with the grant and without scopes, and without the grant.
    expect([await outcomeOf(stage), stage.as.count('register')]).toEqual(['alice', 3]);
  });

  test('makes a client that was registered without the grant register anew, once', async () => {
    const stage = await openCodeStage();
    stage.as.on('register', async (_call, standard) => {
      const reply = await standard();
      const body = { ...('body' in reply ? (reply.body as Record<string, unknown>) : {}) };
      // As servers do that give less than they are asked for.
      if (stage.as.count('register') === 1) body['grant_types'] = ['authorization_code', 'refresh_token'];
      return { ...reply, body };
    });
    const { url } = await stage.linkOf('alice');
    const page = await getCode(await stage.host.openBrowser('alice'), url);
    expect([page.html.includes('WDJB-0001'), stage.as.count('register')]).toEqual([true, 2]);
  });

  test('that cannot be had is said on the page, and the link leads in all the same', async () => {
    const stage = await openCodeStage();
    stage.devices.isAllowed = () => false;
    const { url } = await stage.linkOf('alice');
    stage.as.approveAs('alice');
    const browser = await stage.host.openBrowser('alice');
    const page = await getCode(browser, url);
    expect([page.status, page.html.includes('The way by a code did not work')]).toEqual([422, true]);
    expect((await browser.open((await walkToCallback(browser, url)).href)).status).toBe(200);
    expect(await outcomeOf(stage)).toBe('alice');
  });

  test('is shown to its person only', async () => {
    const { stage, link } = await openWithCode();
    const mallory = await (await stage.host.openBrowser('mallory')).open(link);
    expect([mallory.status, mallory.html.includes('WDJB')]).toEqual([404, false]);
    expect(stage.logger.lines.filter((line) => /WDJB|CNRY/u.test(line))).toEqual([]);
  });

  test('stays the same however often it is asked for, and is asked after by one process', async () => {
    const { stage, link, browser } = await openWithCode({ hosts: 2 });
    await Promise.all([outcomeOf(stage), outcomeOf(stage, 'alice', 1)]);
    for (let presses = 0; presses < 3; presses++)
      expect((await getCode(browser, link)).html).toContain('WDJB-0001');
    expect(stage.as.count('device')).toBe(1);
    const first = stage.devices.polls.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // Two pollers would make twice as many.
    expect(stage.devices.polls.length - first).toBeLessThanOrEqual(20);
  });

  test('is asked for five times at most on one link', async () => {
    const { stage, link, browser } = await openWithCode();
    for (let codes = 1; codes < 8; codes++) {
      stage.devices.expire();
      const before = codes;
      await vi.waitFor(
        async () => expect((await openPage(browser, link)).html).not.toContain('class="code"'),
        { timeout: 10_000 },
      );
      const page = await getCode(browser, link);
      if (page.status === 422) {
        expect(before).toBe(5);
        expect(stage.as.count('device')).toBe(5);
        return;
      }
    }
    throw new Error('it was never refused');
  });

  test('that has run out leaves the link as it was, and another can be had', async () => {
    const { stage, link, browser } = await openWithCode();
    stage.devices.expire();
    await vi.waitFor(
      async () => expect((await openPage(browser, link)).html).toContain('The way by a code did not work'),
      { timeout: 10_000 },
    );
    expect((await getCode(browser, link)).html).toContain('WDJB-0002');
    stage.devices.approve('alice');
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
  });

  test('at which its person declines ends the sign-in', async () => {
    const { stage, link, browser } = await openWithCode();
    stage.devices.deny();
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(codeOn(await browser.open(link))).toBe('ERR_POSTERN_AUTH_DENIED');
  });
});

describe('a process that asks after a code', () => {
  test('is killed, and another goes on when its lease has run out (D43)', { timeout: 60_000 }, async () => {
    const stage = await openCodeStage();
    const where = { host: stage.host, calendarUrl: stage.calendar.url, signInBy: 'device' };
    const [first, second] = await startAgents(2, where);
    // Whoever begins a sign-in by a code asks after it; the other stands by.
    await first?.call('alice');
    await vi.waitFor(() => expect(stage.devices.polls.length).toBeGreaterThan(1), { timeout: 10_000 });
    await second?.call('alice');
    await first?.kill();
    stage.devices.approve('alice');
    const before = stage.devices.polls.length;
    await expect
      .poll(async () => (await second?.call('alice'))?.[0]?.text, { timeout: 40_000 })
      .toBe('alice');
    expect([stage.as.count('device'), stage.devices.polls.length > before]).toEqual([1, true]);
  });
});

describe('two ways at once on one link', () => {
  test('the redirect is first: the code is asked after no longer', async () => {
    const { stage, link, browser } = await openWithCode();
    expect((await browser.open((await walkToCallback(browser, link)).href)).status).toBe(200);
    expect(await outcomeOf(stage)).toBe('alice');
    const polls = stage.devices.polls.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(stage.devices.polls.length).toBeLessThanOrEqual(polls + 1);
  });

  test('the code is first: the callback is told that it is done, and its code is sent to nobody', async () => {
    const { stage, link, browser } = await openWithCode();
    const callback = await walkToCallback(browser, link);
    stage.devices.approve('alice');
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
    for (const page of [await browser.open(callback.href), await paste(browser, link, callback.href)])
      expect(page.html).toMatch(/Already done|You are signed in/u);
    expect([...stage.as.tokens.codes.values()].map(({ used }) => used)).toEqual([false]);
    expect(await outcomeOf(stage)).toBe('alice');
  });

  test('both at the same moment: one is kept, and what came of the other is given back', async () => {
    const { stage, link, browser } = await openWithCode();
    const callback = await walkToCallback(browser, link);
    const redeeming = Promise.withResolvers<void>();
    const polled = Promise.withResolvers<void>();
    let isBoth = false;
    const answerPoll = stage.devices;
    stage.as.on('token', async (call, standard) => {
      if (call.form.get('grant_type') === deviceGrant) {
        if (!isBoth) return { status: 400, body: { error: 'authorization_pending' } };
        polled.resolve();
        await redeeming.promise;
        return answerPoll.answer(call);
      }
      const reply = await standard();
      isBoth = true;
      await polled.promise;
      redeeming.resolve();
      return reply;
    });
    stage.devices.approve('alice');
    await browser.open(callback.href);
    await expect.poll(() => outcomeOf(stage), { timeout: 10_000 }).toBe('alice');
    await expect
      .poll(() => stage.as.tokens.families.filter(({ revoked }) => revoked).length, { timeout: 10_000 })
      .toBe(1);
    expect(stage.as.tokens.families).toHaveLength(2);
  });
});

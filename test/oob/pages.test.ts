import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deviceCode } from '../../src/interaction/oauth/device-code.ts';
import type { FormSchema } from '../../src/web/form-schema.ts';
import { secretForm } from '../../src/interaction/forms/secret-form.ts';
import { contrast, openCarefulPage } from '../support/careful-page.ts';
import { launchChromium, type ChromiumBrowser } from '../support/chromium.ts';
import { describeWithService } from '../support/services.ts';
import { openFlowStage, planFor, redirectFlow, type FlowStage } from '../support/flow-stage.ts';

/** Where the screenshots go, for people to look at. */
const screenshots = process.env['POSTERN_SCREENSHOTS'] ?? mkdtempSync(join(tmpdir(), 'postern-oob-pages-'));

const login: FormSchema = {
  type: 'object',
  properties: {
    host: {
      type: 'string',
      title: 'Host',
      description: 'As in the connection string.',
      default: 'db.example',
    },
    port: { type: 'integer', title: 'Port', minimum: 1, maximum: 65_535 },
    mode: { type: 'string', title: 'Mode', enum: ['read', 'write'] },
    password: { type: 'string', title: 'Password </label><script>alert(1)</script>', writeOnly: true },
    key: { type: 'string', title: 'Key', writeOnly: true, format: 'multiline' },
    tls: { type: 'boolean', title: 'Use TLS', default: true },
  },
  required: ['host', 'password'],
};
const secret = ' pa ss+%&=<b>"\'wörd-😀 ';

await describeWithService('chromium', 'a page of a flow in a real browser, 320 pixels wide', () => {
  let chromium: ChromiumBrowser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium.close());

  function openPage(stage: FlowStage, user: string, options: BrowserContextOptions = {}): Promise<Page> {
    const viewport = { width: 320, height: 640 };
    return openCarefulPage(
      chromium,
      { host: stage.host, user },
      { viewport, ...options },
      (request) => request.isNavigationRequest() || request.url().endsWith('/status'),
    );
  }

  /** Looks at a page as people would, by day and by night. */
  async function look(page: Page, name: string): Promise<void> {
    const papers = new Set<string>();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshots, `oob-${name}-${colorScheme}.png`), fullPage: true });
      const layout = await page.evaluate(() => {
        const main = document.querySelector('main');
        const styleOf = (element: Element | null): CSSStyleDeclaration =>
          getComputedStyle(element ?? document.body);
        const controls = [
          ...document.querySelectorAll('input:not([type=hidden]),select,textarea,button:not([hidden]),a'),
        ];
        return {
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          paper: styleOf(document.body).backgroundColor,
          card: styleOf(main).backgroundColor,
          inks: ['h1', 'main p', 'label', '.dim', '.wrong', 'a:not(.act)', '.quiet'].flatMap((selector) => {
            const found = document.querySelector(selector);
            return found === null ? [] : [[selector, styleOf(found).color] as const];
          }),
          acts: ['a.act', 'button:not(.quiet)'].flatMap((selector) => {
            const found = document.querySelector(selector);
            return found === null
              ? []
              : [[selector, styleOf(found).color, styleOf(found).backgroundColor] as const];
          }),
          nameless: controls
            .filter((control) => {
              const labels = 'labels' in control ? [...((control as HTMLInputElement).labels ?? [])] : [];
              return (
                (control.textContent ?? '').trim() === '' &&
                labels.every((label) => (label.textContent ?? '').trim() === '')
              );
            })
            .map((control) => control.outerHTML),
          dangling: [...document.querySelectorAll('[aria-describedby]')].flatMap((control) =>
            (control.getAttribute('aria-describedby') ?? '')
              .split(' ')
              .filter((id) => document.getElementById(id) === null),
          ),
          // A link in a line of text, and a box beside its label, may be smaller.
          small: controls
            .filter(
              (control) =>
                !control.matches('a:not(.act),[type=checkbox]') &&
                control.getBoundingClientRect().height < 24,
            )
            .map((control) => control.outerHTML),
        };
      });
      expect(layout.overflow, 'sideways scrolling').toBe(0);
      for (const [selector, ink] of layout.inks)
        expect(contrast(ink, layout.card), `contrast of ${selector}`).toBeGreaterThan(4.5);
      for (const [selector, ink, paper] of layout.acts)
        expect(contrast(ink, paper), `contrast of ${selector}`).toBeGreaterThan(4.5);
      expect([layout.nameless, layout.dangling, layout.small], 'controls').toEqual([[], [], []]);
      papers.add(layout.paper);
    }
    expect(papers.size, 'day and night differ').toBe(2);
  }

  test('a form is filled in by keyboard alone, and its password arrives as it was typed', async () => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow('login', secretForm(login, { title: 'Log in to the database' }));
    const { url } = await stage.linkOf('alice', flow);
    const page = await openPage(stage, 'alice');
    await page.goto(url);
    await look(page, 'form');
    // The one that shows what was typed; it may ask nobody.
    expect(await page.evaluate(() => document.scripts.length)).toBe(1);
    const order: (string | undefined)[] = [];
    for (let index = 0; index < 9; index++) {
      await page.keyboard.press('Tab');
      order.push(
        await page.evaluate(() => {
          const { name, textContent } = document.activeElement as HTMLInputElement;
          return name === 'form-action' || name === '' ? (textContent ?? '').trim() : name;
        }),
      );
    }
    expect(order).toEqual(['host', 'port', 'mode', 'password', 'Show', 'key', 'tls', 'Save', 'Decline']);
    await page.focus('[name=password]');
    await page.keyboard.insertText(secret);
    await page.focus('[name=key]');
    await page.keyboard.insertText('-----BEGIN-----\nabc\n');
    await page.focus('[name=password]');
    await page.keyboard.press('Enter');
    await page.waitForURL(url);
    await page.waitForSelector('main.good');
    await look(page, 'done');
    const kept = await stage.oob.credentials.acquire(await stage.principal('alice'), {
      resource: 'calendar.example',
      flow,
    });
    expect(kept).toEqual({ host: 'db.example', password: secret, key: '-----BEGIN-----\nabc\n', tls: true });
    await page.goBack();
    expect(await page.title()).not.toContain('Log in');
  });

  test('what is wrong is said at the field, which gets the focus; what was secret is gone, the rest is still there', async () => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow('login', secretForm(login, { test: async () => 'rejected' }));
    const { url } = await stage.linkOf('alice', flow);
    const page = await openPage(stage, 'alice');
    await page.goto(url);
    await page.fill('[name=host]', 'x"y<z');
    await page.fill('[name=password]', 'wrong');
    await page.evaluate(() => document.querySelector('[name=port]')?.setAttribute('type', 'text'));
    await page.fill('[name=port]', '99999');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('[aria-invalid]');
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).name)).toBe('port');
    expect(await page.getAttribute('[name=port]', 'aria-describedby')).toBe('wrong-port');
    expect([await page.inputValue('[name=host]'), await page.inputValue('[name=password]')]).toEqual([
      'x"y<z',
      '',
    ]);
    await look(page, 'field-wrong');
    await page.fill('[name=port]', '5432');
    await page.fill('[name=password]', 'wrong');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The service refused this').waitFor();
    expect(await page.title()).toMatch(/^Not saved/u);
    await look(page, 'rejected');
  });

  test.each([true, false])(
    'a consent goes on to the other origin under our policy, with scripts %s',
    async (javaScriptEnabled) => {
      const stage = await openFlowStage();
      const flow = redirectFlow(stage);
      const { url } = await stage.linkOf('alice', flow);
      // The third party sends people on once more, over a third origin.
      const second = new URL(stage.as.origin);
      second.hostname = 'localhost';
      stage.as.on('authorize', ({ url: asked }) =>
        asked.searchParams.has('again')
          ? undefined
          : {
              status: 302,
              headers: { location: `${second.origin}${asked.pathname}${asked.search}&again=1` },
            },
      );
      const page = await openPage(stage, 'alice', { javaScriptEnabled });
      await page.goto(url);
      if (javaScriptEnabled) await look(page, 'consent');
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.getByText('You can close this page').waitFor();
      expect([page.url(), await page.title()]).toEqual([url, 'You are signed in']);
      expect([stage.as.count('authorize'), stage.as.count('token')]).toEqual([2, 1]);
      const sent = stage.as.calls.filter(({ kind }) => kind === 'authorize');
      expect(sent.map(({ headers }) => headers.referer)).toEqual([undefined, undefined]);
    },
  );

  test('the page in between can be read, when the other site does not answer with one', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    stage.as.on('authorize', () => ({ status: 204 }));
    const page = await openPage(stage, 'alice');
    await page.goto(url);
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('link', { name: 'Go on to' }).waitFor();
    expect(await page.title()).toBe('One moment');
    await look(page, 'departure');
  });

  test('a device code is shown, can be copied, and the page notices by itself when it was entered', async () => {
    const stage = await openFlowStage();
    let isEntered = false;
    const verification = `${stage.as.origin}/enter`;
    stage.as.on('device', () => ({
      body: {
        device_code: 'd',
        user_code: 'WDJB-MJHT',
        verification_uri: verification,
        expires_in: 600,
        interval: 0.2,
      },
    }));
    stage.as.on('token', () =>
      isEntered
        ? { body: { access_token: 't', token_type: 'Bearer' } }
        : { status: 400, body: { error: 'authorization_pending' } },
    );
    const flow = stage.oob.flow(
      'device',
      deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') }),
    );
    const { url } = await stage.linkOf('alice', flow);
    const page = await openPage(stage, 'alice', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.goto(url);
    await look(page, 'device');
    await page.getByRole('button', { name: 'Copy the code' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('WDJB-MJHT');
    expect(await page.getByRole('link', { name: 'Open 127' }).getAttribute('href')).toBe(verification);
    isEntered = true;
    await page.waitForSelector('main.good', { timeout: 10_000 });
    expect(await page.title()).toBe('You are signed in');
  });

  test('a device code without scripts hides what would not work, and a link looks whether it was entered', async () => {
    const stage = await openFlowStage();
    stage.as.on('device', () => ({
      body: {
        device_code: 'd',
        user_code: 'WDJB-MJHT',
        verification_uri: `${stage.as.origin}/enter`,
        expires_in: 600,
        interval: 60,
      },
    }));
    const flow = stage.oob.flow(
      'device',
      deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') }),
    );
    const { url, pendingId } = await stage.linkOf('alice', flow);
    const page = await openPage(stage, 'alice', { javaScriptEnabled: false });
    await page.goto(url);
    expect(await page.getByRole('button').allTextContents()).toEqual(['Decline']);
    const pending = await stage.oob.findPending(pendingId);
    await stage.oob.interactions.finish(pending!, {});
    await page.getByRole('link', { name: 'Look now' }).click();
    expect(await page.title()).toBe('You are signed in');
  });

  test('every end says what happened: declined, expired, withdrawn, another user', async () => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow('login', secretForm(login));
    const page = await openPage(stage, 'alice');
    const first = await stage.linkOf('alice', flow);
    await page.goto(first.url);
    await page.getByRole('button', { name: 'Decline' }).click();
    await page.waitForSelector('main.bad');
    expect([await page.title(), page.url()]).toEqual(['Declined', first.url]);
    await look(page, 'declined');

    const principal = await stage.principal('alice');
    await stage.oob.credentials.askAgain(principal, 'calendar.example');
    const second = await stage.linkOf('alice', flow);
    await page.goto(second.url);
    await stage.oob.credentials.withdraw(principal, 'calendar.example');
    await page.fill('[name=password]', 'x');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForSelector('main.bad');
    expect(await page.title()).toBe('Already done');
    await look(page, 'already-done');
    await page.goto(second.url);
    expect(await page.title()).toBe('No longer needed');

    const third = await stage.linkOf('alice', flow);
    const other = await openPage(stage, 'bob');
    expect((await other.goto(third.url))?.status()).toBe(404);
    expect(await other.title()).toBe('This link is not valid');
    expect(await other.textContent('main')).not.toMatch(/alice|bob/u);
    await look(other, 'wrong-user');
    stage.time.advance(11 * 60_000);
    await page.goto(third.url);
    expect(await page.title()).toBe('This link has expired');
    await look(page, 'expired');
  });

  test('a form on another site reaches nothing, even with the token and the cookies', async () => {
    const stage = await openFlowStage();
    const flow = stage.oob.flow('login', secretForm(login));
    const { url } = await stage.linkOf('alice', flow);
    const page = await openPage(stage, 'alice');
    await page.goto(url);
    const token = await page.getAttribute('[name=form-token]', 'value');
    const evil = stage.as.origin.replace('127.0.0.1', 'localhost');
    stage.as.on('other', () => ({
      headers: { 'content-type': 'text/html' },
      body: `<form method="post" action="${url}"><input name="form-token" value="${token}"><input name="host" value="evil"><input name="password" value="evil"></form>`,
    }));
    await page.goto(`${evil}/attack`);
    const [response] = await Promise.all([
      page.waitForResponse((answer) => answer.url() === url),
      page.evaluate(() => document.forms[0]?.submit()),
    ]);
    expect([401, 403]).toContain(response.status());
    expect(await stage.oob.credentials.list(await stage.principal('alice'))).toEqual([]);
  });
});

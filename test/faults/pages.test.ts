import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Page } from 'playwright-core';
import { contrast, openCarefulPage } from '../support/careful-page.ts';
import { launchChromium, type ChromiumBrowser } from '../support/chromium.ts';
import { describeWithService } from '../support/services.ts';
import { callbackOf, openStage, type Stage } from '../support/stage.ts';

/** Where the screenshots go, for people to look at. */
const screenshots = process.env['POSTERN_SCREENSHOTS'] ?? mkdtempSync(join(tmpdir(), 'postern-pages-'));

interface Seen {
  readonly status: number;
  readonly title: string;
  readonly text: string;
  readonly address: string;
}

await describeWithService('chromium', 'a page in a real browser, 320 pixels wide', () => {
  let chromium: ChromiumBrowser;
  beforeAll(async () => {
    chromium = await launchChromium();
  });
  afterAll(() => chromium.close());

  async function openPage(stage: Stage, user: string): Promise<Page> {
    const viewport = { width: 320, height: 568 };
    return openCarefulPage(chromium, { host: stage.host, user }, { viewport });
  }

  /** Goes to an address and looks at the page as people would, by day and by night. */
  async function look(page: Page, url: string, name: string): Promise<Seen> {
    const response = await page.goto(url);
    const papers = new Set<string>();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(screenshots, `${name}-${colorScheme}.png`) });
      const layout = await page.evaluate(() => {
        const main = document.querySelector('main');
        const { color, backgroundColor } = getComputedStyle(document.body);
        return {
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          ink: color,
          paper: backgroundColor,
          styled: main !== null && getComputedStyle(main).borderRadius !== '0px',
          scripts: document.scripts.length,
        };
      });
      expect(layout.overflow, 'sideways scrolling').toBe(0);
      expect(layout.styled, 'the stylesheet is applied').toBe(true);
      expect(layout.scripts, 'scripts').toBe(0);
      expect(contrast(layout.ink, layout.paper), 'contrast').toBeGreaterThan(7);
      papers.add(layout.paper);
    }
    expect(papers.size, 'day and night differ').toBe(2);
    return {
      status: response?.status() ?? 0,
      title: await page.title(),
      text: (await page.textContent('main')) ?? '',
      address: page.url(),
    };
  }

  test('connected: says so, at an address without the code', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const seen = await look(await openPage(stage, 'alice'), url, 'connected');
    expect([seen.status, seen.title, seen.address]).toEqual([200, 'You are signed in', url]);
  });

  test('declined: says that nothing was connected', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.as.on('authorize', ({ url: asked }) => {
      const back = new URL(asked.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({
        error: 'access_denied',
        error_description: '<img src=x onerror=alert(1)>',
        iss: stage.as.issuer,
        state: asked.searchParams.get('state') ?? '',
      }).toString();
      return { status: 302, headers: { location: back.href } };
    });
    const seen = await look(await openPage(stage, 'alice'), url, 'declined');
    expect([seen.status, seen.title]).toEqual([403, 'Declined']);
    expect(seen.text).not.toContain('onerror');
  });

  test('expired: tells how to get a new link', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.time.advance(11 * 60_000);
    const seen = await look(await openPage(stage, 'alice'), url, 'expired');
    expect([seen.status, seen.title]).toEqual([410, 'This link has expired']);
  });

  test('the wrong user: names nobody', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const seen = await look(await openPage(stage, 'bob'), url, 'wrong-user');
    expect([seen.status, seen.title]).toEqual([404, 'This link is not valid']);
    expect(seen.text).not.toMatch(/alice|bob/u);
  });

  test('another browser: says where to go on', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const callback = (await callbackOf(await stage.host.openBrowser('alice'), url)).href;
    const seen = await look(await openPage(stage, 'alice'), callback, 'other-browser');
    expect([seen.status, seen.title]).toEqual([403, 'Another browser']);
    expect(stage.as.count('token')).toBe(0);
  });

  test('a store that fails: offers the way on, which works', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.storage.fault = ({ operation, on }) => {
      if (operation !== 'commit' || !on.includes('/credential/')) return undefined;
      stage.time.advance(10_000);
      return 'fail';
    };
    const page = await openPage(stage, 'alice');
    const seen = await look(page, url, 'not-saved');
    expect([seen.status, seen.title]).toEqual([503, 'Not saved']);
    stage.storage.fault = () => undefined;
    await page.click('text=Try again');
    expect(await page.title()).toBe('You are signed in');
  });

  test('a page cannot be framed by another site', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const page = await chromium.newPage();
    onTestFinished(() => page.context().close());
    await page.setContent(`<iframe src="${url}"></iframe>`);
    await page.waitForLoadState('networkidle');
    const [frame] = page.frames().slice(1);
    expect((await frame?.content().catch(() => '')) ?? '').not.toContain('<main');
    expect(stage.as.count('token')).toBe(0);
  });
});

import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openListener } from '../../demo/open-listener.ts';
import { lookOf, plainLook, type Appearance } from '../../src/web/look.ts';
import { english } from '../../src/web/texts/english.ts';
import { german } from '../../src/web/texts/german.ts';
import type { Texts } from '../../src/web/texts/texts.ts';
import { launchChromium, type ChromiumBrowser } from '../support/chromium.ts';
import { describeWithService } from '../support/services.ts';
import { everyPage } from './every-page.ts';

/** `npm run screenshots` says where they go, for people to look at. */
const screenshots = process.env['POSTERN_SCREENSHOTS'] ?? mkdtempSync(join(tmpdir(), 'postern-pages-'));

/** A dot, as a picture. */
const logo =
  'data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIyOCIgaGVpZ2h0PSIyOCI+PGNpcmNsZSBjeD0iMTQiIGN5PSIxNCIgcj0iMTQiIGZpbGw9IiNjMjQxMGMiLz48L3N2Zz4=';
const appearance: Appearance = {
  name: 'Acme Assistant',
  logo,
  color: '#f59e0b',
  support: 'mailto:help@acme.example',
  scopes: { 'calendar.read': 'See your calendar' },
};

const sets: readonly { readonly name: string; readonly appearance: Appearance; readonly texts: Texts }[] = [
  { name: 'plain', appearance: {}, texts: english },
  { name: 'acme', appearance, texts: english },
  { name: 'acme-german', appearance, texts: german },
];

describe('every page, whoever runs it and in whichever language', () => {
  test.each(sets)('$name: has words for everything, and no blank that nobody fills in', async (set) => {
    for (const [name, open] of everyPage(lookOf(set.appearance), set.texts)) {
      const html = await (await open(new Request('https://own.invalid/'))).text();
      expect(html, name).toContain(`<html lang="${set.texts.language}">`);
      expect(html, name).not.toMatch(/\{\w+\}|undefined|\[object/u);
    }
  });

  test('speaks German where German is asked for: no sentence of the English catalogue is left', async () => {
    const sentences = Object.entries(english).filter(
      ([key, text]) => german[key as keyof Texts] !== text && text.length > 12 && !text.includes('{'),
    );
    for (const [name, open] of everyPage(lookOf(appearance), german)) {
      const html = await (await open(new Request('https://own.invalid/'))).text();
      expect(
        sentences.filter(([, text]) => html.includes(`>${text}<`)).map(([key]) => key),
        name,
      ).toEqual([]);
    }
  });

  test('names who runs it, with their picture and their help, errors included; and nothing of it where they have said nothing', async () => {
    for (const [name, open] of everyPage(lookOf(appearance), english)) {
      const response = await open(new Request('https://own.invalid/'));
      const html = await response.text();
      expect(html, name).toMatch(
        /class="sender"><img src="data:image\/svg\+xml;base64,[^"]+" alt=""[^>]*>Acme Assistant/u,
      );
      expect(html, name).toContain('href="mailto:help@acme.example"');
      expect(response.headers.get('content-security-policy'), name).toContain('img-src data:;');
    }
    for (const [name, open] of everyPage(plainLook, english)) {
      const response = await open(new Request('https://own.invalid/'));
      expect(await response.text(), name).not.toMatch(/class="sender"|mailto:/u);
      expect(response.headers.get('content-security-policy'), name).not.toContain('img-src');
    }
  });

  test('that asks for something says who asks, for whom, what for, why, where it leads and until when', async () => {
    const all = everyPage(lookOf(appearance), english);
    for (const name of ['form', 'form-wrong', 'device-code', 'consent', 'consent-by-code', 'elicitation']) {
      const html = await (await all.get(name)!(new Request('https://own.invalid/'))).text();
      const facts = new Map(
        [...html.matchAll(/<dt>([^<]*)<\/dt>\s*((?:<dd>[\s\S]*?<\/dd>\s*)+)/gu)].map(([, label, values]) => [
          label,
          values
            ?.replaceAll(/<[^>]*>/gu, ' ')
            .replaceAll(/\s+/gu, ' ')
            .trim(),
        ]),
      );
      expect(Object.fromEntries(facts), name).toMatchObject({
        'Asked by': 'Acme Assistant',
        For: 'Alice Example',
        'Access to': name === 'elicitation' ? 'payments' : 'calendar.example (work)',
        Reason: 'To find a time that suits everybody you meet.',
        'Asked for': 'See your calendar offline_access',
        'Link ends': expect.stringMatching(/^10:09 (?:AM )?UTC, in 9 minutes$/u) as string,
      });
      if (name.startsWith('consent')) expect(facts.get('Leads to')).toBe('issuer.example');
      if (name.startsWith('form')) expect(html).toContain('It never passes the assistant or the chat.');
    }
  });
});

await describeWithService('chromium', 'every page in a real browser, 320 pixels wide', () => {
  let chromium: ChromiumBrowser;
  let server: Awaited<ReturnType<typeof openListener>>;
  const made = new Map(
    sets.flatMap((set) =>
      [...everyPage(lookOf(set.appearance), set.texts)].map(([name, open]): [string, typeof open] => [
        `/${set.name}/${name}`,
        open,
      ]),
    ),
  );

  beforeAll(async () => {
    chromium = await launchChromium();
    server = await openListener({
      handler: async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname.endsWith('/status')) return Response.json({ status: 'pending' });
        return (await made.get(pathname)?.(request)) ?? new Response('Not found', { status: 404 });
      },
    });
  });
  afterAll(async () => {
    await chromium.close();
    await server.close();
  });

  /** What is wrong with a page for people who see, hear or steer it differently. */
  async function violations(page: Page): Promise<string[]> {
    const { violations: found } = await page.evaluate(async () =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
        // A page that goes on by itself does so at once, and says where: there is nothing to be kept from reading.
        rules: { 'meta-refresh': { enabled: false } },
      }),
    );
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  const isLookedAt = process.env['POSTERN_SCREENSHOTS'] !== undefined;
  /** All that say that something has failed look the same. */
  const isOneOfMany = (name: string): boolean =>
    name.startsWith('ERR_') && name !== 'ERR_POSTERN_OAUTH_REQUEST_REFUSED';

  test.each(sets.filter(({ name }) => isLookedAt || name !== 'acme'))(
    '$name: passes axe by day and by night, and scrolls in one direction only',
    async (set) => {
      const page = await chromium.newPage({ viewport: { width: 320, height: 640 } });
      await page.addInitScript(axe.source);
      mkdirSync(screenshots, { recursive: true });
      const wrong: Record<string, unknown> = {};
      for (const name of everyPage(lookOf(set.appearance), set.texts).keys()) {
        // That one is gone before it can be looked at.
        if (name === 'departure' || (isOneOfMany(name) && !isLookedAt)) continue;
        await page.goto(`${server.origin}/${set.name}/${name}`);
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          const sideways = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          const found = await violations(page);
          if (sideways > 0 || found.length > 0) wrong[`${name} ${colorScheme}`] = { sideways, found };
          if (!isLookedAt) continue;
          const path = join(screenshots, `${set.name}-${name}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
        }
      }
      expect(wrong).toEqual({});
      await page.context().close();
    },
  );

  test('is steered by keyboard alone: what can be pressed is reached in the order it stands in, and is seen to be', async () => {
    const page = await chromium.newPage({ viewport: { width: 320, height: 640 } });
    for (const name of [
      'form',
      'device-code',
      'consent-both',
      'elicitation',
      'inbox',
      'end-done',
      'try-again',
    ]) {
      await page.goto(`${server.origin}/acme/${name}`);
      const stops = await page.evaluate(() => {
        const all = [...document.querySelectorAll<HTMLElement>('a,button,input,select,textarea,summary')];
        const visible = all.filter(
          (element) => element.checkVisibility() && element.getAttribute('type') !== 'hidden',
        );
        visible.forEach((element, index) => (element.dataset['stop'] = String(index)));
        return visible.length;
      });
      const reached: string[] = [];
      for (let index = 0; index < stops; index++) {
        await page.keyboard.press('Tab');
        reached.push(
          await page.evaluate(() => {
            const { activeElement } = document;
            const isSeen = activeElement !== null && getComputedStyle(activeElement).outlineStyle !== 'none';
            return `${(activeElement as HTMLElement | null)?.dataset['stop']}${isSeen ? '' : ' unseen'}`;
          }),
        );
      }
      expect(reached, name).toEqual(Array.from({ length: stops }, (_, index) => String(index)));
    }
    await page.context().close();
  });

  test('without scripts shows no button that would do nothing, and every form can be sent', async () => {
    const page = await chromium.newPage({ viewport: { width: 320, height: 640 }, javaScriptEnabled: false });
    for (const name of everyPage(plainLook, english).keys()) {
      if (name === 'departure' || isOneOfMany(name)) continue;
      const path = `/plain/${name}` as const;
      await page.goto(`${server.origin}${path}`);
      expect(await page.locator('button[type=button]:visible').count(), path).toBe(0);
      const forms = await page.locator('form').count();
      expect(await page.locator('form:has(button:not([type=button]))').count(), path).toBe(forms);
    }
    await page.context().close();
  });

  test('shows a password while its person wants to see it, and sends it as a password', async () => {
    const page = await chromium.newPage({ viewport: { width: 320, height: 640 } });
    await page.goto(`${server.origin}/acme/form`);
    const type = (): Promise<string | null> => page.locator('[name=password]').getAttribute('type');
    await page.fill('[name=password]', 'correct horse');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(await type()).toBe('text');
    await page.getByRole('button', { name: 'Hide' }).click();
    expect(await type()).toBe('password');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.evaluate(() =>
      document.querySelector('form')?.addEventListener('submit', (event) => event.preventDefault()),
    );
    await page.fill('[name=port]', '1');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await type()).toBe('password');
    await page.context().close();
  });
});

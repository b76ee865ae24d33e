import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openAndConsent } from '../../demo/browser.ts';
import { launchChromium } from '../support/chromium.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { registerByHand, startListener, startWorld, stopBefore } from '../support/demo-world.ts';
import { describeWithService } from '../support/services.ts';

describe('the browser without a window', () => {
  test('follows redirects, keeps cookies of that origin and records every hop', async () => {
    const other = await startListener((request, response) =>
      response.end(`other:${request.headers.cookie ?? ''}`),
    );
    const home = await startListener((request, response) => {
      if (request.url === '/')
        response.writeHead(302, { location: '/next', 'set-cookie': '__Host-a=1; Secure; Path=/' }).end();
      else response.writeHead(307, { location: `${other}/${request.headers.cookie}` }).end();
    });
    const page = await createCookieBrowser().open(`${home}/`);
    expect(page).toMatchObject({ status: 200, html: 'other:', url: `${other}/__Host-a=1` });
    expect(page.hops.map(({ status, url }) => [status, new URL(url).pathname])).toEqual([
      [302, '/'],
      [307, '/next'],
      [200, '/__Host-a=1'],
    ]);
  });

  test('takes no __Host- cookie that breaks the rules of the prefix, and drops what has expired', async () => {
    let nowMs = 1_000_000;
    const lines = [
      '__Host-a=1; Path=/',
      '__Host-b=1; Secure; Path=/x',
      'short=1; Max-Age=5',
      'long=1; Max-Age=50',
      'deep=1; Path=/deep',
    ];
    const home = await startListener((request, response) => {
      if (request.url === '/') response.setHeader('set-cookie', lines);
      response.end(request.headers.cookie ?? '');
    });
    const browser = createCookieBrowser({ now: () => nowMs });
    await browser.open(`${home}/`);
    expect((await browser.open(`${home}/deep/er`)).html).toBe('deep=1; short=1; long=1');
    nowMs += 6_000;
    expect((await browser.open(`${home}/deeper`)).html).toBe('long=1');
    expect(browser.findCookie(home, 'short')).toBeUndefined();
  });

  test('sends what Chromium sends with a form: its origin, or null from a page under no-referrer', async () => {
    for (const [policy, origin] of [
      ['same-origin', 'own'],
      ['no-referrer', 'null'],
    ] as const) {
      const home = await startListener((request, response) => {
        response.setHeader('referrer-policy', policy);
        if (request.method === 'POST')
          response.end(JSON.stringify([request.headers.origin, request.headers['sec-fetch-site']]));
        else response.end('<form method="post"><input name="a" value="1 &amp; 2"><button>Go</button></form>');
      });
      const browser = createCookieBrowser();
      await browser.open(home);
      const page = await browser.submit();
      expect(JSON.parse(page.html)).toEqual([origin === 'own' ? home : origin, 'same-origin']);
    }
  });

  test('presses Continue on the way to the sign-in page', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const door = await startListener((request, response) => {
      if (request.method === 'POST') response.writeHead(303, { location: link }).end();
      else
        response.end(
          '<form method="post"><input type="hidden" name="t" value="1"><button>Continue</button></form>',
        );
    });
    const page = await createCookieBrowser().signIn(door, { user: 'alice', stopBefore });
    expect(new URL(page.url).searchParams.get('code')).toMatch(/.+/);
  });

  test('goes nowhere but loopback', async () => {
    await expect(createCookieBrowser().open('http://198.51.100.7/')).rejects.toThrow('loopback only');
  });

  test('opens a link and consents in one call', async () => {
    const callback = await startListener((request, response) => response.end(`arrived ${request.url}`));
    const world = await startWorld();
    const { link } = await registerByHand(world, { redirect_uri: `${callback}/callback` });
    const page = await openAndConsent(link, { user: 'carol' });
    expect(page).toMatchObject({ status: 200, html: expect.stringMatching(/^arrived \/callback\?code=/) });
  });
});

await describeWithService('chromium', 'a person in Chromium', () => {
  test(
    'signs in, allows access and lands at the callback on another origin',
    { timeout: 60_000 },
    async () => {
      const callback = await startListener((_request, response) =>
        response.end('<h1>You may close this page</h1>'),
      );
      const world = await startWorld();
      const { link } = await registerByHand(world, { redirect_uri: `${callback}/callback` });
      const keep = process.env['POSTERN_SCREENSHOTS'];
      const folder = keep ?? (await mkdtemp(join(tmpdir(), 'postern-pages-')));
      if (keep === undefined) onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const chromium = await launchChromium();
      onTestFinished(() => chromium.close());

      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await chromium.newPage({ viewport: { width: 320, height: 640 }, colorScheme });
        const complaints: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
        });
        const shoot = async (name: string): Promise<void> => {
          const path = join(folder, `${name}-${colorScheme}.png`);
          await page.screenshot({ path });
          expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG');
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth > window.innerWidth,
          );
          expect(overflow).toBe(false);
        };
        await page.goto(link);
        await shoot('sign-in');
        await page.getByLabel('Your name').fill('nobody');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').waitFor();
        await shoot('unknown');
        await page.getByLabel('Your name').fill('alice');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
        await shoot('consent');
        await page.getByRole('button', { name: 'Allow' }).click();
        await page.getByRole('heading', { name: 'You may close this page' }).waitFor();
        expect(new URL(page.url()).origin).toBe(callback);
        expect(new URL(page.url()).searchParams.get('code')).toMatch(/.+/);
        // The refused name is a 400, which Chromium reports; nothing else may be.
        expect(complaints.filter((text) => !text.includes('400'))).toEqual([]);
      }
      expect(chromium.blockedOrigins).toEqual([]);
    },
  );
});

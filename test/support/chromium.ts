import { existsSync } from 'node:fs';

import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';

/** A running Chromium that can reach this machine only. */
export interface ChromiumBrowser {
  readonly browser: Browser;
  /** Origins outside loopback that a page asked for, and did not get. */
  readonly blockedOrigins: readonly string[];
  /** A page in a profile of its own: another person, as far as any server can tell. */
  newPage(options?: BrowserContextOptions): Promise<Page>;
  close(): Promise<void>;
}

/** The path of a Chromium: `CHROMIUM_PATH`, or where Linux distributions put it. */
export function findChromium(): string | undefined {
  const places = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];
  return places.find((path) => path !== undefined && path !== '' && existsSync(path));
}

/**
 * Starts Chromium with an empty profile, without a window.
 *
 * @throws {Error} when none is installed.
 */
export async function launchChromium(): Promise<ChromiumBrowser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('no Chromium found; set CHROMIUM_PATH');
  // The profile is a fresh temporary folder, which the launcher makes and removes.
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    timeout: 30_000,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
    ],
  });
  const blockedOrigins: string[] = [];
  return {
    browser,
    blockedOrigins,
    async newPage(options = {}) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(15_000);
      await context.route(
        (url) => !loopback.has(url.hostname),
        async (route) => {
          blockedOrigins.push(new URL(route.request().url()).origin);
          await route.abort('blockedbyclient');
        },
      );
      return context.newPage();
    },
    close: () => browser.close(),
  };
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

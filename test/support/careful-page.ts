import { expect, onTestFinished } from 'vitest';
import type { BrowserContextOptions, Page, Request } from 'playwright-core';
import type { ChromiumBrowser } from './chromium.ts';
import type { PageHost } from './page-host.ts';

/**
 * A page of a signed-in user, in which nothing may go wrong: no script error, no violation, no request beside the pages.
 *
 * `isOwn` says which requests are the pages' own; by default navigations alone.
 */
export async function openCarefulPage(
  chromium: ChromiumBrowser,
  { host, user }: { host: PageHost; user: string },
  options: BrowserContextOptions = {},
  isOwn: (request: Request) => boolean = (request) => request.isNavigationRequest(),
): Promise<Page> {
  const page = await chromium.newPage(options);
  onTestFinished(() => page.context().close());
  const problems: string[] = [];
  page.on('console', (message) => {
    // Chromium notes every answer of 400 and above in the console; these pages are meant to have them.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text());
  });
  page.on('pageerror', (error) => void problems.push(error.message));
  page.on('request', (request) => {
    if (!isOwn(request)) problems.push(`asked for ${request.resourceType()} ${request.url()}`);
  });
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => console.error(`CSP ${event.violatedDirective}`));
    });
  }
  onTestFinished(() => expect(problems).toEqual([]));
  await page.goto(`${host.origin}/login?user=${user}`);
  return page;
}

/** The contrast of two colours as `rgb(…)`, by WCAG. */
export function contrast(one: string, two: string): number {
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/\d+(?:\.\d+)?/gu) ?? []).map((channel) => {
      const part = Number(channel) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(two)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

import { departureOn, type OpenOptions } from '../../demo/browser.ts';
import type { CookieBrowser, Page } from '../support/cookie-browser.ts';

/**
 * Goes through a link as a person does: opens it, presses the first button of a page that has nothing to fill in, and
 * goes where a page sends them. Returns the page where that ends.
 */
export async function walk(browser: CookieBrowser, url: string, options: OpenOptions = {}): Promise<Page> {
  let page = await browser.open(url, options);
  for (let pages = 0; pages < 4; pages++) {
    const departure = departureOn(page);
    if (departure !== undefined) page = await browser.open(departure, options);
    else if (asksNothing(page)) page = await browser.submit({}, undefined, options);
    else break;
  }
  return page;
}

/** Goes as far as the callback, which is not asked for. Returns its URL. */
export async function walkToCallback(browser: CookieBrowser, link: string): Promise<URL> {
  const page = await walk(browser, link, { stopBefore: isCallback });
  if (!isCallback(new URL(page.url))) throw new Error(`no callback: status ${page.status}`);
  return new URL(page.url);
}

/** Goes as far as the issuer's authorization endpoint, which is not asked for. Returns its URL. */
export function walkToIssuer(browser: CookieBrowser, link: string): Promise<URL> {
  return walkOut(browser, link, isIssuer);
}

/** Goes as far as the first address that is out there, which is not asked for. Returns it. */
export async function walkOut(
  browser: CookieBrowser,
  link: string,
  isOut: (url: URL) => boolean,
): Promise<URL> {
  const page = await browser.open(link, { stopBefore: isOut });
  if (isOut(new URL(page.url))) return new URL(page.url);
  const pressed = asksNothing(page) ? await browser.submit({}, undefined, { stopBefore: isOut }) : page;
  const found = new URL(departureOn(pressed) ?? pressed.url);
  if (!isOut(found)) throw new Error(`nobody is sent out: status ${pressed.status}`);
  return found;
}

export function isCallback({ pathname }: URL): boolean {
  return pathname.endsWith('/callback');
}

export function isIssuer({ pathname }: URL): boolean {
  return pathname.endsWith('/authorize');
}

/** Whether the first form of a page has nothing to it but its buttons. */
function asksNothing({ status, html }: Page): boolean {
  const form = /<form\b.*?<\/form>/su.exec(html)?.[0];
  const inputs = form?.match(/<(?:input|textarea|select)\b[^>]*>/gu) ?? [];
  return status === 200 && form !== undefined && inputs.every((input) => /type="?hidden/u.test(input));
}

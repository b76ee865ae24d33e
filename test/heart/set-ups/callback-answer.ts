import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import { isIssuer, walkToCallback } from '../walk.ts';
import type { Answer } from './set-up.ts';

/** The way back from an issuer, by the callback's URL. */
export async function prepareCallback(browser: CookieBrowser, link: string): Promise<Answer> {
  return answerAt(browser, await walkToCallback(browser, link));
}

function answerAt(browser: CookieBrowser, callback: URL): Answer {
  return {
    state: callback.searchParams.get('state') ?? '',
    href: callback.href,
    send: (from = browser) => from.open(callback.href),
    withState: (...states) => {
      const other = new URL(callback);
      other.searchParams.delete('state');
      for (const state of states) other.searchParams.append('state', state);
      return answerAt(browser, other);
    },
  };
}

/** The same way back, where the person pastes the callback's URL onto the page of their link. */
export function pastedAt(browser: CookieBrowser, link: string, answer: Answer): Answer {
  const { state, href = '', withState } = answer;
  return {
    state,
    href,
    send: (from = browser) => paste(from, link, href),
    withState: (...states) => pastedAt(browser, link, withState(...states)),
  };
}

/** Pastes an address onto the page of a link, where that page takes one. Returns the page that comes of it. */
export async function paste(browser: CookieBrowser, link: string, address: string): Promise<Page> {
  const page = await openPage(browser, link);
  if (!page.html.includes('pasted-address')) return page;
  return browser.submit({ 'form-action': 'paste', 'pasted-address': address });
}

/** The page of a link, also for a browser that is sent straight on when it first opens it. */
export async function openPage(browser: CookieBrowser, link: string): Promise<Page> {
  const page = await browser.open(link, { stopBefore: isIssuer });
  return isIssuer(new URL(page.url)) ? browser.open(link) : page;
}

/** A callback that says that the person has refused. */
export function refusalOf(callback: URL): URL {
  const refusal = new URL(callback);
  refusal.searchParams.delete('code');
  refusal.searchParams.set('error', 'access_denied');
  return refusal;
}

import {
  createCookieBrowser as createBrowser,
  type CookieBrowser,
  type CookieBrowserOptions,
  type Page,
} from '../../demo/browser.ts';
import { recordOutput } from './outputs.ts';

export type { CookieBrowser, Page } from '../../demo/browser.ts';

/** A browser without a window whose pages are looked at for secrets. */
export function createCookieBrowser(options?: CookieBrowserOptions): CookieBrowser {
  const browser = createBrowser(options);
  const record = (page: Page): Page => {
    recordOutput('a page', `${page.html}\n`);
    return page;
  };
  return {
    ...browser,
    open: async (...args) => record(await browser.open(...args)),
    submit: async (...args) => record(await browser.submit(...args)),
    signIn: async (...args) => record(await browser.signIn(...args)),
  };
}

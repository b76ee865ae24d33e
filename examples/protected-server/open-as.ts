import type { CookieBrowser, Page } from '../../demo/browser.ts';

/** Opens a link, and signs in as `user` on the way when the server's own pages ask who is there. */
export async function openAs(browser: CookieBrowser, link: string, user: string): Promise<Page> {
  let page = await browser.open(link);
  for (let pages = 0; pages < 3 && new URL(page.url).pathname.startsWith('/interaction/'); pages++) {
    page = page.html.includes('name="user"')
      ? await browser.submit({ user })
      : await browser.submit({}, 'allow');
  }
  return page;
}

import { createCookieBrowser, type Page } from '../../demo/browser.ts';
import { openAs } from '../protected-server/open-as.ts';

/** What a person does with a link: signs in as `user`, and enters the password, or other values of the form, too. */
export async function enterPassword(
  link: string,
  { user, ...values }: { user: string; password: string; host?: string; port?: string },
): Promise<Page> {
  const browser = createCookieBrowser();
  const page = await openAs(browser, link, user);
  return page.status === 200 ? browser.submit(values, 'save') : page;
}

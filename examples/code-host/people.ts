import { createCookieBrowser, type Page } from '../../demo/browser.ts';
import { openAs } from '../protected-server/open-as.ts';

/** Signs in, reads the code on our page, and enters it at the code host. */
export async function enterDeviceCode(
  link: string,
  { user, account, decision = 'allow' }: { user: string; account: string; decision?: 'allow' | 'deny' },
): Promise<void> {
  const browser = createCookieBrowser();
  const { html, status } = await openAs(browser, link, user);
  const code = /class="code">(?<code>[A-Z-]+)</u.exec(html)?.groups?.['code'];
  const at = /class="act" href="(?<at>[^"]+)"/u.exec(html)?.groups?.['at'];
  if (code === undefined || at === undefined)
    throw new Error(`the page for a code answered ${status} and shows none`);
  await browser.open(at);
  const page = await browser.submit({ code, user: account }, decision);
  if (page.status !== 200) throw new Error(`the code host answered ${page.status} to a code`);
}

/** Makes a token at the code host, as a person would in its settings. */
export async function makeToken(serviceOrigin: string, account: string): Promise<string> {
  const browser = createCookieBrowser();
  await browser.open(`${serviceOrigin}/settings/tokens`);
  const { html } = await browser.submit({ user: account });
  const token = /<code>(?<token>\w+)</u.exec(html)?.groups?.['token'];
  if (token === undefined) throw new Error('the code host made no token');
  return token;
}

/** Signs in and pastes a token into our page. Returns the page that this leads to. */
export async function pasteToken(
  link: string,
  { user, token }: { user: string; token: string },
): Promise<Page> {
  const browser = createCookieBrowser();
  await openAs(browser, link, user);
  return browser.submit({ token }, 'save');
}

/** Goes through single sign-on at the code host. */
export async function signOn(serviceOrigin: string, organisation: string, account: string): Promise<void> {
  const browser = createCookieBrowser();
  await browser.open(`${serviceOrigin}/orgs/${organisation}/sso`);
  await browser.submit({ user: account });
}

import type { PageHost } from '../../support/page-host.ts';
import type { CookieBrowser, Page } from '../../support/cookie-browser.ts';
import type { Answer } from './set-up.ts';

/**
 * A form that is filled in and not sent yet.
 *
 * Sent as a request of its own, since a page that is left can be sent twice, and by another browser.
 */
export async function prepareForm(
  host: PageHost,
  browser: CookieBrowser,
  link: string,
  values: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { status, html } = await browser.open(link);
  const formToken = /name="form-token" value="([^"]*)"/u.exec(html)?.[1];
  if (formToken === undefined) throw new Error(`there is no form: status ${status}`);
  const body = new URLSearchParams({ ...values, 'form-token': formToken, 'form-action': 'save' });
  return {
    get state(): never {
      throw new Error('a form has no state');
    },
    withState() {
      throw new Error('a form has no state');
    },
    send: (from = browser) => post(link, body, cookiesOf(host, from, link)),
  };
}

async function post(link: string, body: URLSearchParams, cookie: string): Promise<Page> {
  const response = await fetch(link, {
    method: 'POST',
    body,
    headers: {
      cookie,
      origin: new URL(link).origin,
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    },
  });
  const hops = [{ method: 'POST', url: link, status: response.status }];
  return { status: response.status, html: await response.text(), url: response.url, hops };
}

/** What a browser has of the cookies that the host has set so far. */
function cookiesOf(host: PageHost, browser: CookieBrowser, link: string): string {
  const set = host.answers
    .flatMap(({ headers }) => JSON.parse(headers) as [string, string][])
    .filter(([name]) => name === 'set-cookie')
    .map(([, value]) => value.slice(0, value.indexOf('=')));
  return [...new Set(['app-user', ...set])]
    .flatMap((name) => {
      const value = browser.findCookie(link, name);
      return value === undefined ? [] : [`${name}=${value}`];
    })
    .join('; ');
}

/**
 * A browser without a window: cookies, redirects and one form per page, enough to walk through a sign-in.
 *
 * It stands for a person in the demo, so that `npm start` needs no Chromium. It visits loopback only.
 */

import { plainRequest } from './plain-request.ts';

/** One request and the answer it got. */
export interface Hop {
  readonly method: string;
  readonly url: string;
  readonly status: number;
}

/** Where a navigation ended. */
export interface Page {
  readonly status: number;
  readonly html: string;
  /** The last URL asked for; with `stopBefore`, the one that was not. */
  readonly url: string;
  /** Every request of this navigation, in order. */
  readonly hops: readonly Hop[];
}

export interface OpenOptions {
  /** Ends the navigation before this URL is asked for: how a test gets hold of a callback. The page is then empty. */
  readonly stopBefore?: (url: URL) => boolean;
}

export interface SignInOptions extends OpenOptions {
  readonly user: string;
  /** Default `allow`. */
  readonly decision?: 'allow' | 'deny';
}

export interface CookieBrowserOptions {
  /** Milliseconds since the epoch, for the expiry of cookies. */
  readonly now?: () => number;
}

/** One person's browser. Two of them share nothing. */
export interface CookieBrowser {
  /** Goes to a URL as if it were typed in. @throws {Error} when nobody answers or a URL is not on loopback. */
  open(url: string, options?: OpenOptions): Promise<Page>;
  /**
   * Sends the form of the current page, with its hidden and filled-in fields, `fields` over them.
   * `button` is the value, name or label of the button to press; the first one when left out.
   *
   * @throws {Error} when the page has no form, or no such button.
   */
  submit(fields?: Readonly<Record<string, string>>, button?: string, options?: OpenOptions): Promise<Page>;
  /**
   * Opens a link, signs in and decides, and returns the page that this leads to.
   *
   * A form before the sign-in page that has nothing to fill in (a "Continue" page) is sent as it is.
   * A page that is neither ends the walk.
   */
  signIn(link: string, options: SignInOptions): Promise<Page>;
  /** The value of a cookie that would be sent to this URL. */
  findCookie(url: string, name: string): string | undefined;
  /** What a script of a page would send along to this URL. */
  cookiesFor(url: string): string;
}

/** Opens the link in a fresh browser, signs in as the user and allows access. */
export async function openAndConsent(link: string, { user }: { readonly user: string }): Promise<Page> {
  return createCookieBrowser().signIn(link, { user, decision: 'allow' });
}

/** A new browser with no cookies. */
export function createCookieBrowser({ now = Date.now }: CookieBrowserOptions = {}): CookieBrowser {
  const jars = new Map<string, Cookie[]>();
  let current: Page | undefined;
  let withoutReferrer = false;

  const cookiesFor = (url: URL): Cookie[] => {
    const jar = (jars.get(url.host) ?? []).filter((cookie) => cookie.expiresAtMs > now());
    jars.set(url.host, jar);
    return jar
      .filter(
        ({ path }) =>
          url.pathname === path || url.pathname.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .toSorted((a, b) => b.path.length - a.path.length);
  };

  const keep = (url: URL, lines: readonly string[]): void => {
    for (const line of lines) {
      const cookie = parseCookie(line, url, now());
      if (cookie === undefined) continue;
      const others = (jars.get(url.host) ?? []).filter(
        ({ name, path }) => name !== cookie.name || path !== cookie.path,
      );
      jars.set(url.host, [...others, cookie]);
    }
  };

  const navigate = async (start: Navigation, { stopBefore }: OpenOptions = {}): Promise<Page> => {
    const hops: Hop[] = [];
    let { url, method, body } = start;
    let site: 'none' | (typeof relations)[number] =
      start.from === undefined ? 'none' : relation(start.from, url);
    for (let redirects = 0; redirects <= 20; redirects++) {
      if (!loopback.has(url.hostname))
        throw new Error(`the demo browser visits loopback only, not ${url.hostname}`);
      const headers = new Headers({
        accept: 'text/html',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      });
      headers.set('sec-fetch-site', site);
      // As with an address that was typed in, or a button that was pressed.
      headers.set('sec-fetch-user', '?1');
      const cookies = cookiesFor(url);
      if (cookies.length > 0) headers.set('cookie', headerOf(cookies));
      // As Chromium does: a page under no-referrer hides its origin even from itself.
      if (method === 'POST')
        headers.set('origin', start.withoutReferrer ? 'null' : (start.from ?? url).origin);
      if (body !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
      const response = await plainRequest(url, { method, headers, body: body?.toString() });
      hops.push({ method, url: url.href, status: response.status });
      keep(url, response.headers.getSetCookie());

      const location = response.headers.get('location');
      if (location === null || response.status < 300 || response.status > 399) {
        withoutReferrer = response.headers.get('referrer-policy') === 'no-referrer';
        current = { status: response.status, html: await response.text(), url: url.href, hops };
        return current;
      }
      await response.body?.cancel();
      const next = new URL(location, url);
      if (stopBefore?.(next) === true) {
        current = { status: response.status, html: '', url: next.href, hops };
        return current;
      }
      if (response.status !== 307 && response.status !== 308) {
        method = 'GET';
        body = undefined;
      }
      // The least related hop on the way decides.
      if (site !== 'none')
        site = relations[Math.max(relations.indexOf(site), relations.indexOf(relation(url, next)))] ?? site;
      url = next;
    }
    throw new Error(`more than 20 redirects, the last one to ${url.origin}`);
  };

  const browser: CookieBrowser = {
    open: (url, options) => navigate({ url: new URL(url), method: 'GET', withoutReferrer: false }, options),

    submit(fields = {}, button, options) {
      const from = new URL(current?.url ?? 'about:blank');
      const form = current === undefined ? undefined : parseForm(current.html);
      if (form === undefined) throw new Error(`no form on the page of ${from.origin}`);
      const pressed =
        button === undefined
          ? form.buttons[0]
          : form.buttons.find(({ name, value, label }) => [value, name, label].includes(button));
      if (button !== undefined && pressed === undefined)
        throw new Error(`no button ${button} on the page of ${from.origin}`);

      const data = new URLSearchParams(form.fields);
      if (pressed?.name !== undefined) data.set(pressed.name, pressed.value ?? '');
      for (const [name, value] of Object.entries(fields)) data.set(name, value);
      const url = new URL(form.action ?? '', from);
      if (form.method === 'POST')
        return navigate({ url, from, withoutReferrer, method: 'POST', body: data }, options);
      url.search = data.toString();
      return navigate({ url, from, withoutReferrer, method: 'GET' }, options);
    },

    async signIn(link, { user, decision = 'allow', ...options }) {
      let page = await browser.open(link, options);
      const hops = [...page.hops];
      for (let pages = 0, done = false; pages < 8 && !done; pages++) {
        const departure = departureOn(page);
        const form = parseForm(page.html);
        if (departure !== undefined) {
          page = await browser.open(departure, options);
        } else if (form === undefined) {
          break;
        } else if ('user' in form.fields) {
          // The same page again means that the name was refused; asking twice changes nothing.
          done = page.status >= 400;
          if (done) break;
          page = await browser.submit({ user }, undefined, options);
        } else if (form.buttons.some(({ name }) => name === 'decision')) {
          page = await browser.submit({}, decision, options);
          done = true;
        } else if (page.status < 400 && form.blanks === 0) {
          page = await browser.submit({}, undefined, options);
        } else break;
        hops.push(...page.hops);
      }
      return { ...page, hops };
    },

    cookiesFor: (url) => headerOf(cookiesFor(new URL(url))),
    findCookie: (url, name) => cookiesFor(new URL(url)).find((cookie) => cookie.name === name)?.value,
  };
  return browser;
}

function headerOf(cookies: readonly Cookie[]): string {
  return cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
}

/** Where a page sends the browser on to by itself. */
export function departureOn({ html }: Pick<Page, 'html'>): string | undefined {
  return /http-equiv="refresh" content="0;url=([^"]*)"/u.exec(html)?.[1]?.replaceAll('&amp;', '&');
}

const loopback = new Set(['127.0.0.1', 'localhost', '[::1]']);

interface Navigation {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
  /** The page that was left by a form; none when the URL was typed in. */
  readonly from?: URL;
  readonly withoutReferrer: boolean;
  readonly body?: URLSearchParams;
}

const relations = ['same-origin', 'same-site', 'cross-site'] as const;

/** What a browser says in `Sec-Fetch-Site`. A port makes another origin, not another site. */
function relation(from: URL, to: URL): (typeof relations)[number] {
  if (from.origin === to.origin) return 'same-origin';
  return from.protocol === to.protocol && from.hostname === to.hostname ? 'same-site' : 'cross-site';
}

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly expiresAtMs: number;
}

/**
 * The cookie of one `Set-Cookie` line, or `undefined` when a browser would not take it.
 *
 * Secure ones are taken, as Chromium does on loopback.
 * @see RFC 6265bis §4.1.3 (the two name prefixes), §5.1.4 (the default path)
 */
function parseCookie(line: string, url: URL, nowMs: number): Cookie | undefined {
  const [pair = '', ...rest] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals).trim();
  if (equals < 1 || name === '') return undefined;
  const attributes = new Map(
    rest.map((attribute) => {
      const [key = '', ...value] = attribute.split('=');
      return [key.trim().toLowerCase(), value.join('=').trim()] as const;
    }),
  );

  const secure = attributes.has('secure');
  const domain = attributes.get('domain')?.replace(/^\./, '').toLowerCase();
  if (domain !== undefined && domain !== '' && domain !== url.hostname) return undefined;
  if (name.startsWith('__Secure-') && !secure) return undefined;
  if (name.startsWith('__Host-') && !(secure && domain === undefined && attributes.get('path') === '/'))
    return undefined;

  const maxAge = attributes.get('max-age');
  const expires = attributes.get('expires');
  let expiresAtMs = Infinity;
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) expiresAtMs = nowMs + Number(maxAge) * 1_000;
  else if (expires !== undefined && !Number.isNaN(Date.parse(expires))) expiresAtMs = Date.parse(expires);

  const path = attributes.get('path');
  const directory = url.pathname.slice(0, Math.max(1, url.pathname.lastIndexOf('/')));
  return {
    name,
    value: pair.slice(equals + 1).trim(),
    path: path?.startsWith('/') ? path : directory,
    expiresAtMs,
  };
}

interface Form {
  readonly method: 'GET' | 'POST';
  readonly action: string | undefined;
  readonly fields: Record<string, string>;
  /** How many of the fields a person has to fill in. */
  readonly blanks: number;
  readonly buttons: readonly { readonly name?: string; readonly value?: string; readonly label: string }[];
}

/** The first form of a page. Made for plain pages: attributes in double quotes or bare, no script. */
function parseForm(html: string): Form | undefined {
  const [, attributes, content] = /<form\b([^>]*)>(.*?)<\/form>/is.exec(html) ?? [];
  if (attributes === undefined || content === undefined) return undefined;
  const form = readAttributes(attributes);
  const fields: Record<string, string> = {};
  const buttons: { name?: string; value?: string; label: string }[] = [];
  let blanks = 0;
  for (const [, tag, text, label = ''] of content.matchAll(
    /<(input|textarea|button)\b([^>]*)>(?:([^<]*)<\/(?:textarea|button)>)?/gi,
  )) {
    const { name, value, type = 'text', checked } = readAttributes(text ?? '');
    if (tag?.toLowerCase() === 'button' || type === 'submit') {
      buttons.push({
        ...(name && { name }),
        ...(value !== undefined && { value }),
        label: decode(label).trim() || (value ?? ''),
      });
      continue;
    }
    if (name === undefined || ((type === 'checkbox' || type === 'radio') && checked === undefined)) continue;
    fields[name] = value ?? decode(label);
    if (type !== 'hidden') blanks++;
  }
  const method = form['method']?.toUpperCase() === 'POST' ? 'POST' : 'GET';
  return { method, action: form['action'] || undefined, fields, blanks, buttons };
}

function readAttributes(text: string): Record<string, string | undefined> {
  const found = text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s"'>]+)))?/g);
  return Object.fromEntries(
    [...found].map(([, name = '', quoted, bare]) => [name.toLowerCase(), decode(quoted ?? bare ?? '')]),
  );
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/gi,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return entities[name ?? ''] ?? whole;
    },
  );
}

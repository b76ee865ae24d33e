import { request } from 'node:http';
import type { Account } from './network.ts';

/** Where a browser came to. */
export interface Arrived {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly text: string;
}

const api = '/@atproto/oauth-provider/~api';

/**
 * A person with a browser that has no window: what a PDS's own pages would send, sent by hand.
 *
 * It goes through `node:http`, because `fetch` cannot say that a request is a navigation.
 */
export class HttpPerson {
  readonly #cookies = new Map<string, Map<string, string>>();
  /** Every address that was visited, in order. */
  readonly visited: URL[] = [];

  readonly #user: string | undefined;

  /** @param user as whom they sign in to the MCP server itself, where it asks who they are. */
  constructor(user?: string) {
    this.#user = user;
  }

  /** Opens a link and goes wherever it leads. `stopBefore`: it does not go there, and says where that was. */
  async open(link: string, stopBefore?: (url: URL) => boolean): Promise<Arrived> {
    let page = await this.#follow(new URL(link), 'none', undefined, stopBefore);
    for (let pages = 0; pages < 3 && page.url.pathname.startsWith('/interaction/'); pages++) {
      const asksWho = page.html.includes('name="user"');
      page = await this.submit(page, asksWho ? { user: this.#user ?? '' } : { decision: 'allow' });
    }
    return page;
  }

  /** Opens a link of a login, and signs in and consents at the PDS. */
  async signIn(link: string, account: Account, stopBefore?: (url: URL) => boolean): Promise<Arrived> {
    return this.consent(await this.open(link), account, stopBefore);
  }

  /** Signs in and consents on the page of a PDS. @throws {Error} when it does not let them. */
  async consent(page: Arrived, account: Account, stopBefore?: (url: URL) => boolean): Promise<Arrived> {
    const { did, token } = await this.#signInAt(page, account);
    const { url } = await this.#post(page, 'consent', { did }, token);
    return this.#follow(new URL(String(url)), 'same-origin', page.url, stopBefore);
  }

  /** Opens a link of a login, and says no on the page of the PDS. */
  async deny(link: string): Promise<Arrived> {
    const page = await this.open(link);
    const { url } = await this.#post(page, 'reject', {});
    return this.#follow(new URL(String(url)), 'same-origin', page.url);
  }

  /** Whether the page of a PDS takes a password. */
  async isTaken(page: Arrived, account: Account): Promise<boolean> {
    return this.#signInAt(page, account).then(
      () => true,
      () => false,
    );
  }

  /** Sends the first form of a page of ours, with one of its buttons. */
  async submit(page: Arrived, fields: Readonly<Record<string, string>>): Promise<Arrived> {
    const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/gu)];
    const kept = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]));
    const body = new URLSearchParams({ ...kept, ...fields }).toString();
    const target = new URL(/<form[^>]* action="([^"]+)"/u.exec(page.html)?.[1] ?? '', page.url);
    const headers = {
      ...navigation('same-origin'),
      'content-type': 'application/x-www-form-urlencoded',
      origin: page.url.origin,
      referer: page.url.href,
    };
    const answer = await this.#ask(target, headers, body);
    const next = answer.location ?? departureOn(answer.text);
    if (next === undefined) return { url: page.url, status: answer.status, html: answer.text };
    return this.#follow(new URL(next, page.url), 'same-origin', page.url);
  }

  async #signInAt(
    page: Arrived,
    { handle, password }: Account,
  ): Promise<{ readonly did: string; readonly token: string }> {
    const signedIn = await this.#post(page, 'sign-in', {
      locale: 'en',
      username: handle,
      password,
      remember: false,
    });
    const { account, ephemeralToken } = signedIn as { account: { did: string }; ephemeralToken: string };
    return { did: account.did, token: ephemeralToken };
  }

  async #post(
    { url }: Arrived,
    what: string,
    body: object,
    token?: string,
  ): Promise<Record<string, unknown>> {
    const answer = await this.#ask(
      new URL(`${api}/${what}`, url),
      {
        'content-type': 'application/json',
        origin: url.origin,
        referer: url.href,
        'sec-fetch-mode': 'same-origin',
        'sec-fetch-site': 'same-origin',
        'sec-fetch-dest': 'empty',
        'x-csrf-token': this.#jarOf(url).get('csrf-token') ?? '',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      JSON.stringify(body),
    );
    if (answer.status !== 200) throw new Error(`${what}: ${answer.status} ${answer.text}`);
    return JSON.parse(answer.text) as Record<string, unknown>;
  }

  async #follow(
    start: URL,
    site: string,
    from?: URL,
    stopBefore: (url: URL) => boolean = () => false,
  ): Promise<Arrived> {
    let url = start;
    for (let hops = 0; hops < 10; hops++) {
      if (stopBefore(url)) return { url, status: 0, html: '' };
      this.visited.push(url);
      const headers = { ...navigation(site), ...(from && { referer: from.href }) };
      const answer = await this.#ask(url, headers);
      const next = answer.location ?? departureOn(answer.text);
      if (next === undefined) return { url, status: answer.status, html: answer.text };
      url = new URL(next, url);
    }
    throw new Error(`more than 10 redirects, the last one to ${url.origin}`);
  }

  #ask(url: URL, headers: Record<string, string>, body?: string): Promise<Answer> {
    const jar = this.#jarOf(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const all = {
      'user-agent': 'Mozilla/5.0 (scripted)',
      ...headers,
      ...(cookie !== '' && { cookie }),
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    };
    return new Promise((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const sent = request(url, { method, headers: all, timeout: 30_000 }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          for (const line of answer.headers['set-cookie'] ?? []) {
            const [pair = ''] = line.split(';');
            const at = pair.indexOf('=');
            jar.set(pair.slice(0, at), pair.slice(at + 1));
          }
          const status = answer.statusCode ?? 0;
          const isRedirect = status >= 300 && status < 400;
          resolve({ status, location: isRedirect ? answer.headers.location : undefined, text });
        });
      });
      sent.once('timeout', () => sent.destroy(new Error(`no answer from ${url.origin}`)));
      sent.once('error', reject);
      sent.end(body);
    });
  }

  #jarOf({ host }: URL): Map<string, string> {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }
}

function navigation(site: string): Record<string, string> {
  return {
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-user': '?1',
    'sec-fetch-site': site,
  };
}

/** Where a page sends the browser on to by itself, at once. */
function departureOn(html: string): string | undefined {
  const target = /http-equiv=["']?refresh["']?\s+content=["']0;\s*url=([^"']*)/iu.exec(html)?.[1];
  return target?.replaceAll('&amp;', '&');
}

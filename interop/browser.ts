import { request } from 'node:http';

/** A page that a browser came to. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly html: string;
}

interface Form {
  readonly action: string;
  readonly method: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly buttons: readonly { readonly name: string; readonly value: string; readonly words: string }[];
}

/**
 * A browser without a window or scripts, on loopback only: cookies, redirects, and the first form of a page.
 *
 * It goes through `node:http`, because `fetch` cannot say that a request is a navigation, which some servers look for.
 */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  open(url: string): Promise<Page> {
    return this.#navigate(new URL(url), undefined, 'none');
  }

  /** Sends a page's form. `choose` picks a button by its value and words; without one, the first is pressed. */
  submit(
    { url, html }: Page,
    answers: Readonly<Record<string, string>>,
    choose: (text: string) => boolean,
  ): Promise<Page> {
    const form = readForm(html);
    if (form === undefined) throw new Error(`there is no form on the page of ${url.origin}`);
    const data = new URLSearchParams([...form.fields]);
    for (const [name, value] of Object.entries(answers)) if (form.fields.has(name)) data.set(name, value);
    const button = form.buttons.find(({ value, words }) => choose(value) || choose(words)) ?? form.buttons[0];
    if (button !== undefined && button.name !== '') data.set(button.name, button.value);
    const target = new URL(form.action === '' ? url.href : form.action, url);
    if (form.method === 'post') return this.#navigate(target, { data, from: url }, 'same-origin');
    target.search = data.toString();
    return this.#navigate(target, undefined, 'same-origin');
  }

  async #navigate(
    start: URL,
    form: { data: URLSearchParams; from: URL } | undefined,
    site: string,
  ): Promise<Page> {
    let url = start;
    let body = form?.data.toString();
    for (let hops = 0; hops < 20; hops++) {
      if (!['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)) {
        throw new Error(`the browser visits loopback only, not ${url.hostname}`);
      }
      const answer = await this.#ask(url, body, form?.from, site);
      const next = answer.location ?? departureOn(answer.text);
      if (next === undefined) return { url, status: answer.status, html: answer.text };
      url = new URL(next, url);
      if (answer.location === undefined || (answer.status !== 307 && answer.status !== 308)) body = undefined;
    }
    throw new Error(`more than 20 redirects, the last one to ${url.origin}`);
  }

  #ask(
    url: URL,
    body: string | undefined,
    from: URL | undefined,
    site: string,
  ): Promise<{ status: number; location: string | undefined; text: string }> {
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const headers: Record<string, string> = {
      accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
      'user-agent': 'Mozilla/5.0 (scripted)',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-user': '?1',
      'sec-fetch-site': site,
      ...(jar.size > 0 && { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
      ...(body !== undefined && {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
        origin: (from ?? url).origin,
        referer: (from ?? url).href,
      }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(
        url,
        { method: body === undefined ? 'GET' : 'POST', headers, timeout: 30_000 },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8');
          answer.on('data', (chunk: string) => (text += chunk));
          answer.once('error', reject);
          answer.once('end', () => {
            for (const line of answer.headers['set-cookie'] ?? []) keepCookie(jar, line);
            const status = answer.statusCode ?? 0;
            const isRedirect = status >= 300 && status < 400;
            resolve({ status, location: isRedirect ? answer.headers.location : undefined, text });
          });
        },
      );
      sent.once('timeout', () => sent.destroy(new Error(`no answer from ${url.origin}${url.pathname}`)));
      sent.once('error', reject);
      sent.end(body);
    });
  }
}

function keepCookie(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, equals).trim();
  const isGone = attributes.some((attribute) => {
    const [key = '', value = ''] = attribute.trim().split('=');
    if (key.toLowerCase() === 'max-age') return Number(value) <= 0;
    return key.toLowerCase() === 'expires' && Date.parse(value) < Date.now();
  });
  if (isGone) jar.delete(name);
  else jar.set(name, pair.slice(equals + 1).trim());
}

/** Where a page sends the browser on to by itself, at once. */
function departureOn(html: string): string | undefined {
  const target = /http-equiv=["']?refresh["']?\s+content=["']0;\s*url=([^"']*)/iu.exec(html)?.[1];
  return target === undefined ? undefined : decode(target);
}

export function readForm(html: string): Form | undefined {
  const [, attributes = '', content] = /<form\b([^>]*)>(.*?)<\/form>/isu.exec(html) ?? [];
  if (content === undefined) return undefined;
  const { action = '', method = 'get' } = readAttributes(attributes);
  const fields = new Map<string, string>();
  const buttons: { name: string; value: string; words: string }[] = [];
  for (const [, input, tag = 'input', text = '', words = ''] of content.matchAll(
    /<input\b([^>]*)>|<(textarea|button|select)\b([^>]*)>(.*?)<\/(?:textarea|button|select)>/gisu,
  )) {
    const { name = '', value = '', type, checked } = readAttributes(input ?? text);
    const kind = type ?? (tag.toLowerCase() === 'button' ? 'submit' : 'text');
    if (kind === 'submit')
      buttons.push({ name, value, words: words.replace(/<[^>]*>/gu, '').trim() || value });
    else if (name !== '' && (!['checkbox', 'radio'].includes(kind) || checked !== undefined))
      fields.set(name, value);
  }
  return { action, method: method.toLowerCase(), fields, buttons };
}

function readAttributes(text: string): Record<string, string | undefined> {
  const found = text.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/gu);
  return Object.fromEntries(
    [...found].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      decode(double ?? single ?? bare ?? ''),
    ]),
  );
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function decode(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([\da-f]+)|([a-z]+));/giu,
    (whole, decimal?: string, hex?: string, name?: string) => {
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      return entities[name ?? ''] ?? whole;
    },
  );
}

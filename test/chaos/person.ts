import { plainRequest } from '../../demo/plain-request.ts';
import { ownNavigation } from '../support/own-navigation.ts';
import type { OperationLog } from './operation-log.ts';
import type { PersonPlan } from './schedule.ts';

/** Where hosts can be reached at this moment, beginning with one of them. */
export type FindHosts = (first: number) => readonly number[];

export interface PersonOptions {
  readonly ns: string;
  readonly id: string;
  readonly link: string;
  readonly plan: PersonPlan;
  /** When they give up, by the machine's clock. */
  readonly patienceMs: number;
  readonly findHosts: FindHosts;
  readonly log: OperationLog;
}

const requestMs = 3_000;
const pauseMs = 150;

/**
 * One person with one link, in a browser of their own.
 *
 * They decide as planned, and when a page fails they open the link again until it is over, as people do. What they
 * saw at the end is in the log: `ok` when a page said that they are signed in.
 */
export async function visit(options: PersonOptions): Promise<'signed in' | 'declined' | 'ended' | 'gave up'> {
  const { ns, id, log, plan, patienceMs } = options;
  const browser = new Browser(options);
  const deadline = performance.now() + patienceMs;
  let host = plan.host;
  let isBegun = false;
  while (performance.now() < deadline) {
    const { pathname } = new URL(options.link);
    const shown = await browser.open(pathname, host++);
    // Whoever was sent out before and has not come back is shown a button.
    const page =
      shown?.formToken === undefined ? shown : await browser.press(pathname, host++, shown.formToken);
    if (page?.status === 200 && page.location === undefined) {
      // Done by somebody else, who knows when: then it says nothing about what holds now.
      if (isBegun) log.say({ k: 'ok', op: 'login', id, ns });
      return 'signed in';
    }
    // Gone, declined, forbidden: nothing that a reload would change.
    if (page !== undefined && [403, 404, 410].includes(page.status)) {
      if (isBegun) log.say({ k: 'fail', op: 'login', id, ns, code: String(page.status) });
      return page.status === 410 || page.status === 403 ? 'declined' : 'ended';
    }
    const toServer = page?.location;
    if (toServer !== undefined) {
      const callback = await browser.consent(toServer);
      if (callback !== undefined) {
        if (!isBegun) log.say({ k: 'invoke', op: 'login', id, ns });
        isBegun = true;
        const where = `${callback.pathname}${callback.search}`;
        await Promise.all([
          browser.open(where, host++),
          ...(plan.isDoubled ? [browser.open(where, host++)] : []),
        ]);
        continue;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  if (isBegun) log.say({ k: 'fail', op: 'login', id, ns, code: 'gave up' });
  return 'gave up';
}

interface Page {
  readonly status: number;
  /** Where it sends the browser, by a redirect or by itself. */
  readonly location: string | undefined;
  /** Of a page that asks for a press of its button. */
  readonly formToken: string | undefined;
}

class Browser {
  readonly #options: PersonOptions;
  readonly #cookies: Map<string, string>;

  constructor(options: PersonOptions) {
    this.#options = options;
    this.#cookies = new Map([['chat-user', encodeURIComponent(options.ns)]]);
  }

  /** A page of the host, from whichever process answers: what a load balancer is for. */
  open(path: string, first: number): Promise<Page | undefined> {
    return this.#ask(path, first, 'GET');
  }

  /** Goes on from a page that asks for it. */
  press(path: string, first: number, formToken: string): Promise<Page | undefined> {
    const form = new URLSearchParams({ 'form-token': formToken, 'form-action': 'continue' });
    return this.#ask(path, first, 'POST', form.toString());
  }

  async #ask(path: string, first: number, method: string, body?: string): Promise<Page | undefined> {
    const [port] = this.#options.findHosts(first);
    if (port === undefined) return undefined;
    try {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = new Headers({ ...ownNavigation, cookie });
      if (body !== undefined) {
        headers.set('content-type', 'application/x-www-form-urlencoded');
        headers.set('sec-fetch-site', 'same-origin');
        headers.set('origin', 'null');
      }
      const url = new URL(`http://127.0.0.1:${port}${path}`);
      const response = await plainRequest(url, { method, headers, body, timeoutMs: requestMs });
      const html = await response.text();
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^(?<name>[^=]+)=(?<value>[^;]*)/u.exec(line) ?? [];
        this.#cookies.set(name, value);
      }
      const [, refresh] = /http-equiv="refresh" content="0;url=([^"]*)"/u.exec(html) ?? [];
      const [, formToken] = /name="form-token" value="([^"]*)"/u.exec(html) ?? [];
      return {
        status: response.status,
        location: response.headers.get('location') ?? refresh?.replaceAll('&amp;', '&'),
        formToken: response.status === 200 ? formToken : undefined,
      };
    } catch {
      // Killed, frozen, or just being started.
      return undefined;
    }
  }

  /** Decides at the authorization server. Returns where it sends the browser. */
  async consent(authorizeUrl: string): Promise<URL | undefined> {
    const { ns, plan } = this.#options;
    try {
      const response = await fetch(authorizeUrl, {
        headers: { 'x-person': encodeURIComponent(ns), 'x-decision': plan.decision },
        redirect: 'manual',
        signal: AbortSignal.timeout(requestMs),
      });
      await response.arrayBuffer();
      const location = response.headers.get('location');
      return location === null ? undefined : new URL(location);
    } catch {
      return undefined;
    }
  }
}

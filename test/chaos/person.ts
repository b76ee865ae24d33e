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
    const page = await browser.open(new URL(options.link).pathname, host++);
    if (page?.status === 200) {
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
  readonly location: string | undefined;
}

class Browser {
  readonly #options: PersonOptions;
  readonly #cookies: Map<string, string>;

  constructor(options: PersonOptions) {
    this.#options = options;
    this.#cookies = new Map([['chat-user', encodeURIComponent(options.ns)]]);
  }

  /** A page of the host, from whichever process answers: what a load balancer is for. */
  async open(path: string, first: number): Promise<Page | undefined> {
    const [port] = this.#options.findHosts(first);
    if (port === undefined) return undefined;
    try {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const headers = new Headers({ ...ownNavigation, cookie });
      const url = new URL(`http://127.0.0.1:${port}${path}`);
      const response = await plainRequest(url, { headers, timeoutMs: requestMs });
      await response.arrayBuffer();
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^(?<name>[^=]+)=(?<value>[^;]*)/u.exec(line) ?? [];
        this.#cookies.set(name, value);
      }
      return { status: response.status, location: response.headers.get('location') ?? undefined };
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

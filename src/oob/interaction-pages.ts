import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { hashId, randomId, type RandomBytes } from '../core/random.ts';
import type { Pending } from '../pending/pending.ts';
import type { PendingStore } from '../pending/pending-store.ts';
import type { Pendings } from '../pending/pendings.ts';
import { Routes } from '../pending/routes.ts';
import { BrowserCookie } from '../web/browser-cookie.ts';
import { FormRefusedError, readForm } from '../web/form-request.ts';
import type { VerifyUser } from '../web/verify-user.ts';
import type { Credentials } from './credentials.ts';
import { dataOf, type Flow, type FlowPendingData, type FlowVisit } from './flow.ts';
import { alreadyDonePage, brokenPage, endPage, failurePage, missingPage, seePage } from './oob-pages.ts';
import { enterPending } from './pending-manager.ts';

export interface InteractionPagesOptions {
  readonly pendings: Pendings<FlowPendingData>;
  readonly credentials: Credentials;
  readonly flowNamed: (name: string) => Flow | undefined;
  readonly verifyUser: VerifyUser | undefined;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly logger: Logger;
}

const connectPath = /\/connect\/(?<id>[\w-]{16,64})(?<rest>\/[\w/-]{0,64})?$/u;

/**
 * The pages of interactions, `/connect/<id>` and `/callback`, in any process.
 *
 * Who is at the browser is found out before anything else is: what a stranger sends changes nothing and is not read.
 */
export class InteractionPages {
  readonly #options: InteractionPagesOptions;

  constructor(options: InteractionPagesOptions) {
    this.#options = options;
  }

  async fetch(request: Request): Promise<Response> {
    try {
      const { pathname, searchParams } = new URL(request.url);
      const found = connectPath.exec(pathname)?.groups;
      const isCallback = found === undefined && pathname.endsWith('/callback');
      if (found === undefined && !isCallback) return await missingPage();
      const methods = isCallback ? ['GET'] : ['GET', 'POST'];
      if (!methods.includes(request.method)) {
        return new Response('Method not allowed', { status: 405, headers: { allow: methods.join(', ') } });
      }
      return await (isCallback
        ? this.#callback(request, searchParams)
        : this.#connect(request, found?.['id'] ?? '', found?.['rest'] ?? ''));
    } catch (error) {
      return this.#failure(error);
    }
  }

  /** @param pageUrl where the same may work when it is tried again. */
  #failure(error: unknown, pageUrl?: string): Promise<Response> {
    const known = findPosternError(error);
    const name = error instanceof Error ? error.name : typeof error;
    const isPersons = known?.facts.fixedBy === 'person';
    this.#options.logger[isPersons ? 'warn' : 'error']('an out-of-band page was not answered', {
      code: known?.code,
      error: name,
    });
    if (known === undefined) return brokenPage();
    if (known instanceof FormRefusedError)
      return failurePage(known.code, { status: known.status, retry: pageUrl });
    return failurePage(known.code, { retry: known.facts.retry ? pageUrl : undefined });
  }

  /** A third party's redirect: its state says which pending it belongs to. */
  async #callback(request: Request, params: URLSearchParams): Promise<Response> {
    const [state, ...more] = params.getAll('state');
    if (state === undefined || state === '' || state.length > 512 || more.length > 0) {
      return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    }
    const store = await this.#options.pendings.locate(state);
    const entry = await store?.storage.get('oob-state', await hashId(state));
    if (entry === undefined) return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    return this.#connect(request, new TextDecoder().decode(entry.value), '/callback');
  }

  async #connect(request: Request, id: string, rest: string): Promise<Response> {
    const { pendings, credentials, publicUrl, clock } = this.#options;
    const store = await pendings.locate(id);
    if (store === undefined) return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    const pending = await store.get(id);
    if (pending === undefined) {
      return rest === '/status' ? statusReply('expired') : failurePage('ERR_POSTERN_PENDING_EXPIRED');
    }
    const refusal = await this.#verify(request, pending);
    if (refusal !== undefined) return refusal;
    if (rest === '/status') return statusReply(pending.status);
    if (pending.status !== 'pending') return request.method === 'POST' ? alreadyDonePage() : endPage(pending);
    const flow = this.#flowOf(pending);
    const cookie = new BrowserCookie(await hashId(id), publicUrl.startsWith('https:'));
    const bound = await cookie.bind(request, pending.expiresAtMs - clock());
    credentials.watch(pending);
    const visit = this.#visit({
      request,
      store,
      pending,
      rest,
      cookie,
      formToken: bound.formToken,
      browser: bound.hash,
    });
    const response = await enterPending(pending, async () => flow.visit(visit)).catch((error: unknown) =>
      this.#failure(error, pending.url),
    );
    const headers = new Headers(response.headers);
    headers.append('set-cookie', bound.setCookie);
    return new Response(response.body, { status: response.status, headers });
  }

  #flowOf(pending: Pending<FlowPendingData>): Flow {
    const { flow: name } = dataOf(pending);
    const flow = this.#options.flowNamed(name);
    if (flow !== undefined) return flow;
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `no flow ${JSON.stringify(name)} in this process`,
      {
        hint: 'Register the same flows in every process that serves pages.',
      },
    );
  }

  #visit(at: {
    request: Request;
    store: PendingStore<FlowPendingData>;
    pending: Pending<FlowPendingData>;
    rest: string;
    cookie: BrowserCookie;
    formToken: string;
    browser: string;
  }): FlowVisit {
    const { request, store, pending, rest, cookie, formToken } = at;
    const { credentials, publicUrl } = this.#options;
    return {
      request,
      pending,
      rest,
      formToken,
      pageUrl: pending.url,
      statusUrl: `${pending.url}/status`,
      callbackUrl: `${publicUrl}/callback`,
      readForm: async () => {
        const form = await readForm(request, new URL(publicUrl).origin);
        if (await cookie.tookForm(request, form.get('form-token'))) return form;
        throw new FormRefusedError(403, 'does not carry the token of this browser');
      },
      bindState: async () => ({ state: await this.#routeState(store, pending), browser: at.browser }),
      isSameBrowser: (browser) => cookie.matches(request, browser),
      finish: async (credential, scopes) => {
        const kept = await credentials.finish(pending, credential, scopes);
        // What came late was kept, and the page of the link would say that it has expired.
        return kept === 'late' ? endPage({ status: 'completed' }) : seePage(pending.url);
      },
      cancel: () => credentials.end(pending, 'ERR_POSTERN_AUTH_DENIED'),
      fail: (code) => credentials.end(pending, code),
      update: (change) => credentials.update(pending, change),
      ended: (timeoutMs) => credentials.wait(pending, { timeoutMs }),
    };
  }

  async #routeState(
    { storage, namespace }: PendingStore<FlowPendingData>,
    pending: Pending,
  ): Promise<string> {
    const { expiresAtMs } = pending;
    const state = randomId(this.#options.random);
    await new Routes(storage.backend).add(state, namespace.partition, expiresAtMs);
    // As long as the pending's end is remembered: a late duplicate is told how it ended.
    await storage.commit([
      {
        put: storage.key(['oob-state', await hashId(state)]),
        value: new TextEncoder().encode(pending.id),
        expiresAtMs: expiresAtMs + afterlifeMs,
      },
    ]);
    return state;
  }

  async #verify(request: Request, pending: Pending<FlowPendingData>): Promise<Response | undefined> {
    const { verifyUser, logger } = this.#options;
    if (verifyUser === undefined) return undefined;
    const user = await verifyUser(request);
    if (user instanceof Response) return user;
    if (user === undefined || user === '') return failurePage('ERR_POSTERN_AUTH_REQUIRED');
    if (user === pending.initiator) return undefined;
    logger.warn('an out-of-band link was opened by another user than the one it was made for', {
      namespace: pending.namespace.id,
    });
    return failurePage('ERR_POSTERN_AUTH_WRONG_USER');
  }
}

const afterlifeMs = 24 * 60 * 60_000;

/** For the script of a page that waits. */
function statusReply(status: string): Response {
  return Response.json(
    { status },
    { headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
  );
}

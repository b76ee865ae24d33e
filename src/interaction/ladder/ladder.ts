import type { PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import type { Pending } from '../../pending/pending.ts';
import type { PendingStore } from '../../pending/pending-store.ts';
import type { Stored } from '../../storage/collection.ts';
import { BrowserCookie } from '../../web/browser-cookie.ts';
import { isOwnNavigation } from '../../web/own-navigation.ts';
import { FormRefusedError, formId, readForm } from '../../web/form-request.ts';
import { enterPending } from '../enter-pending.ts';
import type { FlowVisit, InteractionData } from '../flow.ts';
import { isEnded } from '../is-ended.ts';
import {
  alreadyDonePage,
  brokenPage,
  elsewherePage,
  endPage,
  failurePage,
  missingPage,
} from '../pages/pages.ts';
import { findAnswer, standingOf, stateOf } from './answers.ts';
import { Attempts, type Attempt } from './attempts.ts';
import { metadataDocument } from './client-metadata.ts';
import { EndingForms } from './ending-forms.ts';
import type { LadderHost } from './ladder-host.ts';
import { readPastedAddress } from './pasted-address.ts';
import { methodsOf, readPath } from './paths.ts';
import { createVisit, type Pasted } from './visit.ts';

/** How long a second request for an attempt that is being finished waits for it. */
const joinMs = 10_000;

/**
 * The way of the browser, once for every flow: path, pending, person, browser, attempt.
 *
 * Every rung reads before any rung writes: a request that fails on one changes nothing, and what a stranger sends is not
 * even read. Only a genuine answer, to an attempt that is still open, from the person and the browser that were sent out,
 * comes to the flow. In any process.
 */
export class Ladder {
  readonly #host: LadderHost;

  constructor(host: LadderHost) {
    this.#host = host;
  }

  async fetch(request: Request): Promise<Response> {
    try {
      const { pathname, searchParams } = new URL(request.url);
      const at = readPath(pathname, this.#host.gate.baseUrl);
      if (at === undefined) return await missingPage();
      const methods = methodsOf[at.page];
      if (!methods.includes(request.method)) {
        return new Response('Method not allowed', { status: 405, headers: { allow: methods.join(', ') } });
      }
      switch (at.page) {
        case 'client-metadata':
          return (await metadataDocument(this.#host.gate)) ?? (await missingPage());
        case 'callback':
          return await this.#callback(request, searchParams);
        case 'link':
          return await this.#link(request, at.id, at.rest);
        case 'status':
          return await this.#status(request, at.id);
      }
    } catch (error) {
      return this.#failure(error);
    }
  }

  async #link(request: Request, id: string, rest: string): Promise<Response> {
    const { pendings } = this.#host;
    const store = await pendings.locate(id);
    const pending = await pendings.orUnknown(async () => store?.get(id));
    const refusal = await this.#refuse(request, pending, 'ERR_POSTERN_PENDING_NOT_FOUND');
    if (refusal !== undefined) return refusal;
    if (store === undefined || pending === undefined) return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    if (pending.status !== 'pending') {
      const isForm = request.method === 'POST';
      const sent = isForm ? await this.#readForm(request).then(formId, () => undefined) : undefined;
      const page = isForm ? await this.#formAfterEnd(store, pending, sent) : await endPage(pending);
      return (await this.#cookieOf(pending)).cleared(request, page);
    }
    return this.#visit({ request, store, pending, rest });
  }

  /** For the script of a page that waits. */
  async #status(request: Request, id: string): Promise<Response> {
    const { pendings } = this.#host;
    const store = await pendings.locate(id);
    const pending = await pendings.orUnknown(async () => store?.get(id));
    const refusal = await this.#refuse(request, pending, 'ERR_POSTERN_PENDING_NOT_FOUND');
    if (refusal !== undefined) return refusal;
    if (pending === undefined) return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    // Whoever did its background work may be gone, and nobody else may be waiting.
    this.#host.attend(pending);
    return Response.json(
      { status: pending.status },
      { headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
    );
  }

  /** A third party's redirect: its state says which attempt it answers. */
  async #callback(request: Request, params: URLSearchParams): Promise<Response> {
    const state = stateOf(params);
    if (state === undefined) return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    const found = await findAnswer(this.#host, state);
    const refusal = await this.#refuse(request, found?.pending, 'ERR_POSTERN_AUTH_STATE_UNKNOWN');
    if (refusal !== undefined) return refusal;
    if (found === undefined) return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    const { store, pending, attempt } = found;
    const cookie = await this.#cookieOf(pending);
    const standing = await standingOf(found, params, (browser) => cookie.matches(request, browser));
    switch (standing.is) {
      case 'open':
        return this.#visit({ request, store, pending, rest: '', attempt, params });
      case 'over': {
        const isDone = pending.status === 'completed' || pending.status === 'pending';
        const page = await (isDone ? alreadyDonePage('ERR_POSTERN_AUTH_STATE_USED') : endPage(pending));
        return cookie.cleared(request, page);
      }
      case 'of another browser':
        this.#warnOfBrowser(pending);
        return failurePage('ERR_POSTERN_AUTH_BROWSER_MISMATCH', { retry: pending.url });
      case 'taken':
        return this.#join(pending, attempt);
      case 'failed':
        return failurePage(standing.failure, { retry: pending.url });
      case 'ambiguous':
        return failurePage('ERR_POSTERN_AUTH_CALLBACK_INVALID', { retry: pending.url });
    }
  }

  /** What a person has copied out of their browser onto the page of its link: held to what a callback is held to. */
  async #paste(
    request: Request,
    pending: Pending<InteractionData>,
    text: string,
    onEnd: () => void,
  ): Promise<Pasted> {
    const params = readPastedAddress(text);
    if (typeof params === 'string') return { problem: params };
    const state = stateOf(params);
    if (state === undefined) return { problem: 'unreadable' };
    const found = await findAnswer(this.#host, state);
    // Somebody else's says no more than one that nobody gave out.
    if (found?.pending.id !== pending.id) return { problem: 'foreign' };
    const { attempt } = found;
    const cookie = await this.#cookieOf(pending);
    const standing = await standingOf(found, params, (browser) => cookie.matches(request, browser));
    switch (standing.is) {
      case 'open':
        return { attempt, params };
      case 'over':
      case 'taken':
        return { response: await this.#join(pending, attempt, onEnd) };
      case 'of another browser':
        this.#warnOfBrowser(pending);
        return { problem: 'of another browser' };
      case 'failed':
        return { problem: 'used' };
      case 'ambiguous':
        return { problem: 'unreadable' };
    }
  }

  #warnOfBrowser({ namespace }: Pending): void {
    this.#host.surroundings.logger.warn(
      'an answer came from another browser than the one that was sent out',
      { namespace: namespace.id },
    );
  }

  async #visit(at: {
    request: Request;
    store: PendingStore<InteractionData>;
    pending: Pending<InteractionData>;
    rest: string;
    attempt?: Stored<Attempt>;
    params?: URLSearchParams;
  }): Promise<Response> {
    const { request, pending } = at;
    const { surroundings, gate } = this.#host;
    const flow = this.#host.flowNamed(pending.data?.flow ?? '');
    if (flow === undefined) {
      surroundings.logger.error('a page belongs to a flow that this process does not know', {
        flow: pending.data?.flow,
      });
      return elsewherePage();
    }
    const cookie = await this.#cookieOf(pending);
    const bound = await cookie.bind(request, pending.expiresAtMs - (await surroundings.now()));
    // What only looks, as previews and scanners do, does not come to own a link: its person opens it, or sends its form.
    const opens = isOwnNavigation(request) || (await cookie.matches(request, bound.hash));
    if (gate.firstBrowserOwns && !(await this.#owns(at.store, pending, bound.hash, opens))) {
      return failurePage('ERR_POSTERN_AUTH_BROWSER_MISMATCH');
    }
    this.#host.attend(pending);
    let hasEnded = false;
    const onEnd = (): void => void (hasEnded = true);
    const endingForms = new EndingForms(at.store.storage);
    let sent: string | undefined;
    const visit: FlowVisit = createVisit(this.#host, {
      ...at,
      attempts: new Attempts(surroundings, at.store.storage),
      formToken: bound.formToken,
      readForm: async () => {
        const form = await this.#readForm(request);
        if (!(await cookie.tookForm(request, form.get('form-token'))))
          throw new FormRefusedError(403, 'does not carry the token of this browser');
        sent = await formId(form);
        return form;
      },
      endingForm: async () => (sent === undefined ? [] : [await endingForms.remembering(pending, sent)]),
      browser: bound.hash,
      join: (attempt) => this.#join(pending, attempt, onEnd),
      paste: (text) => this.#paste(request, pending, text, onEnd),
      onEnd,
    });
    const response = await enterPending(pending, async () => flow.visit(visit)).catch((error: unknown) => {
      if (!isEnded(error)) return this.#failure(error, pending.url);
      onEnd();
      return sent === undefined
        ? this.#failure(error, pending.url)
        : this.#formAfterEnd(at.store, pending, sent);
    });
    // Nobody needs it after the end, and a browser that kept them all would send too many.
    if (hasEnded) return cookie.cleared(request, response);
    const headers = new Headers(response.headers);
    headers.append('set-cookie', bound.setCookie);
    return new Response(response.body, { status: response.status, headers });
  }

  /** What was sent from a page of ours. */
  #readForm(request: Request): Promise<URLSearchParams> {
    return readForm(request, new URL(this.#host.gate.baseUrl).origin);
  }

  /** The form that ended the interaction, sent again, is told how it ended. Any other was not used, and is told that. */
  async #formAfterEnd(
    store: PendingStore<InteractionData>,
    { id }: Pending,
    sent: string | undefined,
  ): Promise<Response> {
    const ended = await store.get(id);
    if (ended === undefined) return endPage({ status: 'expired' });
    const isExpired = ended.status === 'expired';
    if (sent !== undefined && (await new EndingForms(store.storage).has(ended, sent))) {
      // What came late was kept all the same.
      return endPage(isExpired ? { ...ended, status: 'completed' } : ended);
    }
    return isExpired ? endPage(ended) : alreadyDonePage();
  }

  /** Whether no other browser has opened the link before. */
  async #owns(
    { storage }: PendingStore<InteractionData>,
    { id, expiresAtMs }: Pending,
    browser: string,
    opens: boolean,
  ): Promise<boolean> {
    const key = storage.key(['link-owner', await hashId(id)]);
    const value = new TextEncoder().encode(browser);
    const change = { put: key, value, expiresAtMs, expect: 'absent' };
    if (opens && (await storage.commit([change])) !== undefined) return true;
    const owner = await storage.backend.get(key);
    return owner === undefined || new TextDecoder().decode(owner.value) === browser;
  }

  /** Somebody is finishing this attempt, or died while doing so. */
  async #join(
    pending: Pending<InteractionData>,
    attempt?: Stored<Attempt>,
    onEnd: () => void = () => {},
  ): Promise<Response> {
    const { leaseMs, surroundings } = this.#host;
    const now = await surroundings.now();
    const leftMs = (attempt?.value.takenAtMs ?? now) + leaseMs - now;
    const ended =
      leftMs > 0 ? await this.#host.wait(pending, { timeoutMs: Math.min(joinMs, leftMs) }) : undefined;
    // The code may have been sent, so it is not sent again: the link starts a fresh attempt.
    if (ended === undefined) return failurePage('ERR_POSTERN_AUTH_STATE_USED', { retry: pending.url });
    onEnd();
    return ended.status === 'completed' ? alreadyDonePage('ERR_POSTERN_AUTH_STATE_USED') : endPage(ended);
  }

  /**
   * `undefined` when the right person is at the browser, or nobody can be a wrong one.
   *
   * Whoever is not learns nothing: the answer is the same for an id that lives, has ended, or never was.
   *
   * @param unknown what is said of an id that nobody gave out.
   */
  async #refuse(
    request: Request,
    pending: Pending | undefined,
    unknown: PosternErrorCode,
  ): Promise<Response | undefined> {
    const verdict = await this.#host.gate.whoIsThere(request, pending);
    switch (verdict.is) {
      case 'initiator':
        return undefined;
      case 'answered':
        return verdict.response;
      case 'nobody':
        return failurePage('ERR_POSTERN_AUTH_REQUIRED');
      case 'stranger':
        return failurePage(unknown);
    }
  }

  /** @param retry where the same may work when it is tried again. */
  #failure(error: unknown, retry?: string): Promise<Response> {
    const known = findPosternError(error);
    const name = error instanceof Error ? error.name : typeof error;
    const isPersons = known?.facts.fixedBy === 'person';
    this.#host.surroundings.logger[isPersons ? 'warn' : 'error']('a page was not answered', {
      code: known?.code,
      error: name,
    });
    if (known === undefined) return brokenPage();
    if (known instanceof FormRefusedError) return failurePage(known.code, { status: known.status, retry });
    return failurePage(known.code, { retry: known.facts.retry ? retry : undefined });
  }

  async #cookieOf(pending: Pending): Promise<BrowserCookie> {
    return new BrowserCookie(await hashId(pending.id), this.#host.gate.baseUrl.startsWith('https:'));
  }
}

import type { PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError } from '../../core/postern-error.ts';
import { hashId } from '../../core/random.ts';
import type { Pending } from '../../pending/pending.ts';
import type { PendingStore } from '../../pending/pending-store.ts';
import type { Stored } from '../../storage/collection.ts';
import { BrowserCookie } from '../../web/browser-cookie.ts';
import { isOwnNavigation } from '../../web/own-navigation.ts';
import { FormRefusedError, formId, readForm } from '../../web/form-request.ts';
import { isResponse } from '../../web/is-response.ts';
import { unreadableFields } from '../../storage/unreadable.ts';
import { enterPending } from '../enter-pending.ts';
import type { FlowVisit, InteractionData } from '../flow.ts';
import { isEnded, unlessEnded } from '../is-ended.ts';
import { Pages } from '../pages/pages.ts';
import { Inbox } from '../inbox/inbox.ts';
import { inboxUrlOf } from '../inbox/inbox-url.ts';
import { findAnswer, standingOf, stateOf } from './answers.ts';
import { Attempts, type Attempt } from './attempts.ts';
import { metadataDocument } from './client-metadata.ts';
import { EndingForms } from './ending-forms.ts';
import type { LadderHost } from './ladder-host.ts';
import { LinkOwners } from './link-owners.ts';
import { endLink, ownedPage } from './owned-page.ts';
import { readPastedAddress } from './pasted-address.ts';
import { methodsOf, readPath } from './paths.ts';
import { createVisit, type Pasted } from './visit.ts';

/** Who has sent a request, as yet unknown, and the pages for their browser. */
interface Caller {
  readonly request: Request;
  readonly pages: Pages;
}

/** A caller who may come through, and what to call them. */
interface Admitted extends Caller {
  readonly person: string | undefined;
}

/** What is known of a link that another browser owns, and of the browser that asks. */
interface OwnedElsewhere {
  readonly cookie: BrowserCookie;
  readonly bound: { readonly setCookie: string; readonly formToken: string };
  readonly openedAtMs: number | undefined;
  readonly nowMs: number;
}

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
    const pages = Pages.for(this.#host.gate.look, request, inboxUrlOf(this.#host.gate));
    try {
      const { pathname, searchParams } = new URL(request.url);
      const at = readPath(pathname, this.#host.gate.baseUrl);
      if (at === undefined) return await pages.missing();
      const methods = methodsOf[at.page];
      if (!methods.includes(request.method)) {
        return new Response('Method not allowed', { status: 405, headers: { allow: methods.join(', ') } });
      }
      switch (at.page) {
        case 'client-metadata':
          return (await metadataDocument(this.#host.gate)) ?? (await pages.missing());
        case 'inbox':
          return await new Inbox(this.#host).fetch(request, pages);
        case 'callback':
          return await this.#callback({ request, pages }, searchParams);
        case 'link':
          return await this.#link({ request, pages }, at.id, at.rest);
        case 'status':
          return await this.#status({ request, pages }, at.id);
      }
    } catch (error) {
      return this.#failure(pages, error);
    }
  }

  async #link(caller: Caller, id: string, rest: string): Promise<Response> {
    const { pendings } = this.#host;
    const store = await pendings.locate(id);
    const pending = await pendings.orUnknown(async () => store?.get(id));
    const admitted = await this.#admit(caller, pending, 'ERR_POSTERN_PENDING_NOT_FOUND');
    if (isResponse(admitted)) return admitted;
    const { request, pages } = caller;
    if (store === undefined || pending === undefined) return pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
    if (pending.status !== 'pending') {
      const isForm = request.method === 'POST';
      const sent = isForm ? await this.#readForm(request).then(formId, () => undefined) : undefined;
      const page = isForm ? await this.#formAfterEnd(pages, store, pending, sent) : await pages.end(pending);
      return (await this.#cookieOf(pending)).cleared(request, page);
    }
    return this.#visit({ ...admitted, store, pending, rest });
  }

  /** For the script of a page that waits. */
  async #status(caller: Caller, id: string): Promise<Response> {
    const { pendings } = this.#host;
    const store = await pendings.locate(id);
    const pending = await pendings.orUnknown(async () => store?.get(id));
    const admitted = await this.#admit(caller, pending, 'ERR_POSTERN_PENDING_NOT_FOUND');
    if (isResponse(admitted)) return admitted;
    if (pending === undefined) return caller.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
    // Whoever did its background work may be gone, and nobody else may be waiting.
    this.#host.attend(pending);
    return Response.json(
      { status: pending.status },
      { headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } },
    );
  }

  /** A third party's redirect: its state says which attempt it answers. */
  async #callback(caller: Caller, params: URLSearchParams): Promise<Response> {
    const { request, pages } = caller;
    const state = stateOf(params);
    if (state === undefined) return pages.failure('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    const found = await findAnswer(this.#host, state);
    const admitted = await this.#admit(caller, found?.pending, 'ERR_POSTERN_AUTH_STATE_UNKNOWN');
    if (isResponse(admitted)) return admitted;
    if (found === undefined) return pages.failure('ERR_POSTERN_AUTH_STATE_UNKNOWN');
    const { store, pending, attempt } = found;
    const cookie = await this.#cookieOf(pending);
    const standing = await standingOf(found, params, (browser) => cookie.matches(request, browser));
    switch (standing.is) {
      case 'open':
        return this.#visit({ ...admitted, store, pending, rest: '', attempt, params });
      case 'over': {
        const isDone = pending.status === 'completed' || pending.status === 'pending';
        const page = await (isDone ? pages.alreadyDone('ERR_POSTERN_AUTH_STATE_USED') : pages.end(pending));
        return cookie.cleared(request, page);
      }
      case 'of another browser':
        this.#warnOfBrowser(pending);
        return pages.failure('ERR_POSTERN_AUTH_BROWSER_MISMATCH', { retry: pending.url });
      case 'taken':
        return this.#join(pages, pending, attempt);
      case 'failed':
        return pages.failure(standing.failure, { retry: pending.url });
      case 'ambiguous':
        return pages.failure('ERR_POSTERN_AUTH_CALLBACK_INVALID', { retry: pending.url });
    }
  }

  /** What a person has copied out of their browser onto the page of its link: held to what a callback is held to. */
  async #paste(
    { request, pages }: Caller,
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
        return { response: await this.#join(pages, pending, attempt, onEnd) };
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

  async #visit(
    at: Admitted & {
      store: PendingStore<InteractionData>;
      pending: Pending<InteractionData>;
      rest: string;
      attempt?: Stored<Attempt>;
      params?: URLSearchParams;
    },
  ): Promise<Response> {
    const { request, pending, person } = at;
    const { surroundings, gate } = this.#host;
    const { initiator, expiresAtMs, data } = pending;
    const pages = at.pages.about({
      asked: data?.request ?? { resource: pending.resource ?? '', alias: 'default', scopes: [] },
      initiator,
      expiresAtMs,
      person,
      atMachine: gate.firstBrowserOwns,
      clock: surroundings.storeClock,
    });
    const flow = this.#host.flowNamed(pending.data?.flow ?? '');
    if (flow === undefined) {
      surroundings.logger.error('a page belongs to a flow that this process does not know', {
        flow: pending.data?.flow,
      });
      return pages.elsewhere();
    }
    const cookie = await this.#cookieOf(pending);
    const bound = await cookie.bind(request, pending.expiresAtMs - (await surroundings.now()));
    // What only looks, as previews and scanners do, does not come to own a link: its person opens it, or sends its form.
    const opens = isOwnNavigation(request) || (await cookie.matches(request, bound.hash));
    if (gate.firstBrowserOwns) {
      const nowMs = await surroundings.now();
      const owner = await new LinkOwners(at.store.storage).owner(pending, bound.hash, { opens, nowMs });
      if (owner !== undefined && owner.browser !== bound.hash) {
        const { openedAtMs } = owner;
        return this.#ofAnotherBrowser({ request, pages }, pending, { cookie, bound, openedAtMs, nowMs });
      }
    }
    this.#host.attend(pending);
    let hasEnded = false;
    const onEnd = (): void => void (hasEnded = true);
    const endingForms = new EndingForms(at.store.storage);
    let sent: string | undefined;
    const visit: FlowVisit = createVisit(this.#host, {
      ...at,
      pages,
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
      join: (attempt) => this.#join(pages, pending, attempt, onEnd),
      paste: (text) => this.#paste({ request, pages }, pending, text, onEnd),
      onEnd,
    });
    const response = await enterPending(pending, async () => flow.visit(visit)).catch((error: unknown) => {
      if (!isEnded(error)) return this.#failure(pages, error, pending.url);
      onEnd();
      return sent === undefined
        ? this.#failure(pages, error, pending.url)
        : this.#formAfterEnd(pages, at.store, pending, sent);
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
    pages: Pages,
    store: PendingStore<InteractionData>,
    { id }: Pending,
    sent: string | undefined,
  ): Promise<Response> {
    const ended = await store.get(id);
    if (ended === undefined) return pages.end({ status: 'expired' });
    const isExpired = ended.status === 'expired';
    if (sent !== undefined && (await new EndingForms(store.storage).has(ended, sent))) {
      // What came late was kept all the same.
      return pages.end(isExpired ? { ...ended, status: 'completed' } : ended);
    }
    return isExpired ? pages.end(ended) : pages.alreadyDone();
  }

  /** A link that another browser owns: nothing of it is shown, and it can be ended for a new one. */
  async #ofAnotherBrowser(
    { request, pages }: Caller,
    pending: Pending<InteractionData>,
    { cookie, bound, openedAtMs, nowMs }: OwnedElsewhere,
  ): Promise<Response> {
    if (request.method === 'POST') {
      const form = await this.#readForm(request);
      const isOurs = await cookie.tookForm(request, form.get('form-token'));
      if (isOurs && form.get('form-action') === endLink) {
        await unlessEnded(this.#host.end(pending, 'ERR_POSTERN_PENDING_SUPERSEDED'));
        this.#host.surroundings.logger.warn('a link was ended in another browser than the one that owns it', {
          namespace: pending.namespace.id,
        });
        return cookie.cleared(
          request,
          await pages.done(pages.say('owned.endedTitle'), pages.say('owned.endedText')),
        );
      }
    }
    const { expiresAtMs } = pending;
    const response = await ownedPage(pages, { formToken: bound.formToken, openedAtMs, expiresAtMs, nowMs });
    response.headers.append('set-cookie', bound.setCookie);
    return response;
  }

  /** Somebody is finishing this attempt, or died while doing so. */
  async #join(
    pages: Pages,
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
    if (ended === undefined) return pages.failure('ERR_POSTERN_AUTH_STATE_USED', { retry: pending.url });
    onEnd();
    return ended.status === 'completed' ? pages.alreadyDone('ERR_POSTERN_AUTH_STATE_USED') : pages.end(ended);
  }

  /**
   * Who is there, when that is the right person, or nobody can be a wrong one; else what to answer.
   *
   * Whoever is not learns nothing: the answer is the same for an id that lives, has ended, or never was.
   *
   * @param unknown what is said of an id that nobody gave out.
   */
  async #admit(
    caller: Caller,
    pending: Pending | undefined,
    unknown: PosternErrorCode,
  ): Promise<Admitted | Response> {
    const verdict = await this.#host.gate.whoIsThere(caller.request, pending);
    switch (verdict.is) {
      case 'initiator':
        return { ...caller, person: verdict.person };
      case 'answered':
        return verdict.response;
      case 'nobody':
        return caller.pages.failure('ERR_POSTERN_AUTH_REQUIRED');
      case 'stranger':
        return caller.pages.failure(unknown);
    }
  }

  /** @param retry where the same may work when it is tried again. */
  #failure(pages: Pages, error: unknown, retry?: string): Promise<Response> {
    const known = findPosternError(error);
    const name = error instanceof Error ? error.name : typeof error;
    const isPersons = known?.facts.fixedBy === 'person';
    this.#host.surroundings.logger[isPersons ? 'warn' : 'error']('a page was not answered', {
      ...(known && unreadableFields(known)),
      error: name,
    });
    if (known === undefined) return pages.broken();
    if (known instanceof FormRefusedError) return pages.failure(known.code, { status: known.status, retry });
    return pages.failure(known.code, { retry: known.facts.retry ? retry : undefined });
  }

  async #cookieOf(pending: Pending): Promise<BrowserCookie> {
    return new BrowserCookie(await hashId(pending.id), this.#host.gate.baseUrl.startsWith('https:'));
  }
}

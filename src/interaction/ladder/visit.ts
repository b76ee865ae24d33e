import { levelOfEnd } from '../../core/level-of-end.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { serverWordOf } from '../../oauth/server-word.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Stored } from '../../storage/collection.ts';
import type { Change } from '../../storage/contract.ts';
import { isOwnNavigation } from '../../web/own-navigation.ts';
import { dataOf, type Answer, type FlowVisit, type InteractionData } from '../flow.ts';
import { isEnded } from '../is-ended.ts';
import { seePage, type Pages } from '../pages/pages.ts';
import type { Attempt, Attempts } from './attempts.ts';
import type { LadderHost } from './ladder-host.ts';
import type { PasteProblem } from './pasted-address.ts';

/** What came of a pasted address: an answer that may be carried on, why it is none, or what to tell the browser at once. */
export type Pasted =
  | { readonly attempt: Stored<Attempt>; readonly params: URLSearchParams }
  | { readonly problem: PasteProblem }
  | { readonly response: Response };

/** A browser that has come up the ladder. */
export interface Arrival {
  readonly request: Request;
  readonly pending: Pending<InteractionData>;
  readonly rest: string;
  readonly attempts: Attempts;
  readonly pages: Pages;
  /** Set when it is back from a third party: open, and answered by these parameters. */
  readonly attempt?: Stored<Attempt> | undefined;
  readonly params?: URLSearchParams | undefined;
  readonly formToken: string;
  readonly readForm: () => Promise<URLSearchParams>;
  /** The change that remembers which form ends the interaction, once one was read. */
  readonly endingForm: () => Promise<readonly Change[]>;
  readonly browser: string;
  /** Set when no browser asks, but somebody who carries the addresses. */
  readonly isByHand?: boolean | undefined;
  /** What to answer while another request finishes the attempt. */
  readonly join: (attempt?: Stored<Attempt>) => Promise<Response>;
  readonly paste: (text: string) => Promise<Pasted>;
  /** Called when the interaction has ended by this visit. */
  readonly onEnd: () => void;
  /** Called with where the visit goes out to. */
  readonly onDeparture?: ((url: string) => void) | undefined;
  /** Called with why carrying it on did not succeed. */
  readonly onFailure?: ((error: PosternError) => void) | undefined;
}

/** What a flow is given of an arrival. */
export function createVisit(host: LadderHost, arrival: Arrival): FlowVisit {
  const { request, pending, rest, attempts, pages, params, endingForm } = arrival;
  const { gate, surroundings } = host;
  const ownNavigation = isOwnNavigation(request);
  let { attempt } = arrival;
  const answerTo = (stored: Stored<Attempt>, brought: URLSearchParams): Answer => ({
    attempt: stored.value.data,
    params: brought,
    take: async () => void (attempt = await attempts.take(stored)),
  });
  return {
    request,
    pending,
    clock: surroundings.storeClock,
    rest,
    pages,
    formToken: arrival.formToken,
    pageUrl: pending.url,
    statusUrl: `${pending.url}/status`,
    callbackUrl: `${gate.baseUrl}/callback`,
    isOwnNavigation: ownNavigation,
    answer: attempt && params && answerTo(attempt, params),
    readForm: arrival.readForm,
    paste: async (text) => {
      const pasted = await arrival.paste(text);
      if (!('attempt' in pasted)) return pasted;
      attempt = pasted.attempt;
      return { answer: answerTo(pasted.attempt, pasted.params) };
    },
    assertMayGoOut: () => attempts.assertMayMint(pending),
    sendOut: async ({ url, state, attempt: data }) => {
      if (request.method === 'GET' && !ownNavigation) throw actsUnasked();
      const { scopes } = dataOf(pending).request;
      const { browser, isByHand = false } = arrival;
      await attempts.mint(pending, { state, browser, scopes, data, isByHand });
      arrival.onDeparture?.(url);
      return request.method === 'GET' ? seePage(url) : pages.departure(url);
    },
    look: () => host.pendings.in(pending.namespace).get(pending.id),
    wasSentInVain: () => attempts.isOut(pending),
    finish: async (credential, scopes = attempt?.value.scopes) => {
      const ending = attempt === undefined ? [] : [attempts.ending(attempt)];
      const alongside = [...ending, ...(await endingForm())];
      const kept = await host.finish(pending, credential, { scopes, alongside });
      arrival.onEnd();
      // What came late was kept, and the page of the link would say that it has expired.
      const inPlace = kept === 'late' || gate.answersInPlace;
      return inPlace ? pages.end({ ...pending, status: 'completed' }) : seePage(pending.url);
    },
    fail: async (code) => {
      await host.end(pending, code, await endingForm());
      arrival.onEnd();
    },
    update: (change) => host.update(pending, change),
    failed: async (error, options) => {
      const known = findPosternError(error);
      if (known === undefined) throw error;
      const { code, facts } = known;
      arrival.onFailure?.(known);
      if (code === 'ERR_POSTERN_AUTH_STATE_USED' || isEnded(known)) return arrival.join(attempt);
      surroundings.logger[levelOfEnd(code, 'warn')]('carrying an interaction on did not succeed', {
        namespace: pending.namespace.id,
        code,
        ...serverWordOf(known),
      });
      // What was taken is spent; an answer that was none leaves the attempt open for the real one.
      const spent = attempt?.value.status === 'taken' ? attempt : undefined;
      const staysOpen =
        options?.staysOpen === true || facts.retry || code === 'ERR_POSTERN_AUTH_CALLBACK_INVALID';
      if (staysOpen) {
        if (spent !== undefined) await attempts.fail(spent, code);
        return pages.failure(code, { retry: pending.url });
      }
      try {
        await host.end(pending, code, spent && [attempts.ending(spent, code)]);
      } catch (ending) {
        if (!isEnded(ending)) throw ending;
      }
      arrival.onEnd();
      return pages.failure(code, { back: pending.returnTo });
    },
  };
}

/** A page may be loaded ahead of time, or by a page of somebody else's. */
function actsUnasked(): PosternError {
  return new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'a flow sends a browser out that was not certainly brought here by its person',
    { hint: 'Show a page with a button on a GET, unless the visit is "isOwnNavigation".' },
  );
}

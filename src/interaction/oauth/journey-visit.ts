import { findPosternError } from '../../core/postern-error.ts';
import type { Answer, FlowVisit } from '../flow.ts';
import { isEnded } from '../is-ended.ts';
import { seePage } from '../pages/pages.ts';
import type { ConsentProblem } from './consent-page.ts';

/** Where a browser goes, under which state, and what is remembered for when it comes back. */
export interface Departure {
  readonly url: string;
  readonly state: string;
  readonly attempt: unknown;
}

export interface JourneyOptions {
  /** The page before the journey. */
  readonly show: (visit: FlowVisit, problem?: ConsentProblem) => Promise<Response>;
  /** Prepares the way out. What it throws is told to the person. */
  readonly depart: (visit: FlowVisit) => Promise<Departure>;
  /** Finishes with what the browser has brought back. */
  readonly arrive: (visit: FlowVisit, answer: Answer) => Promise<Response>;
  /**
   * Whether a person who certainly came by themselves is sent on without a press of the button. One who was sent out before
   * and has not come back sees the page: they may need another way.
   */
  readonly goesStraightOn: (visit: FlowVisit) => boolean;
  /** Whether there is anywhere to go out to. Default: there is. */
  readonly redirects?: ((visit: FlowVisit) => boolean) | undefined;
  /** Begins the way by a code, for the page to show. Left out: there is none. */
  readonly useCode?: ((visit: FlowVisit) => Promise<void>) | undefined;
}

/**
 * The pages of a journey to a third party and back: a page with a button, the way out, and the answer, brought by the
 * browser or pasted by its person.
 *
 * A GET shows, a press of the button goes out.
 */
export function journeyVisit(options: JourneyOptions): (visit: FlowVisit) => Promise<Response> {
  const { show, depart, arrive } = options;

  const send = async (visit: FlowVisit): Promise<Response> => {
    await visit.assertMayGoOut();
    let departure: Departure;
    try {
      departure = await depart(visit);
    } catch (error) {
      // What a pushed request is refused with ends it as it does when the browser brings it back.
      return visit.failed(error);
    }
    return visit.sendOut(departure);
  };

  const useCode = async (visit: FlowVisit): Promise<Response> => {
    try {
      await options.useCode?.(visit);
    } catch (error) {
      if (findPosternError(error) === undefined || isEnded(error)) throw error;
      return show(visit, { code: true });
    }
    return seePage(visit.pageUrl);
  };

  const paste = async (visit: FlowVisit, address: string): Promise<Response> => {
    const pasted = await visit.paste(address);
    if ('response' in pasted) return pasted.response;
    return 'problem' in pasted ? show(visit, { pasted: pasted.problem }) : arrive(visit, pasted.answer);
  };

  const redirects = (visit: FlowVisit): boolean => options.redirects?.(visit) ?? true;

  const goesStraightOn = async (visit: FlowVisit): Promise<boolean> =>
    visit.isOwnNavigation &&
    redirects(visit) &&
    options.goesStraightOn(visit) &&
    !(await visit.wasSentInVain());

  return async (visit) => {
    if (visit.answer !== undefined) return arrive(visit, visit.answer);
    if (visit.rest !== '') return visit.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
    if (visit.request.method === 'GET') {
      return (await goesStraightOn(visit)) ? send(visit) : show(visit);
    }
    const form = await visit.readForm();
    switch (form.get('form-action')) {
      case 'decline':
        await visit.fail('ERR_POSTERN_AUTH_DENIED');
        return seePage(visit.pageUrl);
      case 'code':
        return useCode(visit);
      case 'paste':
        return paste(visit, form.get('pasted-address') ?? '');
      default:
        return redirects(visit) ? send(visit) : show(visit);
    }
  };
}

import { findPosternError, isPosternError } from '../../core/postern-error.ts';
import {
  attemptSchema,
  createAttempt,
  type Attempt,
  type CreateAttemptOptions,
  type StartedAttempt,
} from '../../oauth/attempt.ts';
import { isStatedOtherwise, validateCallback } from '../../oauth/callback.ts';
import type { ClientIdentity } from '../../oauth/client-identity.ts';
import { exchangeCode, type TokenRequestOptions } from '../../oauth/grant.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import { OAuthRequestError } from '../../oauth/oauth-request-error.ts';
import type { Pending } from '../../pending/pending.ts';
import type { Answer, FlowVisit, InteractionData } from '../flow.ts';
import { isEnded } from '../is-ended.ts';
import { seePage } from '../pages/pages.ts';
import type { ConsentProblem } from './consent-page.ts';

/** Where a browser is sent for consent, and as which client. */
export type RedirectPlan = Omit<CreateAttemptOptions, 'redirectUri' | 'state'> & {
  /** Default: the gate's callback. */
  readonly redirectUri?: string | undefined;
};

/** A client that its issuer refuses: itself, or the scopes that it asks for. */
export interface RefusedClient {
  readonly client: ClientIdentity;
  readonly what: 'client' | 'scopes';
}

export interface RedirectVisitOptions {
  readonly plan: (visit: FlowVisit) => Promise<RedirectPlan> | RedirectPlan;
  readonly http: (visit: FlowVisit) => OAuthHttp;
  readonly tokenOptions?: TokenRequestOptions | undefined;
  /** The page before the journey. */
  readonly show: (visit: FlowVisit, problem?: ConsentProblem) => Promise<Response>;
  /**
   * Whether a person who certainly came by themselves is sent on without a press of the button. One who was sent out before
   * and has not come back sees the page: they may need another way.
   */
  readonly goesStraightOn: (visit: FlowVisit) => boolean;
  /** Whether there is anywhere to go out to. Default: there is. */
  readonly redirects?: ((visit: FlowVisit) => boolean) | undefined;
  /** Begins the way by a code, for the page to show. Left out: there is none. */
  readonly useCode?: ((visit: FlowVisit) => Promise<void>) | undefined;
  /** Is told of an answer whose issuer calls itself otherwise, as its profile allows. */
  readonly onStatedOtherwise?: (attempt: Attempt, pending: Pending<InteractionData>) => void;
  /** Is told of a client that its issuer refuses. Resolves to whether going out once more, as another, may fare better. */
  readonly onClientRefused?: (refused: RefusedClient, pending: Pending<InteractionData>) => Promise<boolean>;
  /** Is told that the issuer has not done its part, in whatever way: what is known of it may have changed. */
  readonly onFailure?: (pending: Pending<InteractionData>) => void;
}

/**
 * The pages of the authorization code flow: a page with a button, out with PKCE and a state, and back.
 *
 * A GET shows, a press of the button goes out.
 */
export function redirectVisit(options: RedirectVisitOptions): (visit: FlowVisit) => Promise<Response> {
  const httpOf = (visit: FlowVisit): OAuthHttp => withClock(options.http(visit), visit.clock);
  const isOver = async (error: unknown, { client }: Pick<Attempt, 'client'>, { pending }: FlowVisit) => {
    options.onFailure?.(pending);
    const what = whatIsRefused(error);
    return what !== undefined && (await options.onClientRefused?.({ client, what }, pending)) === true;
  };

  const start = async (visit: FlowVisit, plan: RedirectPlan): Promise<StartedAttempt> =>
    createAttempt({ ...plan, redirectUri: plan.redirectUri ?? visit.callbackUrl }, httpOf(visit));

  const send = async (visit: FlowVisit): Promise<Response> => {
    await visit.assertMayGoOut();
    let started: StartedAttempt;
    try {
      started = await prepare(visit);
    } catch (error) {
      // What a pushed request is refused with ends it as it does when the browser brings it back.
      return visit.failed(error);
    }
    return visit.sendOut(started);
  };

  const prepare = async (visit: FlowVisit): Promise<StartedAttempt> => {
    const plan = await options.plan(visit);
    return start(visit, plan).catch(async (error: unknown) => {
      if (await isOver(error, plan, visit)) return start(visit, await options.plan(visit));
      throw error;
    });
  };

  const receive = async (visit: FlowVisit, { attempt: stored, params, take }: Answer): Promise<Response> => {
    const attempt = attemptSchema.parse(stored);
    try {
      const { code } = validateCallback(attempt, params);
      if (isStatedOtherwise(attempt, params.get('iss'))) options.onStatedOtherwise?.(attempt, visit.pending);
      // Taken before the code is sent: of two equal answers, one gets past this line.
      await take();
      const grant = await exchangeCode(attempt, code, httpOf(visit), options.tokenOptions);
      return await visit.finish(grant);
    } catch (error) {
      const isClientOver = await isOver(error, attempt, visit);
      return visit.failed(error, { staysOpen: isClientOver });
    }
  };

  const useCode = async (visit: FlowVisit): Promise<Response> => {
    try {
      await options.useCode?.(visit);
    } catch (error) {
      if (findPosternError(error) === undefined || isEnded(error)) throw error;
      return options.show(visit, { code: true });
    }
    return seePage(visit.pageUrl);
  };

  const paste = async (visit: FlowVisit, address: string): Promise<Response> => {
    const pasted = await visit.paste(address);
    if ('response' in pasted) return pasted.response;
    return 'problem' in pasted
      ? options.show(visit, { pasted: pasted.problem })
      : receive(visit, pasted.answer);
  };

  const redirects = (visit: FlowVisit): boolean => options.redirects?.(visit) ?? true;

  const goesStraightOn = async (visit: FlowVisit): Promise<boolean> =>
    visit.isOwnNavigation &&
    redirects(visit) &&
    options.goesStraightOn(visit) &&
    !(await visit.wasSentInVain());

  return async (visit) => {
    if (visit.answer !== undefined) return receive(visit, visit.answer);
    if (visit.rest !== '') return visit.pages.failure('ERR_POSTERN_PENDING_NOT_FOUND');
    if (visit.request.method === 'GET') {
      return (await goesStraightOn(visit)) ? send(visit) : options.show(visit);
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
        return redirects(visit) ? send(visit) : options.show(visit);
    }
  };
}

function whatIsRefused(error: unknown): RefusedClient['what'] | undefined {
  if (isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')) return 'client';
  return error instanceof OAuthRequestError && error.isFinal && error.error === 'invalid_scope'
    ? 'scopes'
    : undefined;
}

import { isPosternError } from '../../core/postern-error.ts';
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
import type { Html } from '../../web/html.ts';
import { html } from '../../web/html.ts';
import type { Answer, FlowVisit, InteractionData } from '../flow.ts';
import { failurePage, formPage, seePage } from '../pages/pages.ts';

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
  readonly show: (visit: FlowVisit) => Promise<Response>;
  /** Whether a person who certainly came by themselves is sent on without a press of the button. */
  readonly goesStraightOn: boolean;
  /** Is told of a client that its issuer refuses. Resolves to whether going out once more, as another, may fare better. */
  /** Is told of an answer whose issuer calls itself otherwise, as its profile allows. */
  readonly onStatedOtherwise?: (attempt: Attempt, pending: Pending<InteractionData>) => void;
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

  return async (visit) => {
    if (visit.answer !== undefined) return receive(visit, visit.answer);
    if (visit.rest !== '') return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
    if (visit.request.method === 'GET') {
      return options.goesStraightOn && visit.isOwnNavigation ? send(visit) : options.show(visit);
    }
    const form = await visit.readForm();
    if (form.get('form-action') !== 'decline') return send(visit);
    await visit.fail('ERR_POSTERN_AUTH_DENIED');
    return seePage(visit.pageUrl);
  };
}

function whatIsRefused(error: unknown): RefusedClient['what'] | undefined {
  if (isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')) return 'client';
  return error instanceof OAuthRequestError && error.isFinal && error.error === 'invalid_scope'
    ? 'scopes'
    : undefined;
}

/** The page before the journey: where it goes, what for, and a way out. */
export function consentPage(
  { formToken }: FlowVisit,
  { title, text, scopes }: { title: string; text: string; scopes: readonly string[] },
): Promise<Response> {
  const body: Html = html`${scopes.length > 0 && html`<p class="dim">Asked for: ${scopes.join(', ')}</p>`}
    <form method="post">
      <input type="hidden" name="form-token" value="${formToken}" />
      <div class="row">
        <button name="form-action" value="continue">Continue</button>
        <button name="form-action" value="decline" class="quiet">Decline</button>
      </div>
    </form>`;
  return formPage(200, { title, text, body });
}

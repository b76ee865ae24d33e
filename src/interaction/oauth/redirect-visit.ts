import { attemptSchema, createAttempt, type CreateAttemptOptions } from '../../oauth/attempt.ts';
import { validateCallback } from '../../oauth/callback.ts';
import { exchangeCode, type TokenRequestOptions } from '../../oauth/grant.ts';
import { withClock, type OAuthHttp } from '../../oauth/oauth-http.ts';
import type { Html } from '../../web/html.ts';
import { html } from '../../web/html.ts';
import type { Answer, FlowVisit } from '../flow.ts';
import { failurePage, formPage, seePage } from '../pages/pages.ts';

/** Where a browser is sent for consent, and as which client. */
export type RedirectPlan = Omit<CreateAttemptOptions, 'redirectUri' | 'state'> & {
  /** Default: the gate's callback. */
  readonly redirectUri?: string | undefined;
};

export interface RedirectVisitOptions {
  readonly plan: (visit: FlowVisit) => Promise<RedirectPlan> | RedirectPlan;
  readonly http: (visit: FlowVisit) => OAuthHttp;
  readonly tokenOptions?: TokenRequestOptions | undefined;
  /** The page before the journey. */
  readonly show: (visit: FlowVisit) => Promise<Response>;
  /** Whether a person who certainly came by themselves is sent on without a press of the button. */
  readonly goesStraightOn: boolean;
  /** Called when the code was refused. */
  readonly onRefused?: (error: unknown, attempt: unknown) => Promise<void>;
}

/**
 * The pages of the authorization code flow: a page with a button, out with PKCE and a state, and back.
 *
 * A GET shows, a press of the button goes out.
 */
export function redirectVisit(options: RedirectVisitOptions): (visit: FlowVisit) => Promise<Response> {
  const httpOf = (visit: FlowVisit): OAuthHttp => withClock(options.http(visit), visit.clock);

  const send = async (visit: FlowVisit): Promise<Response> => {
    await visit.assertMayGoOut();
    const plan = await options.plan(visit);
    const redirectUri = plan.redirectUri ?? visit.callbackUrl;
    const { attempt, state, url } = await createAttempt({ ...plan, redirectUri }, httpOf(visit));
    return visit.sendOut({ url, state, attempt });
  };

  const receive = async (visit: FlowVisit, { attempt: stored, params, take }: Answer): Promise<Response> => {
    const attempt = attemptSchema.parse(stored);
    try {
      const { code } = validateCallback(attempt, params);
      // Taken before the code is sent: of two equal answers, one gets past this line.
      await take();
      const grant = await exchangeCode(attempt, code, httpOf(visit), options.tokenOptions);
      return await visit.finish(grant);
    } catch (error) {
      await options.onRefused?.(error, attempt);
      return visit.failed(error);
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

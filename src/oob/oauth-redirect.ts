import { z, type ZodType } from 'zod';
import { findPosternError, PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import {
  attemptSchema,
  checkAttempt,
  createAttempt,
  type Attempt,
  type CreateAttemptOptions,
} from '../oauth/attempt.ts';
import { validateCallback } from '../oauth/callback.ts';
import { exchangeCode, type Grant, type TokenRequestOptions } from '../oauth/grant.ts';
import type { OAuthHttp } from '../oauth/oauth-http.ts';
import { html } from '../web/html.ts';
import { isEnded } from './asking.ts';
import { dataOf, type Flow, type FlowVisit } from './flow.ts';
import { oauthCredentials, type OAuthCredential } from './oauth-credential.ts';
import { departurePage, endPage, failurePage, formPage, seePage } from './oob-pages.ts';

export interface OAuthRedirectOptions {
  /** Requests to the third party's authorization server. */
  readonly http: OAuthHttp;
  /** Where and as whom; the redirect URI to register there is the server's `<publicUrl>/callback`. */
  readonly authorize: (request: {
    resource: string;
    scopes: readonly string[];
    redirectUri: string;
  }) =>
    | Omit<CreateAttemptOptions, 'redirectUri' | 'state'>
    | Promise<Omit<CreateAttemptOptions, 'redirectUri' | 'state'>>;
  /** Makes the client's assertion, where its key is held elsewhere. */
  readonly clientAssertion?: TokenRequestOptions['clientAssertion'];
  readonly title?: string | undefined;
  /** A page of one's own in place of ours. Its form posts `form-token`, and `form-action` `continue` or `decline`, to the same address. */
  readonly render?: ((view: OAuthRedirectView) => Response | Promise<Response>) | undefined;
}

/** What a page of one's own is given. */
export interface OAuthRedirectView {
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Where the person will be sent. */
  readonly host: string;
  readonly formToken: string;
}

/** One way through the third party: out with the browser, then taken by the answer. */
interface OutAttempt {
  /** Gone when it was taken. */
  readonly attempt?: Attempt | undefined;
  readonly browser: string;
  /** What was wanted when it went out. */
  readonly scopes: readonly string[];
}

interface RedirectData {
  readonly host: string;
  /** By the hash of their state. */
  readonly attempts: Readonly<Record<string, OutAttempt>>;
}

const redirectData: ZodType<RedirectData> = z.looseObject({
  host: z.string(),
  attempts: z.record(
    z.string(),
    z.looseObject({ attempt: attemptSchema.optional(), browser: z.string(), scopes: z.array(z.string()) }),
  ),
});

/** Going out again and again keeps only the latest attempts. */
const maxAttempts = 5;
/** How long a second answer to an attempt that is being finished waits for it. */
const joinMs = 10_000;

/**
 * Consent at a third party: the authorization code flow, with our own page before it, and PKCE and state bound to the pending.
 *
 * The third party's tokens stay here; the client never sees them.
 */
export function oauthRedirect(options: OAuthRedirectOptions): Flow<OAuthCredential> {
  const { http, authorize } = options;
  const tokenOptions: TokenRequestOptions = { clientAssertion: options.clientAssertion };

  const show = async (visit: FlowVisit): Promise<Response> => {
    const { request, data } = dataOf(visit.pending);
    const { resource, scopes } = request;
    const { host } = redirectData.parse(data);
    const { formToken } = visit;
    if (options.render !== undefined) return options.render({ resource, scopes, host, formToken });
    return formPage(200, {
      title: options.title ?? 'Connect your account',
      text: `Your account at ${resource} is asked for. You will be sent to ${host} to consent. Go on only if you have just asked for this yourself.`,
      body: html`${scopes.length > 0 && html`<p class="dim">Asked for: ${scopes.join(', ')}</p>`}
        <form method="post">
          <input type="hidden" name="form-token" value="${formToken}" />
          <div class="row">
            <button name="form-action" value="continue">Continue</button>
            <button name="form-action" value="decline" class="quiet">Decline</button>
          </div>
        </form>`,
    });
  };

  const send = async (visit: FlowVisit): Promise<Response> => {
    const { resource, scopes } = dataOf(visit.pending).request;
    const redirectUri = visit.callbackUrl;
    const plan = await authorize({ resource, scopes, redirectUri });
    const { state, browser } = await visit.bindState();
    const { attempt, url } = await createAttempt({ ...plan, redirectUri, state }, http);
    const place = await hashId(state);
    await visit.update((stored) => {
      const { host, attempts } = redirectData.parse(stored);
      const latest = Object.entries(attempts).slice(1 - maxAttempts);
      return { host, attempts: { ...Object.fromEntries(latest), [place]: { attempt, browser, scopes } } };
    });
    return departurePage(url);
  };

  /** A ladder: what fails on a rung before the attempt is taken changes nothing. */
  const receive = async (visit: FlowVisit): Promise<Response> => {
    const params = new URL(visit.request.url).searchParams;
    const place = await hashId(params.get('state') ?? '');
    const { attempts } = redirectData.parse(dataOf(visit.pending).data);
    const out = Object.hasOwn(attempts, place) ? attempts[place] : undefined;
    if (out === undefined) return failurePage('ERR_POSTERN_AUTH_STATE_UNKNOWN', { retry: visit.pageUrl });
    if (!(await visit.isSameBrowser(out.browser))) {
      return failurePage('ERR_POSTERN_AUTH_BROWSER_MISMATCH', { retry: visit.pageUrl });
    }
    if (out.attempt === undefined) return join(visit);
    let grant: Grant;
    try {
      const { code } = validateCallback(out.attempt, params);
      // Taken before the code is sent: of two equal answers, one gets past this line.
      await visit.update((stored) => takeAttempt(redirectData.parse(stored), place));
      grant = await exchangeCode(out.attempt, code, http, tokenOptions);
    } catch (error) {
      const known = findPosternError(error);
      if (known === undefined) throw error;
      if (known.code === 'ERR_POSTERN_AUTH_STATE_USED' || isEnded(known)) return join(visit);
      const goesOn = known.facts.retry || known.code === 'ERR_POSTERN_AUTH_CALLBACK_INVALID';
      if (goesOn) return failurePage(known.code, { retry: visit.pageUrl });
      await visit.fail(known.code);
      return failurePage(known.code);
    }
    return visit.finish(grant, out.scopes);
  };

  return {
    kind: 'oauth_redirect',
    // Each attempt asks for what is wanted by then, and remembers what that was.
    widens: true,
    ...oauthCredentials(http, tokenOptions),

    async begin({ resource, scopes }, { callbackUrl }) {
      const plan = await authorize({ resource, scopes, redirectUri: callbackUrl });
      checkAttempt(plan);
      const { host } = http.checkUrl(plan.discovery.server.authorization_endpoint ?? '');
      return {
        data: { host, attempts: {} } satisfies RedirectData,
        message: `Connect your account at ${resource}`,
      };
    },

    async visit(visit) {
      if (visit.rest === '/callback') return receive(visit);
      if (visit.rest !== '') return failurePage('ERR_POSTERN_PENDING_NOT_FOUND');
      if (visit.request.method === 'GET') return show(visit);
      const form = await visit.readForm();
      if (form.get('form-action') !== 'decline') return send(visit);
      await visit.cancel();
      return seePage(visit.pageUrl);
    },
  };
}

function takeAttempt(data: RedirectData, place: string): RedirectData {
  const out = Object.hasOwn(data.attempts, place) ? data.attempts[place] : undefined;
  if (out?.attempt === undefined) {
    throw new PosternError('ERR_POSTERN_AUTH_STATE_USED', 'the answer was taken by another request');
  }
  return { ...data, attempts: { ...data.attempts, [place]: { ...out, attempt: undefined } } };
}

/** Somebody is finishing this attempt, or died while doing so: the code is not sent again. */
async function join(visit: FlowVisit): Promise<Response> {
  const ended = await visit.ended(joinMs);
  return ended === undefined
    ? failurePage('ERR_POSTERN_AUTH_STATE_USED', { retry: visit.pageUrl })
    : endPage(ended);
}

import type { Grant } from '../../oauth/grant-record.ts';
import * as z from 'zod';
import { checkAttempt, type CreateAttemptOptions } from '../../oauth/attempt.ts';
import type { OAuthHttp } from '../../oauth/oauth-http.ts';
import type { TokenRequestOptions } from '../../oauth/token-request.ts';
import type { PageFact } from '../../web/page.ts';
import { dataOf, type Flow } from '../flow.ts';
import type { PasteProblem } from '../ladder/pasted-address.ts';
import { consentPage } from './consent-page.ts';
import { serviceTokens, type OAuthCredential } from './grant-kind.ts';
import { loginHintFor } from './login-hint-for.ts';
import { withKnownProfile } from './known-profile.ts';
import { redirectVisit } from './redirect-visit.ts';

export interface OAuthRedirectOptions {
  /** Requests to the third party's authorization server. */
  readonly http: OAuthHttp;
  /**
   * Where and as whom; the redirect URI to register there is the server's `<publicUrl>/callback`. A `profile` is laid over
   * what is known of the issuer.
   */
  readonly authorize: (request: {
    resource: string;
    /** Which of the person's accounts. */
    alias: string;
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
  /** Who asks, for whom, for what, where it leads, until when. */
  readonly facts: readonly PageFact[];
  /** Why an address that was just pasted is no answer. Its form posts `form-action` `paste` and `pasted-address`. */
  readonly problem?: PasteProblem | undefined;
}

const redirectData = z.looseObject({ host: z.string(), loginHint: z.string().optional() });

/**
 * Consent at a third party: the authorization code flow, with our own page before it, and PKCE and state bound to the pending.
 *
 * The third party's tokens stay here; the client never sees them.
 */
export function oauthRedirect(options: OAuthRedirectOptions): Flow<OAuthCredential, Grant> {
  const { http } = options;
  const authorize = withKnownProfile(options.authorize);
  const tokenOptions: TokenRequestOptions = { clientAssertion: options.clientAssertion };
  return {
    kind: 'oauth_redirect',
    credential: serviceTokens(http, tokenOptions),
    requestMs: http.timeoutMs,
    // Each attempt asks for what is wanted by then, and remembers what that was.
    widens: true,
    goesOut: true,

    async begin({ resource, alias, scopes, loginHint: given, account, callbackUrl, say }) {
      const plan = await authorize({ resource, alias, scopes, redirectUri: callbackUrl });
      checkAttempt({ ...plan, redirectUri: callbackUrl });
      const { host } = http.checkUrl(plan.discovery.server.authorization_endpoint ?? '');
      const loginHint = given ?? loginHintFor(plan.discovery.issuer, account);
      return {
        data: { host, ...(loginHint !== undefined && { loginHint }) },
        message: say('consent.message', { resource }),
      };
    },

    visit: redirectVisit({
      http: () => http,
      tokenOptions,
      goesStraightOn: () => false,
      plan: async ({ pending, callbackUrl }) => {
        const { request, data } = dataOf(pending);
        const { resource, alias, scopes } = request;
        const { loginHint } = redirectData.parse(data);
        const plan = await authorize({ resource, alias, scopes, redirectUri: callbackUrl });
        return { ...plan, loginHint: plan.loginHint ?? loginHint };
      },
      show: async (visit, problem) => {
        const { request, data } = dataOf(visit.pending);
        const { resource, scopes } = request;
        const { host } = redirectData.parse(data);
        const { formToken, pages } = visit;
        if (options.render !== undefined) {
          const facts = pages.facts({ goesTo: host });
          return options.render({ resource, scopes, host, formToken, facts, problem: problem?.pasted });
        }
        const title = options.title ?? pages.say('consent.title');
        const text = pages.say('consent.redirect', { resource, host });
        return consentPage(visit, { title, text, host, problem });
      },
    }),
  };
}

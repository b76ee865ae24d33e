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
import type { Answer, FlowVisit, InteractionData } from '../flow.ts';
import { journeyVisit, type JourneyOptions } from './journey-visit.ts';

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

export interface RedirectVisitOptions extends Omit<JourneyOptions, 'depart' | 'arrive'> {
  readonly plan: (visit: FlowVisit) => Promise<RedirectPlan> | RedirectPlan;
  readonly http: (visit: FlowVisit) => OAuthHttp;
  readonly tokenOptions?: TokenRequestOptions | undefined;
  /** Is told of an answer whose issuer calls itself otherwise, as its profile allows. */
  readonly onStatedOtherwise?: (attempt: Attempt, pending: Pending<InteractionData>) => void;
  /** Is told of a client that its issuer refuses. Resolves to whether going out once more, as another, may fare better. */
  readonly onClientRefused?: (refused: RefusedClient, pending: Pending<InteractionData>) => Promise<boolean>;
  /** Is told that the issuer has not done its part, in whatever way: what is known of it may have changed. */
  readonly onFailure?: (pending: Pending<InteractionData>) => Promise<void>;
}

/** The pages of the authorization code flow: the journey of {@link journeyVisit}, out with PKCE and a state. */
export function redirectVisit(options: RedirectVisitOptions): (visit: FlowVisit) => Promise<Response> {
  const httpOf = (visit: FlowVisit): OAuthHttp => withClock(options.http(visit), visit.clock);
  const isOver = async (error: unknown, { client }: Pick<Attempt, 'client'>, { pending }: FlowVisit) => {
    await options.onFailure?.(pending);
    const what = whatIsRefused(error);
    return what !== undefined && (await options.onClientRefused?.({ client, what }, pending)) === true;
  };

  const start = async (visit: FlowVisit, plan: RedirectPlan): Promise<StartedAttempt> =>
    createAttempt({ ...plan, redirectUri: plan.redirectUri ?? visit.callbackUrl }, httpOf(visit));

  const depart = async (visit: FlowVisit): Promise<StartedAttempt> => {
    const plan = await options.plan(visit);
    return start(visit, plan).catch(async (error: unknown) => {
      if (await isOver(error, plan, visit)) return start(visit, await options.plan(visit));
      throw error;
    });
  };

  const arrive = async (visit: FlowVisit, { attempt: stored, params, take }: Answer): Promise<Response> => {
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

  return journeyVisit({ ...options, depart, arrive });
}

function whatIsRefused(error: unknown): RefusedClient['what'] | undefined {
  if (isPosternError(error, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED')) return 'client';
  return error instanceof OAuthRequestError && error.isFinal && error.error === 'invalid_scope'
    ? 'scopes'
    : undefined;
}

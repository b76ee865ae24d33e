import { PosternError, type PosternErrorOptions } from '../core/postern-error.ts';
import { OAuthRequestError } from './oauth-request-error.ts';
import type { ErrorAnswer } from './error-answer.ts';
import { isOrganisationRefusal } from './organisation-refusals.ts';
import type { IssuerProfile } from './profiles/issuer-profile.ts';
import { meantError } from './profiles/meant-error.ts';
import { withServerWord } from './server-word.ts';

/** Error codes of the IANA registry and of OpenID Connect. Nothing else a server says reaches a message. */
const registeredErrors: ReadonlySet<string> = new Set([
  'access_denied',
  'account_selection_required',
  'authorization_pending',
  'consent_required',
  'expired_token',
  'insufficient_scope',
  'interaction_required',
  'invalid_authorization_details',
  'invalid_client',
  'invalid_client_metadata',
  'invalid_dpop_proof',
  'invalid_grant',
  'invalid_redirect_uri',
  'invalid_request',
  'invalid_request_object',
  'invalid_request_uri',
  'invalid_scope',
  'invalid_software_statement',
  'invalid_target',
  'invalid_token',
  'login_required',
  'registration_not_supported',
  'request_not_supported',
  'request_uri_not_supported',
  'server_error',
  'slow_down',
  'temporarily_unavailable',
  'unapproved_software_statement',
  'unauthorized_client',
  'unmet_authentication_requirements',
  'unsupported_grant_type',
  'unsupported_response_type',
  'unsupported_token_type',
  'use_dpop_nonce',
]);

/** The code, when it is a registered one. */
export function registeredError(code: unknown): string | undefined {
  return typeof code === 'string' && registeredErrors.has(code) ? code : undefined;
}

/** How a message names an error code that a server sent. */
export function nameError(code: unknown): string {
  return registeredError(code) ?? 'an unregistered error';
}

/** Errors that may pass by themselves: at the token endpoint two more than in a redirect. */
const passing: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable']);
const passingReplies: ReadonlySet<string> = new Set([...passing, 'slow_down', 'use_dpop_nonce']);
/** Too early, too slow, too many: not about what was asked. */
const passingStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

/** Who refused what, as {@link requestRefused} reports it. */
export interface Refusal {
  /** For the message: "the token endpoint of …". */
  readonly what: string;
  /** Left out when the error came in a redirect. */
  readonly status?: number | undefined;
  /** The error, where it is another than the answer's own. */
  readonly error?: unknown;
  readonly retryAfterMs?: number | undefined;
  readonly retryAtMs?: number | undefined;
  /** All that the server sent: what of it can be repeated goes to the operator's log, and no further. */
  readonly answer?: ErrorAnswer | undefined;
  readonly profile?: IssuerProfile | undefined;
  /** What was sent along, and must not be quoted where the server repeats it. */
  readonly secrets?: readonly (string | undefined)[] | undefined;
}

/** The typed error for an answer of an authorization server that is an error. */
export function requestRefused(refusal: Refusal, options: PosternErrorOptions = {}): PosternError {
  const { status, answer = {}, secrets } = refusal;
  const reply = { status, error: answer['error'], description: answer['error_description'], secrets };
  return withServerWord(errorOf(refusal, options), reply);
}

function errorOf(refusal: Refusal, options: PosternErrorOptions): PosternError {
  const { what, status, answer, profile, retryAfterMs, retryAtMs } = refusal;
  const sent = refusal.error ?? (answer && meantError(answer, profile));
  const error = registeredError(sent);
  const said = [
    ...(sent === undefined ? [] : [nameError(sent)]),
    ...(status === undefined ? [] : [`status ${status}`]),
  ].join(', ');
  const message = `${what} answered with ${said}`;
  // A failing server's word about a grant, a client or a person is not evidence.
  const isFailing = status !== undefined && (status >= 500 || passingStatuses.has(status));
  if (!isFailing && answer !== undefined && isOrganisationRefusal(answer, profile))
    return byOrganisation(message, options);
  switch (isFailing ? undefined : error) {
    case 'invalid_grant':
    case 'expired_token':
      return new PosternError('ERR_POSTERN_OAUTH_GRANT_INVALID', message, {
        hint: 'Sign in again.',
        ...options,
      });
    case 'invalid_client':
    case 'unauthorized_client':
      return new PosternError('ERR_POSTERN_OAUTH_CLIENT_REJECTED', message, {
        hint: 'Check that the client is still registered there, and its secret or key.',
        ...options,
      });
    case 'access_denied':
      return new PosternError('ERR_POSTERN_AUTH_DENIED', message, {
        hint: 'Start again if that was a mistake.',
        ...options,
      });
    default: {
      const isFinal = !isFailing && !mayPass(status, sent, error);
      const hint = isFinal
        ? 'The operator of this application has to look: the log says what the server refuses.'
        : undefined;
      const failure = { status, error, retryAfterMs, retryAtMs, isFinal };
      return new OAuthRequestError(message, failure, { hint, ...options });
    }
  }
}

/** An answer that is no error, and yet none that was hoped for, may be another next time. */
function mayPass(status: number | undefined, sent: unknown, error: string | undefined): boolean {
  if (status === undefined) return error !== undefined && passing.has(error);
  if (error !== undefined && passingReplies.has(error)) return true;
  return sent === undefined && status < 400;
}

function byOrganisation(message: string, options: PosternErrorOptions): PosternError {
  return new PosternError('ERR_POSTERN_AUTH_REFUSED_BY_ORGANISATION', message, {
    hint: 'The administrator of your organisation has to allow this application, or you in it.',
    ...options,
  });
}

/** The code of an oauth4webapi error. Its message and cause may quote the answer, so they go no further. */
export function libraryCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z\d_]{1,64}$/u.test(code) ? code : 'OAUTH_UNKNOWN';
}

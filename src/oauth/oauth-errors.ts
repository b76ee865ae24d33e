import { PosternError, type PosternErrorOptions } from '../core/postern-error.ts';
import { OAuthRequestError } from './oauth-request-error.ts';

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

const maxRetryAfterMs = 3_600_000;

/** The `Retry-After` of a response in milliseconds, at most an hour; a date that has passed is 0. */
export function retryAfterMs(response: Response, nowMs: number): number | undefined {
  const value = response.headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  const delayMs = /^\d+$/u.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isNaN(delayMs) ? undefined : Math.min(Math.max(delayMs, 0), maxRetryAfterMs);
}

/** Who refused what, as {@link requestRefused} reports it. */
export interface Refusal {
  /** For the message: "the token endpoint of …". */
  readonly what: string;
  /** Left out when the error came in a redirect. */
  readonly status?: number | undefined;
  /** As the server sent it. */
  readonly error?: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** The typed error for an answer of an authorization server that is an error. */
export function requestRefused(refusal: Refusal, options: PosternErrorOptions = {}): PosternError {
  const { what, status } = refusal;
  const error = registeredError(refusal.error);
  const said = [
    ...(refusal.error === undefined ? [] : [nameError(refusal.error)]),
    ...(status === undefined ? [] : [`status ${status}`]),
  ].join(', ');
  const message = `${what} answered with ${said}`;
  switch (error) {
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
      return new PosternError('ERR_POSTERN_AUTH_DENIED', message, options);
    default:
      return new OAuthRequestError(message, { status, error, retryAfterMs: refusal.retryAfterMs }, options);
  }
}

/** The code of an oauth4webapi error. Its message and cause may quote the answer, so they go no further. */
export function libraryCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z\d_]{1,64}$/u.test(code) ? code : 'OAUTH_UNKNOWN';
}

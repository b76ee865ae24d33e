import { findPosternError, PosternError } from '../core/postern-error.ts';
import { readRetryAfter } from '../core/retry-after.ts';
import { requestRefused } from '../oauth/oauth-errors.ts';

/** How many causes are followed. */
const maxCauses = 8;

/** What an authorization server has answered, inside an error of the official client. */
interface Refused {
  readonly status: number;
  readonly payload: unknown;
  readonly response?: Response;
}

/**
 * An error of the official client as one of ours: what the network said of the request, and not what it said in words.
 *
 * @param otherwise of one that says nothing that is known.
 */
export function toPosternError(error: unknown, what: string, otherwise: () => PosternError): PosternError {
  const known = findPosternError(error);
  if (known !== undefined) return known;
  for (const cause of causesOf(error)) {
    if (isRefusal(cause)) {
      const { status, payload, response } = cause;
      const answer = typeof payload === 'object' && payload !== null ? { ...payload } : {};
      const later = response && readRetryAfter(response, Date.now());
      return requestRefused({ what, status, answer, ...later });
    }
    if (cause instanceof TypeError && cause.message === 'Issuer mismatch') {
      return new PosternError(
        'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
        `${what} is not the server that the account names in its DID document`,
        { hint: 'Sign in again. If this repeats, do not go on: the answer came from somebody else.' },
      );
    }
  }
  return otherwise();
}

/** Whether a refresh token is no longer good, by the word of whoever issued it. */
export function isGrantOver(error: unknown): boolean {
  return causesOf(error).some(
    (cause) => isRefusal(cause) && cause.status === 400 && errorOf(cause.payload) === 'invalid_grant',
  );
}

/** An error and its causes, the outermost first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let cause = error; cause !== undefined && causes.length < maxCauses;) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}

/** By its shape: an application may have two copies of the package. */
function isRefusal(error: unknown): error is Refused & Error {
  return (
    error instanceof Error && 'payload' in error && 'status' in error && typeof error.status === 'number'
  );
}

function errorOf(payload: unknown): unknown {
  return typeof payload === 'object' && payload !== null && 'error' in payload ? payload.error : undefined;
}

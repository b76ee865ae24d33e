import { findPosternError, PosternError } from '../core/postern-error.ts';

/** The longest token that is looked at, in characters. More than HTTP servers take in a header. */
const maxTokenLength = 16_384;

/** The refusal of a caller. `why` is ours; nothing the caller sent is quoted. */
export function unverified(why: string, cause?: unknown): PosternError {
  // Errors of libraries may hold the claims they refused, so only ours are kept.
  const known = findPosternError(cause);
  return new PosternError('ERR_POSTERN_NAMESPACE_UNVERIFIED', `the caller could not be verified: ${why}`, {
    cause: known,
    hint: known?.facts.retry === true ? 'Try again in a moment.' : 'Sign in again.',
  });
}

/** Whether a value has the form of a bearer token. @see RFC 6750 §2.1 */
export function isBearerToken(token: unknown): token is string {
  return typeof token === 'string' && token.length <= maxTokenLength && /^[\w.~+/-]+=*$/u.test(token);
}

import { PosternError, type PosternErrorOptions } from '../core/postern-error.ts';
import { untilRetry } from '../core/retry-after.ts';

/** What an {@link OAuthRequestError} knows beside its message. */
export interface OAuthRequestFailure {
  /** Left out when the error came in a redirect. */
  readonly status?: number | undefined;
  /** A registered error code, never free text. */
  readonly error?: string | undefined;
  /** How long the server asked to be left alone, at most an hour. */
  readonly retryAfterMs?: number | undefined;
  /** Until when, in milliseconds since the epoch. */
  readonly retryAtMs?: number | undefined;
  /** The same would be refused again: the code is `ERR_POSTERN_OAUTH_REQUEST_REFUSED` then. */
  readonly isFinal?: boolean | undefined;
}

/**
 * An authorization server answered with an error that says nothing about the grant or the client.
 *
 * Its code is `ERR_POSTERN_OAUTH_REQUEST_FAILED` for what may pass, and `ERR_POSTERN_OAUTH_REQUEST_REFUSED` for what will not.
 */
export class OAuthRequestError extends PosternError implements Omit<OAuthRequestFailure, 'retryAtMs'> {
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, failure: OAuthRequestFailure, options: PosternErrorOptions = {}) {
    const { isFinal = false, status, error, retryAfterMs, retryAtMs } = failure;
    super(
      isFinal ? 'ERR_POSTERN_OAUTH_REQUEST_REFUSED' : 'ERR_POSTERN_OAUTH_REQUEST_FAILED',
      message,
      retryAtMs === undefined ? options : untilRetry(retryAtMs, options),
    );
    this.status = status;
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }

  get isFinal(): boolean {
    return this.code === 'ERR_POSTERN_OAUTH_REQUEST_REFUSED';
  }
}

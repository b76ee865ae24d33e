import { PosternError, type PosternErrorOptions } from '../core/postern-error.ts';

/** What an {@link OAuthRequestError} knows beside its message. */
export interface OAuthRequestFailure {
  /** Left out when the error came in a redirect. */
  readonly status?: number | undefined;
  /** A registered error code, never free text. */
  readonly error?: string | undefined;
  /** How long the server asked to be left alone, at most an hour. */
  readonly retryAfterMs?: number | undefined;
}

/** An authorization server answered with an error that says nothing about the grant or the client. */
export class OAuthRequestError extends PosternError implements OAuthRequestFailure {
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, failure: OAuthRequestFailure, options: PosternErrorOptions = {}) {
    super('ERR_POSTERN_OAUTH_REQUEST_FAILED', message, options);
    this.status = failure.status;
    this.error = failure.error;
    this.retryAfterMs = failure.retryAfterMs;
  }
}

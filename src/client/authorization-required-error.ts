import { findPosternError, isPosternError, PosternError } from '../core/postern-error.ts';

/** What a person has to do before a server can be used: open a link. */
export interface AuthChallenge {
  readonly contextId: string;
  readonly server: string;
  /** The one live link; everyone who asks while it lives gets the same. */
  readonly url: string;
  readonly pendingId: string;
  readonly expiresAtMs: number;
  readonly scopes: readonly string[];
}

/** The call needs a person. Give them `challenge.url`; park the call on the error to have it resumed. */
export class AuthorizationRequiredError extends PosternError {
  override readonly name: string = 'AuthorizationRequiredError';
  readonly challenge: AuthChallenge;
  /** Only this call needs more scopes: calls that need no more than was granted before go on working. */
  readonly grantStays: boolean;

  constructor(challenge: AuthChallenge, options: { grantStays?: boolean } = {}) {
    super(
      'ERR_POSTERN_AUTH_REQUIRED',
      `${JSON.stringify(challenge.contextId)} has to sign in to ${JSON.stringify(challenge.server)}`,
      { hint: 'Open the sign-in link.' },
    );
    this.challenge = challenge;
    this.grantStays = options.grantStays ?? false;
  }
}

/** The {@link AuthorizationRequiredError} in a value, or in its chain of causes. */
export function findAuthorizationRequired(value: unknown): AuthorizationRequiredError | undefined {
  const error = findPosternError(value);
  return isPosternError(error, 'ERR_POSTERN_AUTH_REQUIRED')
    ? (error as unknown as AuthorizationRequiredError)
    : undefined;
}

/** Whether an error says that a person has to sign in first. */
export function isAuthorizationRequired(value: unknown): value is AuthorizationRequiredError {
  return isPosternError(value, 'ERR_POSTERN_AUTH_REQUIRED');
}

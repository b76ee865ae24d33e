import { findPosternError, isPosternError } from '../../core/postern-error.ts';
import type { SignInCode } from '../../interaction/oauth/sign-in-code.ts';
import { InteractionRequiredError, type Interaction } from '../../interaction/interaction-required-error.ts';

/**
 * What a person has to do before a server can be used: open a link, or enter a code.
 *
 * Where it has a code, either will do. Show that to its person alone: whoever enters it gives access to their own account.
 */
export interface AuthChallenge extends Interaction, Partial<SignInCode> {
  readonly contextId: string;
  readonly server: string;
  /** Which of the context's accounts there. */
  readonly alias: string;
  readonly scopes: readonly string[];
}

/** The call needs a person. Give them `challenge.url`; park the call on the error to have it resumed. */
export class AuthorizationRequiredError extends InteractionRequiredError {
  override readonly name: string = 'AuthorizationRequiredError';
  readonly challenge: AuthChallenge;
  /** Only this call needs more scopes: calls that need no more than was granted before go on working. */
  readonly grantStays: boolean;

  constructor(challenge: AuthChallenge, options: { grantStays?: boolean | undefined } = {}) {
    super(
      challenge,
      'ERR_POSTERN_AUTH_REQUIRED',
      `${JSON.stringify(challenge.contextId)} has to ${challenge.kind === 'elicitation' ? 'do something at' : 'sign in to'} ${JSON.stringify(challenge.server)}`,
      hintFor(challenge),
    );
    this.challenge = challenge;
    this.grantStays = options.grantStays ?? false;
  }
}

function hintFor({ kind, userCode }: AuthChallenge): string {
  if (userCode !== undefined) return 'Enter the code at the service, from any device.';
  return kind === 'elicitation' ? 'Open the link.' : 'Open the sign-in link.';
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

import { findPosternError } from '../../core/postern-error.ts';
import { findAuthorizationRequired } from '../auth/authorization-required-error.ts';
import { classifyFailure, isConnectionLoss, isSessionGone } from './session-failure.ts';

/** What a session can do about a call that failed on its connection. */
export interface RecoveryHands<T> {
  readonly server: string;
  /** Whether callers wait for the person. */
  readonly blocksCallers: boolean;
  /** Has the session fail, if the connection is still its own. */
  readonly fail: (error: unknown) => void;
  /** Opens the session anew, if the connection is still its own. */
  readonly reconnect: () => Promise<void>;
  /** Sends the call once more, over whatever connection there is then. */
  readonly resend: () => Promise<T>;
}

/** What becomes of a call that failed: sent once more where that is safe, and otherwise an error that says why. */
export async function recoverCall<T>(error: unknown, hands: RecoveryHands<T>): Promise<T> {
  const { blocksCallers, fail, resend } = hands;
  const required = findAuthorizationRequired(error);
  if (required !== undefined) {
    if (required.grantStays && !blocksCallers) throw required;
    fail(required);
    if (!blocksCallers) throw required;
    return resend();
  }
  if (isSessionGone(error)) {
    // The server has not processed it, so it is safe to send it once more.
    await hands.reconnect();
    return resend();
  }
  if (isConnectionLoss(error)) {
    fail(error);
    // Of this call, and no other: whether it was carried out is unknown, whatever has become of the session since.
    throw classifyFailure(error, hands.server).error;
  }
  const known = findPosternError(error);
  // Denied, revoked, rejected: no other call on this connection would fare better.
  if (known?.code.startsWith('ERR_POSTERN_AUTH_') === true) fail(known);
  throw known ?? error;
}

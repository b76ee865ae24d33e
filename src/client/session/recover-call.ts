import { SdkHttpError } from '@modelcontextprotocol/client';
import { findPosternError } from '../../core/postern-error.ts';
import { findAuthorizationRequired } from '../auth/authorization-required-error.ts';
import { classifyFailure, isConnectionLoss, isSessionGone } from './session-failure.ts';

/** How often one call is sent at most, each time after somebody has signed in. */
const maxSends = 4;

/** What a session can do about a call that failed on its connection. */
export interface RecoveryHands<T> {
  readonly server: string;
  /** How often the call has been sent. */
  readonly sent: number;
  /** Whether the connection has a session that the server may forget. */
  readonly hasSession: boolean;
  /** Whether callers wait for the person. */
  readonly blocksCallers: boolean;
  /** Has the session fail, if the connection is still its own. */
  readonly fail: (error: unknown) => void;
  /** Opens the session anew, if the connection is still its own. */
  readonly reconnect: () => Promise<void>;
  /** Sends the call once more, over whatever connection there is then. */
  readonly resend: () => Promise<T>;
}

/**
 * What becomes of a call that failed: sent once more where that is safe, and otherwise an error that says why.
 *
 * What no other call on this connection would survive is said by the session, too.
 */
export async function recoverCall<T>(error: unknown, hands: RecoveryHands<T>): Promise<T> {
  const { blocksCallers, fail, resend, sent } = hands;
  const required = findAuthorizationRequired(error);
  if (required !== undefined) {
    if (required.grantStays && !blocksCallers) throw required;
    fail(required);
    if (!blocksCallers || sent >= maxSends) throw required;
    return resend();
  }
  if (isSessionGone(error, hands) && sent === 1) {
    // The server has not processed it, so it is safe to send it once more.
    await hands.reconnect();
    return resend();
  }
  if (isConnectionLoss(error) || isRefusal(error)) {
    fail(error);
    // Of this call, and no other: whether it was carried out is unknown, whatever has become of the session since.
    throw classifyFailure(error, hands.server).error;
  }
  throw findPosternError(error) ?? error;
}

/** Denied, revoked, rejected, not renewed: no other call on this connection would fare better. */
function isRefusal(error: unknown): boolean {
  const code = findPosternError(error)?.code;
  if (code === undefined) return SdkHttpError.isInstance(error) && [401, 403].includes(error.data.status);
  // What only this call needs more for says nothing of the others.
  return /^ERR_POSTERN_O?AUTH_/u.test(code) && code !== 'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT';
}

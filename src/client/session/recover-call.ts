import { findPosternError, PosternError } from '../../core/postern-error.ts';
import {
  findAuthorizationRequired,
  type AuthorizationRequiredError,
} from '../auth/authorization-required-error.ts';
import { isRefusal, type FailedCall } from './failed-call.ts';
import { isSameAnswer } from './lost-session.ts';
import {
  classifyFailure,
  httpStatusOf,
  isAway,
  isConnectionLoss,
  isTimeout,
  sessionLost,
  type FailedServer,
} from './session-failure.ts';
import { isStreamEnd } from './watched-transport.ts';

/** How often one call is sent at most, each time after somebody has signed in. */
const maxSends = 4;

/** Of a call that may have been carried out, where nothing more is known. */
const lookFirst = 'Look whether it was done before you call again. A link that was shown is still good.';

/** What a session can do about a call that failed on its connection. */
export interface RecoveryHands<T> {
  readonly server: FailedServer;
  /** How often the call has been sent. */
  readonly sent: number;
  /** Whether the connection has a session that the server may forget. */
  readonly hasSession: boolean;
  /** Whether callers wait for the person. */
  readonly blocksCallers: boolean;
  /** Has the session fail, if the connection is still its own. */
  readonly fail: (error: unknown) => void;
  /** Is told that only this call waits for a person. */
  readonly stepUp: (required: AuthorizationRequiredError) => void;
  /** Opens the session anew, if the connection is still its own. */
  readonly reconnect: () => Promise<void>;
  /** Sends the call once more, over whatever connection there is then. */
  readonly resend: () => Promise<T>;
}

/**
 * What becomes of a call that failed: sent once more where that is safe, and otherwise an error that says why, and whether
 * the call may have been carried out.
 *
 * What no other call on this connection would survive is said by the session, too.
 */
export async function recoverCall<T>(failed: FailedCall, hands: RecoveryHands<T>): Promise<T> {
  const { error, verdict, illness } = failed;
  const required = findAuthorizationRequired(error);
  if (required !== undefined) return askPerson(required, hands);
  if (verdict === 'unprocessed' && hands.sent === 1) return sendAnew(hands);
  if (isRefusal(error)) throw failWith(error, false, hands);
  if (isAway(error, hands.server)) throw failWith(error, true, hands);
  if (isConnectionLoss(error)) throw failWith(error, verdict !== 'unprocessed', hands);
  if (illness !== undefined) return endConnection(failed, hands);
  throw describe(failed, hands);
}

async function askPerson<T>(required: AuthorizationRequiredError, hands: RecoveryHands<T>): Promise<T> {
  const { blocksCallers, fail, stepUp, resend, sent } = hands;
  if (required.grantStays && !blocksCallers) {
    stepUp(required);
    throw required;
  }
  fail(required);
  if (!blocksCallers || sent >= maxSends) throw required;
  return resend();
}

/** The server has not processed it, so it is safe to send it once more. */
async function sendAnew<T>({ reconnect, resend }: RecoveryHands<T>): Promise<T> {
  await reconnect();
  return resend();
}

/** The server fails at what is harmless, too. */
async function endConnection<T>(failed: FailedCall, hands: RecoveryHands<T>): Promise<T> {
  const { error, verdict, illness } = failed;
  const { hasSession, server, fail, sent } = hands;
  if (isRefusal(illness) || findAuthorizationRequired(illness) !== undefined) {
    fail(illness);
    throw describe(failed, hands);
  }
  if (isConnectionLoss(illness) || isTimeout(illness)) throw failWith(illness, true, hands);
  // The same answer to both: it is what this server says to whatever comes in that session.
  const unprocessed = verdict === 'unprocessed' || isSameAnswer(error, illness);
  if (unprocessed && sent === 1) return sendAnew(hands);
  // It was refused by itself, and what is wrong with the server is for whoever asks next.
  if (!hasSession && httpStatusOf(error) === 400) throw describe(failed, hands);
  if (!hasSession) throw failWith(error, !unprocessed, hands);
  const lost = sessionLost(server.name, error, !unprocessed);
  fail(lost);
  throw lost;
}

/** Of this call, and no other: whether it was carried out, whatever has become of the session since. */
function failWith<T>(error: unknown, mayHaveRun: boolean, { server, fail }: RecoveryHands<T>): PosternError {
  fail(error);
  return judge(error, mayHaveRun, server);
}

function judge(error: unknown, mayHaveRun: boolean, server: FailedServer): PosternError {
  const known = classifyFailure(error, { ...server, evidence: { mayHaveRun, ...server.evidence } }).error;
  const { code, message, hint, cause, evidence } = known;
  // That nobody may be there is not what matters of a call that may have reached them.
  const isAboutServer = code === 'ERR_POSTERN_CLIENT_UNREACHABLE';
  if ((hint !== undefined && !isAboutServer) || evidence?.mayHaveRun !== true) return known;
  return new PosternError(code, message, { cause, evidence, hint: lookFirst });
}

/** What the transport says becomes an error of ours; what the server says of the call itself stays as it is. */
function describe<T>({ error, verdict }: FailedCall, { server }: RecoveryHands<T>): unknown {
  const own = findPosternError(error);
  if (own !== undefined) return own;
  const status = httpStatusOf(error);
  const isUnanswered = isTimeout(error) || isStreamEnd(error) || error instanceof SyntaxError;
  if (status === undefined && !isUnanswered) return error;
  const mayHaveRun = verdict !== 'unprocessed' && (status === undefined || status >= 500);
  return judge(error, mayHaveRun, server);
}

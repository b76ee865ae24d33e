import { findPosternError, type PosternError } from '../../core/postern-error.ts';
import { asSdk } from './sdk.ts';
import { httpStatusOf, sessionLost, wasNeverSent } from './session-failure.ts';

/**
 * What an error says of the request and its session.
 *
 * - `unprocessed`: the request was refused before anything was done with it, and another session may fare better;
 * - `suspect`: the server may have forgotten the session, and may as well have refused, or failed at, this one request;
 * - `own`: it is about this one request.
 */
export type SessionVerdict = 'unprocessed' | 'suspect' | 'own';

/**
 * Servers say of a session that they do not know whatever comes to them. These are said before a request is looked at; that
 * the request itself is wrong is found out when a new session does not help.
 */
const refusals: ReadonlySet<number> = new Set([400, 401, 403, 404, 409, 410]);

/** What the protocol itself means by codes of that range. */
const taken: ReadonlySet<number> = new Set([-32_002, -32_021, -32_022, -32_042]);

/** Judges by type and code, never by text: where those leave it open, the server is asked something else. */
export function judgeSession(
  error: unknown,
  { hasSession }: { readonly hasSession: boolean },
): SessionVerdict {
  if (asSdk('UnsupportedProtocolVersionError', error) !== undefined || wasNeverSent(error))
    return 'unprocessed';
  if (findPosternError(error) !== undefined) return 'own';
  const status = httpStatusOf(error);
  if (status === 404 || (hasSession && status !== undefined && refusals.has(status))) return 'unprocessed';
  // Without a session, too, it may be what is said to any request of that version of the protocol.
  if (status !== undefined && (status === 400 || status >= 500)) return 'suspect';
  return hasSession && mayMeanSession(error) ? 'suspect' : 'own';
}

/** Whether a JSON-RPC error can be about the session: "invalid request", or what servers make up for themselves. */
function mayMeanSession(error: unknown): boolean {
  const code = asSdk('ProtocolError', error)?.code;
  if (code === undefined) return false;
  return code === -32_600 || (code <= -32_000 && code >= -32_099 && !taken.has(code));
}

/** What a harmless request's failure says of the session it was sent in: the error for one that is lost, or `undefined`. */
export function lossIn(
  error: unknown,
  session: { readonly server: string; readonly hasSession: boolean; readonly mayHaveRun: boolean },
): PosternError | undefined {
  const status = httpStatusOf(error);
  // Of a credential, rather: there is no call here that a new session could help.
  if (wasNeverSent(error) || status === 401 || status === 403) return undefined;
  return judgeSession(error, session) === 'unprocessed'
    ? sessionLost(session.server, error, session.mayHaveRun)
    : undefined;
}

/** Whether two errors are the same answer to two requests, and no failure of the server's. */
export function isSameAnswer(one: unknown, other: unknown): boolean {
  const [said, again] = [one, other].map((error) => asSdk('ProtocolError', error)?.code);
  if (said !== undefined && again !== undefined) return said === again;
  return httpStatusOf(one) === 400 && httpStatusOf(other) === 400;
}

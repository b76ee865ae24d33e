import type { Client as SdkClient } from '@modelcontextprotocol/client';
import { findPosternError } from '../../core/postern-error.ts';
import { illnessOf } from './ask-as-user.ts';
import { judgeSession, type SessionVerdict } from './lost-session.ts';
import { httpStatusOf, isAway, isConnectionLoss, type FailedServer } from './session-failure.ts';
import { isStreamEnd } from './watched-transport.ts';

/** How long a server has to answer something harmless. */
const checkMs = 5_000;

/** A call, as far as its failure is judged by it. */
export interface CallOnConnection {
  readonly client: SdkClient;
  readonly hasSession: boolean;
  /** How often it has been sent. */
  readonly sent: number;
}

/** A call that failed, with what was found out about its connection while that was still open. */
export class FailedCall {
  readonly error: unknown;
  readonly verdict: SessionVerdict;
  /** What the server answered to something harmless, where that failed, too. */
  readonly illness: unknown;

  private constructor(error: unknown, verdict: SessionVerdict, illness: unknown) {
    this.error = error;
    this.verdict = verdict;
    this.illness = illness;
  }

  /** The same call, as what its failure turned out to be. */
  as(error: unknown): FailedCall {
    return error === this.error ? this : new FailedCall(error, this.verdict, this.illness);
  }

  /** What an error of a call shows; the server is asked where that leaves it open. */
  static async of(
    error: unknown,
    call: CallOnConnection,
    { livenessMs, server }: { readonly livenessMs: number; readonly server: FailedServer },
  ): Promise<FailedCall> {
    const { client, sent } = call;
    const verdict = judgeSession(error, call);
    const isClear =
      isRefusal(error) ||
      isConnectionLoss(error) ||
      isAway(error, server) ||
      (verdict === 'unprocessed' && sent === 1);
    // Of all others, whether the connection is still good is for the server to say.
    const isInQuestion = !isClear && (verdict !== 'own' || isStreamEnd(error));
    const timeoutMs = Math.min(checkMs, livenessMs);
    return new FailedCall(error, verdict, isInQuestion ? await illnessOf(client, timeoutMs) : undefined);
  }
}

/** Denied, revoked, rejected, not renewed: no other call on this connection would fare better. */
export function isRefusal(error: unknown): boolean {
  const code = findPosternError(error)?.code;
  if (code === undefined) return [401, 403].includes(httpStatusOf(error) ?? 0);
  // What only this call needs more for says nothing of the others.
  return /^ERR_POSTERN_O?AUTH_/u.test(code) && code !== 'ERR_POSTERN_OAUTH_SCOPE_INSUFFICIENT';
}

import {
  SdkError,
  SdkErrorCode,
  type RequestOptions,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { PosternError } from '../core/postern-error.ts';

/** How long a client has for a request, and how much of that before it is pinged, and again to answer the ping. */
export interface AnswerLimits {
  readonly answerMs: number;
  readonly pingMs: number;
}

/** By default a client that answers nothing is known for one after ten seconds; never after less than two: it may be busy. */
const pings = { longestMs: 5_000, shortestMs: 1_000 } as const;

/** @param answerMs for a person, or a model, at the other end. */
export function answerLimits(answerMs: number): AnswerLimits {
  return { answerMs, pingMs: Math.max(pings.shortestMs, Math.min(pings.longestMs, answerMs / 4)) };
}

/**
 * Sends a request to the client of a call, of a session of an older revision, and does not wait for ever.
 *
 * Who answers takes their time, and a client that hears nothing of what a server asks has none to give: that is found out
 * by a ping, which every client answers at once.
 *
 * @param options the handler's own time-out is the limit, if there is one.
 * @throws {PosternError} ERR_POSTERN_OOB_CLIENT_SILENT when there is no answer, naming the limit.
 */
export async function answerOf<T>(
  { mcpReq }: Pick<ServerContext, 'mcpReq'>,
  limits: AnswerLimits,
  method: string,
  options: RequestOptions | undefined,
  send: (options: RequestOptions) => Promise<T>,
): Promise<T> {
  const { timeout = limits.answerMs, signal: given } = options ?? {};
  const stop = new AbortController();
  const done = new AbortController();
  const signals = [stop.signal, ...(given ? [given] : [])];
  const ping = async (): Promise<void> => {
    const pinged = mcpReq.send({ method: 'ping' }, { timeout: limits.pingMs, signal: done.signal });
    // An error, too, is an answer, and what cannot be sent says so by itself.
    await pinged.catch((error: unknown) => {
      if (isTimeout(error) && !done.signal.aborted) stop.abort(silent(method, 2 * limits.pingMs));
    });
  };
  const timer = setTimeout(() => void ping(), limits.pingMs);
  try {
    return await send({ ...options, timeout, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (stop.signal.aborted) throw stop.signal.reason;
    const isCancelled = given?.aborted === true || mcpReq.signal.aborted;
    throw isTimeout(error) && !isCancelled ? silent(method, timeout, error) : error;
  } finally {
    clearTimeout(timer);
    done.abort();
  }
}

function isTimeout(error: unknown): boolean {
  return SdkError.isInstance(error) && error.code === SdkErrorCode.RequestTimeout;
}

function silent(method: string, limitMs: number, cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_OOB_CLIENT_SILENT',
    `the client has not answered ${method} within ${limitMs} ms`,
    {
      cause,
      hint: `It had ${limitMs / 1000} seconds. Answer what the client shows, and call again; or use a client that can show it.`,
    },
  );
}

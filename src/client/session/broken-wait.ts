import { sleep } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { asSdk } from './sdk.ts';
import { httpStatusOf, isConnectionLoss, wasNeverSent } from './session-failure.ts';
import { isStreamEnd } from './watched-transport.ts';

/** Before a request is sent once more: together about as long as another process takes to be there. */
const usualPausesMs: readonly number[] = [250, 1_000, 2_000, 4_000];

/** What a proxy says whose process behind it went away. */
const gone: ReadonlySet<number> = new Set([502, 504]);

/** One request that waits for a person, with the request state of what it belongs to. */
export interface WaitingRequest<T> {
  readonly server: string;
  readonly send: () => Promise<T>;
  /** The server says that what the state belongs to runs once, however often the state comes. */
  readonly isSingleUse: boolean;
  readonly signal: AbortSignal | undefined;
  /** How long to wait before each further time. */
  readonly pausesMs?: readonly number[] | undefined;
}

/**
 * Sends a request that waits for a person, and once more when its connection broke, where that can do nothing twice.
 *
 * @throws {PosternError} ERR_POSTERN_CLIENT_CONNECTION_FAILED when it cannot be sent again, or in vain.
 */
export async function sendWaiting<T>(request: WaitingRequest<T>): Promise<T> {
  const { send, isSingleUse, signal, pausesMs = usualPausesMs } = request;
  let broke: unknown;
  for (let tries = 0; ; tries++) {
    try {
      return await send();
    } catch (error) {
      signal?.throwIfAborted();
      // It has run before its answer was lost: what became of it, nobody here can know.
      if (broke !== undefined && isSpent(error)) throw brokenWait(request, broke);
      if (!hasBroken(error)) throw error;
      broke ??= error;
      const pauseMs = pausesMs[tries];
      if (!isSingleUse || pauseMs === undefined) throw brokenWait(request, error);
      await sleep(pauseMs, { signal });
    }
  }
}

function hasBroken(error: unknown): boolean {
  return (
    gone.has(httpStatusOf(error) ?? 0) || isConnectionLoss(error) || isStreamEnd(error) || wasNeverSent(error)
  );
}

/** The server takes no state a second time. */
function isSpent(error: unknown): boolean {
  return asSdk('ProtocolError', error)?.code === -32_602;
}

function brokenWait({ server }: WaitingRequest<unknown>, cause: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the connection to ${JSON.stringify(server)} broke while a person was waited for`,
    {
      cause,
      hint: 'Call again; the link is still good. Where that may do something twice, look first whether it was done.',
      evidence: { httpStatus: httpStatusOf(cause), mayHaveRun: !wasNeverSent(cause) },
    },
  );
}

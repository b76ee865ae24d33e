import type { PosternErrorCode } from '../../core/error-codes.ts';
import type { FailureEvidence } from '../../core/failure-evidence.ts';
import { findPosternError, PosternError, type PosternErrorOptions } from '../../core/postern-error.ts';
import { untilRetry } from '../../core/retry-after.ts';
import { findInChain } from './find-in-chain.ts';
import { asSdk, sdkCodeIn } from './sdk.ts';
import { isBusyStatus, type AskedPause } from './server-pause.ts';
import { sessionStatuses, type SessionStatus } from './session-status.ts';
import { isStreamEnd } from './watched-transport.ts';

/** What a failure means for a session: its status, and the error it keeps. */
export interface SessionFailure {
  readonly status: Extract<
    SessionStatus,
    'AUTH_PENDING' | 'AUTH_FAILED' | 'CONNECTION_FAILED' | 'SERVER_UNREACHABLE' | 'FAILED'
  >;
  readonly error: PosternError;
}

/** What is known of the server whose failure is judged. */
export interface FailedServer {
  readonly name: string;
  /** Whether what it was sent is the operator's: a key, a header, or nothing. No person can give another. */
  readonly hasStaticCredential?: boolean | undefined;
  /** What was seen of it: of a process, how it ended; of a call, whether it may have been carried out. */
  readonly evidence?: FailureEvidence | undefined;
  /** What it asked for, where it asks to be left alone. */
  readonly pause?: AskedPause | undefined;
}

/** Codes of the system's own errors that say nobody is there: nothing was sent. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Classifies a failure by type and code, never by its text. */
export function classifyFailure(error: unknown, server: FailedServer): SessionFailure {
  const known = findPosternError(error);
  if (known !== undefined) return { status: statusOf(known), error: withEvidence(known, server.evidence) };
  const fail = failing(server, error);
  const http = httpStatusOf(error);
  if (http !== undefined) return classifyStatus(http, server, fail);
  const code = systemCodeOf(error);
  if (code === 'ENOENT' || code === 'EACCES') {
    return fail(
      'FAILED',
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the command of $ cannot be started (${code})`,
      {
        hint: 'Check the command, and that it is on the PATH.',
      },
    );
  }
  if (code === 'ETIMEDOUT' || (code !== undefined && unreachable.has(code))) {
    return fail(
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
      `the server $ does not answer (${code})`,
    );
  }
  if (isStreamEnd(error)) {
    return fail(
      'CONNECTION_FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
      'the server $ ended its stream before it had answered',
    );
  }
  switch (sdkCodeOf(error)) {
    case 'RequestTimeout':
      return fail(
        'SERVER_UNREACHABLE',
        'ERR_POSTERN_CLIENT_UNREACHABLE',
        'the server $ did not answer in time',
      );
    case 'ConnectionClosed':
    case 'SendFailed':
    case 'NotConnected':
      return fail('CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED', lossOf(server.evidence));
    default:
      return fail(
        'FAILED',
        'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
        'the server $ does not speak a protocol we know',
        { hint: 'Is the URL that of an MCP endpoint?' },
      );
  }
}

/** The server no longer knows the session. */
export function sessionLost(server: string, cause: unknown, mayHaveRun: boolean): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_SESSION_LOST',
    `the server ${JSON.stringify(server)} no longer knows the session`,
    {
      cause,
      evidence: { httpStatus: httpStatusOf(cause), mayHaveRun },
      hint: 'The next call opens another one.',
    },
  );
}

/** Of a call that finds no connection, and none to be had. */
export function notConnected(server: string, status: SessionStatus): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_NOT_CONNECTED',
    `the session with ${JSON.stringify(server)} is ${status}`,
    { hint: sessionStatuses[status].whatToDo },
  );
}

/** Of a connection that was there, and closed by itself. */
export function connectionClosed(server: string, evidence: FailureEvidence | undefined): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    lossOf(evidence).replace('$', () => JSON.stringify(server)),
    { evidence, hint: 'The next call connects again.' },
  );
}

export function tooSlow(server: string, timeoutMs: number): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_UNREACHABLE',
    `the session with ${JSON.stringify(server)} was not connected within ${timeoutMs} ms`,
  );
}

export function closedMeanwhile(server: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CLOSED',
    `the session with ${JSON.stringify(server)} was closed while it connected`,
  );
}

/** The HTTP status that a failure is about. */
export function httpStatusOf(error: unknown): number | undefined {
  return findInChain(error, (cause) => {
    const http = asSdk('SdkHttpError', cause);
    if (http !== undefined) return http.data.status;
    return asSdk('InsufficientScopeError', cause) && 403;
  });
}

/** Whether a failure shows that a connection is gone, rather than that one request was wrong. */
export function isConnectionLoss(error: unknown): boolean {
  const own = findPosternError(error);
  if (own !== undefined)
    return (
      own.code === 'ERR_POSTERN_CLIENT_UNREACHABLE' || own.code === 'ERR_POSTERN_CLIENT_CONNECTION_FAILED'
    );
  const code = sdkCodeOf(error);
  return code === 'ConnectionClosed' || code === 'NotConnected' || code === 'SendFailed';
}

/** Whether it is certain that nothing was sent: nobody was there to take it. */
export function wasNeverSent(error: unknown): boolean {
  const own = findPosternError(error)?.code;
  // An authorization server that is away is another matter.
  if (own !== undefined && own !== 'ERR_POSTERN_CLIENT_UNREACHABLE') return false;
  const code = systemCodeOf(error);
  return (code !== undefined && unreachable.has(code)) || sdkCodeOf(error) === 'NotConnected';
}

/** Whether the time of one request was over. */
export function isTimeout(error: unknown): boolean {
  return sdkCodeOf(error) === 'RequestTimeout';
}

type Fail = (
  status: SessionFailure['status'],
  code: PosternErrorCode,
  /** With `$` for the server's name. */
  message: string,
  more?: PosternErrorOptions,
) => SessionFailure;

function failing({ name, evidence }: FailedServer, cause: unknown): Fail {
  return (status, code, message, more = {}) => ({
    status,
    error: new PosternError(
      code,
      message.replace('$', () => JSON.stringify(name)),
      {
        cause,
        hint: more.hint,
        evidence: evidence || more.evidence ? { ...evidence, ...more.evidence } : undefined,
      },
    ),
  });
}

/** Whether a whole service says that it is away for a while: nothing else has to be asked of it. */
export function isAway(error: unknown, { pause }: Pick<FailedServer, 'pause'>): boolean {
  return pause !== undefined && httpStatusOf(error) === 503;
}

function classifyStatus(
  status: number,
  { hasStaticCredential, pause }: FailedServer,
  fail: Fail,
): SessionFailure {
  const evidence = { httpStatus: status };
  if (status === 401 || status === 403) {
    if (hasStaticCredential === true) {
      return fail(
        'AUTH_FAILED',
        'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED',
        `the server $ refuses what it is configured with (HTTP ${status})`,
        {
          hint: 'Check the key or header in its configuration: it may have ended, or been replaced. If a person should sign in, configure OAuth.',
          evidence,
        },
      );
    }
    return fail(
      'AUTH_FAILED',
      'ERR_POSTERN_AUTH_REJECTED',
      `the server $ refuses the credential (HTTP ${status})`,
      {
        hint: 'Check the account, and what it is allowed to do there.',
        evidence,
      },
    );
  }
  const message = `the server $ answered HTTP ${status}`;
  if (status === 408 || status === 429 || status >= 500) {
    const more =
      isBusyStatus(status) && pause !== undefined ? untilRetry(pause.retryAtMs, { evidence }) : { evidence };
    return fail('CONNECTION_FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED', message, more);
  }
  return fail('FAILED', 'ERR_POSTERN_CLIENT_CONNECTION_FAILED', message, {
    hint: 'Is the URL that of an MCP endpoint?',
    evidence,
  });
}

function statusOf({ code }: PosternError): SessionFailure['status'] {
  if (code === 'ERR_POSTERN_AUTH_REQUIRED') return 'AUTH_PENDING';
  if (code === 'ERR_POSTERN_CLIENT_UNREACHABLE') return 'SERVER_UNREACHABLE';
  if (code === 'ERR_POSTERN_CLIENT_CONNECTION_FAILED' || code === 'ERR_POSTERN_CLIENT_SESSION_LOST')
    return 'CONNECTION_FAILED';
  if (code.startsWith('ERR_POSTERN_STORAGE_') || code.startsWith('ERR_POSTERN_LEASE_'))
    return 'CONNECTION_FAILED';
  return /^ERR_POSTERN_(?:AUTH|OAUTH|PENDING)_/u.test(code) ? 'AUTH_FAILED' : 'FAILED';
}

/** The same error, with what was seen beside it. What it knows itself goes first. */
function withEvidence(error: PosternError, evidence: FailureEvidence | undefined): PosternError {
  if (evidence === undefined || !isConnectionLoss(error)) return error;
  return new PosternError(error.code, error.message, {
    cause: error,
    hint: error.hint,
    evidence: { ...evidence, ...error.evidence },
  });
}

/** How a connection ended, in a sentence with `$` for the server's name. */
function lossOf({ exit, stderr }: FailureEvidence = {}): string {
  if (exit === undefined) return 'the connection to $ broke';
  const how = typeof exit === 'number' ? `exit code ${exit}` : `signal ${exit}`;
  return `the process of $ ended (${how})${stderr === undefined ? '' : `; its last words: ${stderr.slice(-lastWords)}`}`;
}

/** What of a process's last words a message repeats; the evidence has more. */
const lastWords = 500;

function systemCodeOf(error: unknown): string | undefined {
  return findInChain(error, (cause) => {
    if (!(cause instanceof Error)) return undefined;
    const { code } = cause as NodeJS.ErrnoException;
    return /^(?:E[A-Z]+|EAI_[A-Z]+|UND_ERR_[A-Z_]+)$/u.test(String(code)) ? code : undefined;
  });
}

function sdkCodeOf(error: unknown): ReturnType<typeof sdkCodeIn> {
  return findInChain(error, sdkCodeIn);
}

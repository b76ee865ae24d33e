import {
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  UnsupportedProtocolVersionError,
} from '@modelcontextprotocol/client';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import { findPosternError, PosternError } from '../../core/postern-error.ts';
import { sessionStatuses, type SessionStatus } from './session-status.ts';

/** What a failure means for a session: its status, and the error it keeps. */
export interface SessionFailure {
  readonly status: Extract<
    SessionStatus,
    'AUTH_PENDING' | 'AUTH_FAILED' | 'CONNECTION_FAILED' | 'SERVER_UNREACHABLE' | 'FAILED'
  >;
  readonly error: PosternError;
}

/** Codes of the system's own errors that say nobody is there. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EAI_AGAIN',
]);

/** Classifies a failure by type and code, never by its text. */
export function classifyFailure(error: unknown, server: string): SessionFailure {
  const known = findPosternError(error);
  if (known !== undefined) return { status: statusOf(known.code), error: known };
  const name = JSON.stringify(server);
  const http = findInChain(error, (cause) => (SdkHttpError.isInstance(cause) ? cause : undefined));
  if (http !== undefined) return classifyStatus(http.data.status, name, error);
  const code = findInChain(error, (cause) =>
    cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined,
  );
  if (code === 'ENOENT' || code === 'EACCES') {
    return failure(
      'FAILED',
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      `the command of ${name} cannot be started (${code})`,
      error,
      'Check the command, and that it is on the PATH.',
    );
  }
  if (code !== undefined && unreachable.has(code)) {
    return failure(
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
      `the server ${name} does not answer (${code})`,
      error,
    );
  }
  const sdk = findInChain(error, (cause) => (SdkError.isInstance(cause) ? cause : undefined));
  switch (sdk?.code) {
    case SdkErrorCode.RequestTimeout:
      return failure(
        'SERVER_UNREACHABLE',
        'ERR_POSTERN_CLIENT_UNREACHABLE',
        `the server ${name} did not answer in time`,
        error,
      );
    case SdkErrorCode.ConnectionClosed:
    case SdkErrorCode.SendFailed:
    case SdkErrorCode.NotConnected:
      return failure(
        'CONNECTION_FAILED',
        'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
        `the connection to ${name} broke`,
        error,
      );
    default:
      return failure(
        'FAILED',
        'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
        `the server ${name} does not speak a protocol we know`,
        error,
        'Is the URL that of an MCP endpoint?',
      );
  }
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
export function connectionClosed(server: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the connection to ${JSON.stringify(server)} was closed`,
    { hint: 'The next call connects again.' },
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

/** Whether a failure shows that a connection is gone, rather than that one request was wrong. */
export function isConnectionLoss(error: unknown): boolean {
  if (findPosternError(error)?.code === 'ERR_POSTERN_CLIENT_UNREACHABLE') return true;
  const sdk = findInChain(error, (cause) => (SdkError.isInstance(cause) ? cause : undefined));
  return (
    sdk?.code === SdkErrorCode.ConnectionClosed ||
    sdk?.code === SdkErrorCode.NotConnected ||
    sdk?.code === SdkErrorCode.SendFailed
  );
}

/**
 * Whether the server has forgotten the session, or no longer speaks what was agreed on: the request was not processed, and
 * a new session will do. Many say 400 of a session they do not know, which a new one tells from a request that is wrong.
 */
export function isSessionGone(error: unknown, { hasSession }: { readonly hasSession: boolean }): boolean {
  if (UnsupportedProtocolVersionError.isInstance(error)) return true;
  if (!SdkHttpError.isInstance(error)) return false;
  return error.data.status === 404 || (hasSession && error.data.status === 400);
}

function classifyStatus(status: number, name: string, cause: unknown): SessionFailure {
  if (status === 401 || status === 403) {
    return failure(
      'AUTH_FAILED',
      'ERR_POSTERN_AUTH_REJECTED',
      `the server ${name} refuses the credential (HTTP ${status})`,
      cause,
      'Check the key or account configured for it.',
    );
  }
  if (status === 408 || status === 429 || status >= 500) {
    return failure(
      'CONNECTION_FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
      `the server ${name} answered HTTP ${status}`,
      cause,
    );
  }
  return failure(
    'FAILED',
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the server ${name} answered HTTP ${status}`,
    cause,
    'Is the URL that of an MCP endpoint?',
  );
}

function statusOf(code: PosternErrorCode): SessionFailure['status'] {
  if (code === 'ERR_POSTERN_AUTH_REQUIRED') return 'AUTH_PENDING';
  if (code === 'ERR_POSTERN_CLIENT_UNREACHABLE') return 'SERVER_UNREACHABLE';
  if (code.startsWith('ERR_POSTERN_STORAGE_') || code.startsWith('ERR_POSTERN_LEASE_'))
    return 'CONNECTION_FAILED';
  if (/^ERR_POSTERN_(?:AUTH|OAUTH|PENDING)_/u.test(code)) return 'AUTH_FAILED';
  return code === 'ERR_POSTERN_CLIENT_CONNECTION_FAILED' ? 'CONNECTION_FAILED' : 'FAILED';
}

function failure(
  status: SessionFailure['status'],
  code: PosternErrorCode,
  message: string,
  cause: unknown,
  hint?: string,
): SessionFailure {
  return { status, error: new PosternError(code, message, { cause, hint }) };
}

function findInChain<T>(error: unknown, pick: (cause: unknown) => T | undefined): T | undefined {
  let current = error;
  for (let depth = 0; depth < 8 && current !== undefined && current !== null; depth++) {
    const found = pick(current);
    if (found !== undefined) return found;
    current = (current as { cause?: unknown }).cause;
  }
  return undefined;
}

import { PosternError } from '../../core/postern-error.ts';

const hints: ReadonlyMap<number, string> = new Map([
  [401, 'Check the headers and the sign-in that are configured for it.'],
  [403, 'Check the headers and the sign-in that are configured for it, and what this account may do.'],
  [404, 'Check that the URL is the one of the MCP endpoint, path included.'],
  [405, 'Check that the URL is the one of the MCP endpoint, path included.'],
]);

/** A server answered with an HTTP status that is no answer to a message. */
export function httpStatusError(server: string, httpStatus: number): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the server ${JSON.stringify(server)} answered HTTP ${httpStatus}`,
    {
      evidence: { httpStatus },
      hint: hints.get(httpStatus),
    },
  );
}

/** A server does not say what the protocol wants it to say. */
export function speechError(server: string, what: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the server ${JSON.stringify(server)} ${what}`,
    { hint: 'The operator of that server has to look.', evidence: { mayHaveRun: true } },
  );
}

/** A connection ended before it had brought what was waited for. */
export function brokenError(server: string, cause?: unknown): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    `the connection to ${JSON.stringify(server)} ended before the answer`,
    { cause, evidence: { mayHaveRun: true } },
  );
}

/** A server does not know a session any more. Nothing was done with what was sent in it. */
export function sessionLostError(server: string): PosternError {
  return new PosternError(
    'ERR_POSTERN_CLIENT_SESSION_LOST',
    `the server ${JSON.stringify(server)} no longer knows the session`,
    { evidence: { httpStatus: 404, mayHaveRun: false } },
  );
}

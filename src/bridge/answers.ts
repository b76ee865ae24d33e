import { explain } from '../core/explain.ts';
import { findPosternError } from '../core/postern-error.ts';
import type { AuthChallenge } from '../client/auth/authorization-required-error.ts';
import { errorText, resultText, rpcCodes, type MessageId } from '../wire/message.ts';
import { textAt } from '../wire/members.ts';

/** What the tool is called that gives its person the link. */
export const loginToolName = 'login';

/** The tool that a server is represented by until somebody has signed in. */
export function loginTool(server: string): object {
  return {
    name: loginToolName,
    title: `Sign in to ${server}`,
    description: `Nobody has signed in to ${server} yet, so its tools are not known. This one gives the link by which the user signs in. The other tools appear by themselves when they have.`,
    inputSchema: { type: 'object', properties: {}, additionalProperties: false },
    annotations: { readOnlyHint: true, openWorldHint: true },
  };
}

/** How a request ends that could not be done. */
export function failureText(id: MessageId, error: unknown): string {
  const own = findPosternError(error);
  if (own === undefined)
    return errorText(id, { code: rpcCodes.internalError, message: explain(error, { for: 'person' }) });
  const message = `${own.message}${own.hint === undefined ? '' : `. ${own.hint}`}`;
  const { mayHaveRun, httpStatus } = own.evidence ?? {};
  return errorText(id, {
    code: rpcCodes.serverError,
    message,
    data: {
      code: own.code,
      retry: own.facts.retry,
      ...(mayHaveRun !== undefined && { mayHaveRun }),
      ...(httpStatus !== undefined && { httpStatus }),
    },
  });
}

/** How a request ends that its person has to sign in for: a tool's call with the link in words, any other with an error. */
export function linkText(id: MessageId, challenge: AuthChallenge, method: string): string {
  const text = wordsFor(challenge);
  const structuredContent = { pending: pendingOf(challenge) };
  if (method === 'tools/call')
    return resultText(id, { content: [{ type: 'text', text }], structuredContent, isError: true });
  return errorText(id, {
    code: rpcCodes.serverError,
    message: text,
    data: { code: 'ERR_POSTERN_AUTH_REQUIRED', ...structuredContent },
  });
}

/** What the login tool answers while somebody is waited for. */
export function loginText(id: MessageId, challenge: AuthChallenge): string {
  const structuredContent = { pending: pendingOf(challenge) };
  return resultText(id, { content: [{ type: 'text', text: wordsFor(challenge) }], structuredContent });
}

/** A result of one sentence. */
export function saidText(id: MessageId, text: string): string {
  return resultText(id, { content: [{ type: 'text', text }] });
}

/** A result that was kept, as the answer to a request. It stays as it is. */
export function keptText(id: MessageId, result: string): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`;
}

/** The JSON of the result in the JSON of an answer. */
export function resultIn(text: string): string | undefined {
  return textAt(text, ['result']);
}

function wordsFor({ server, url, userCode, verificationUri, expiresAtMs }: AuthChallenge): string {
  const until = `until ${new Date(expiresAtMs).toISOString()}`;
  const how =
    userCode !== undefined && verificationUri !== undefined
      ? `enter the code ${userCode} at ${verificationUri} (any device, ${until}), or open ${url} on this machine`
      : `open this link on this machine (${until}): ${url}`;
  return `The user has to sign in to ${JSON.stringify(server)} before this can go on. Show them this, and when they are done, ask for the same again.\nTo sign in, ${how}`;
}

function pendingOf({ pendingId, kind, url, message, expiresAtMs }: AuthChallenge): object {
  return { id: pendingId, kind, url, message, expiresAt: new Date(expiresAtMs).toISOString() };
}

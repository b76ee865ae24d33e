import {
  inputRequired,
  UrlElicitationRequiredError,
  type CallToolResult,
  type InputRequiredResult,
} from '@modelcontextprotocol/server';
import { errorCodes } from '../core/error-codes.ts';
import type { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Interaction } from '../interaction/interaction-required-error.ts';

/** A pending as a program reads it in `structuredContent` of a result that says that a person is needed. */
export interface PendingContent {
  readonly id: string;
  readonly kind: string;
  readonly url: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly resource?: string;
  readonly alias?: string;
}

/** For a client that cannot show a link by itself: the link in words, and the pending for programs. */
export function linkResult(interactions: readonly Interaction[]): CallToolResult {
  const pendings = interactions.map(pendingContent);
  const lines = interactions.map(({ message, url, expiresAtMs }) => {
    return `${message}: ${url} (until ${new Date(expiresAtMs).toISOString()})`;
  });
  const text = `A person has to do something before this call can go on. Show them the link, and when they are done, call the tool again.\n${lines.join('\n')}`;
  return {
    isError: true,
    content: [{ type: 'text', text }],
    structuredContent: { pending: pendings[0], ...(pendings.length > 1 && { pendings }) },
  };
}

/** How a call ends that could not be done. What the code means is told, and nothing of the error but its hint. */
export function failureResult({ code, hint }: Pick<PosternError, 'code' | 'hint'>): CallToolResult {
  const { meaning, retry } = errorCodes[code];
  const text = [meaning, hint, `(${code})`].filter((part) => part !== undefined).join(' ');
  return {
    isError: true,
    content: [{ type: 'text', text }],
    structuredContent: { error: { code, retry, ...(hint !== undefined && { hint }) } },
  };
}

/** For a client of the revision 2026-07-28. Who has accepted is only polled for, and not asked again. */
export function inputRequiredResult(
  interactions: readonly (Interaction & { readonly key: string; readonly accepted: boolean })[],
  requestState: string,
): InputRequiredResult {
  const asking = interactions.filter(({ accepted }) => !accepted);
  if (asking.length === 0) return inputRequired({ requestState });
  const requests = asking.map(
    ({ key, message, url }) => [key, inputRequired.elicitUrl({ message, url })] as const,
  );
  return inputRequired({ inputRequests: Object.fromEntries(requests), requestState });
}

/** For a client of the revision 2025-11-25 that no request can be sent to. */
export async function urlElicitationError(
  interactions: readonly Interaction[],
): Promise<UrlElicitationRequiredError> {
  const elicitations = interactions.map(async ({ message, url, pendingId }) => {
    return { mode: 'url' as const, message, url, elicitationId: await elicitationId(pendingId) };
  });
  return new UrlElicitationRequiredError(await Promise.all(elicitations));
}

/** The id a pending is elicited by. Nobody else's: for each session another. */
export function elicitationId(pendingId: string, session = ''): Promise<string> {
  return hashId(`elicitation ${pendingId} ${session}`);
}

function pendingContent({ pendingId, kind, url, expiresAtMs, resource, alias }: Interaction): PendingContent {
  return {
    id: pendingId,
    kind,
    url,
    expiresAt: new Date(expiresAtMs).toISOString(),
    ...(resource !== undefined && { resource }),
    ...(alias !== undefined && { alias }),
  };
}

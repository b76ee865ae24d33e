import {
  inputRequired,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  UrlElicitationRequiredError,
  type CallToolResult,
  type InputRequiredResult,
} from '@modelcontextprotocol/server';
import { errorCodes } from '../core/error-codes.ts';
import { explain } from '../core/explain.ts';
import { nextBy } from '../core/plain-words.ts';
import type { PosternError } from '../core/postern-error.ts';
import { hashId } from '../core/random.ts';
import type { Interaction } from '../interaction/interaction-required-error.ts';
import { singleUseState } from '../interaction/single-use-state.ts';
import type { CallClient } from './call-client.ts';

/** A pending as a program reads it in `structuredContent` of a result that says that a person is needed. */
export interface PendingContent {
  readonly id: string;
  readonly kind: string;
  readonly url: string;
  /** What is asked for, in a sentence for the person. Some clients show their people nothing but this content. */
  readonly message: string;
  /** RFC 3339. */
  readonly expiresAt: string;
  readonly resource?: string;
  readonly alias?: string;
}

/** How a call is answered that came to no result of its handler's. Tools answer with results, the others with errors. */
export interface CallAnswers<R> {
  /** Where its client shows no links by itself, or its person did not take what it showed: the link in words. */
  readonly link: (interactions: readonly Interaction[], client: CallClient) => Promise<R>;
  /** Whether that is also for a client of which nobody knows what it can show. Otherwise that gets the error -32042. */
  readonly linkToAny?: boolean | undefined;
  /** How a call ends that could not be done: in words for a model, and with nothing of the error but what is safe to tell. */
  readonly failure: (error: Failure) => R;
}

type Failure = Pick<PosternError, 'code' | 'hint'> & Partial<Pick<PosternError, 'evidence'>>;

export const toolAnswers: CallAnswers<CallToolResult> = {
  async link(interactions) {
    const text = wordsFor(interactions);
    return { isError: true, content: [{ type: 'text', text }], structuredContent: contentFor(interactions) };
  },
  failure(error) {
    const text = failureText(error);
    return {
      isError: true,
      content: [{ type: 'text', text }],
      structuredContent: { error: failureContent(error) },
    };
  },
};

/** For what has no result but its own: resources and prompts. */
export const errorAnswers: CallAnswers<never> = {
  async link(interactions, client) {
    const words = wordsFor(interactions);
    switch (client) {
      case 'none':
        throw new MissingRequiredClientCapabilityError(
          { requiredCapabilities: { elicitation: { url: {} } } },
          words,
        );
      case 'input-required':
        throw new ProtocolError(ProtocolErrorCode.InternalError, words, contentFor(interactions));
      default:
        throw await urlElicitationError(interactions);
    }
  },
  failure(error) {
    const isState = error.code === 'ERR_POSTERN_OOB_STATE_INVALID';
    const code = isState ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
    throw new ProtocolError(code, failureText(error), failureContent(error));
  },
};

/** For a client of the revision 2026-07-28. Who has accepted is only polled for, and not asked again. */
export function inputRequiredResult(
  interactions: readonly (Interaction & { readonly key: string; readonly accepted: boolean })[],
  requestState: string,
): InputRequiredResult {
  const asking = interactions.filter(({ accepted }) => !accepted);
  const _meta = { [singleUseState]: true };
  if (asking.length === 0) return { ...inputRequired({ requestState }), _meta };
  const requests = asking.map(
    ({ key, message, url }) => [key, inputRequired.elicitUrl({ message, url })] as const,
  );
  return { ...inputRequired({ inputRequests: Object.fromEntries(requests), requestState }), _meta };
}

/** For a client of the revision 2025-11-25 that no request can be sent to. Many show their people its message only. */
export async function urlElicitationError(
  interactions: readonly Interaction[],
): Promise<UrlElicitationRequiredError> {
  const elicitations = interactions.map(async ({ message, url, pendingId }) => {
    return { mode: 'url' as const, message, url, elicitationId: await elicitationId(pendingId) };
  });
  return new UrlElicitationRequiredError(await Promise.all(elicitations), wordsFor(interactions));
}

/** The id a pending is elicited by. Nobody else's: for each session another. */
export function elicitationId(pendingId: string, session = ''): Promise<string> {
  return hashId(`elicitation ${pendingId} ${session}`);
}

function wordsFor(interactions: readonly Interaction[]): string {
  const lines = interactions.map(({ message, url, expiresAtMs }) => {
    return `${message}: ${url} (until ${new Date(expiresAtMs).toISOString()})`;
  });
  return `A person has to do something before this can go on. Show them the link, and when they are done, ask for the same again.\n${lines.join('\n')}`;
}

function contentFor(interactions: readonly Interaction[]): Record<string, unknown> {
  const pendings = interactions.map(pendingContent);
  return { pending: pendings[0], ...(pendings.length > 1 && { pendings }) };
}

function failureText(failure: Failure): string {
  const words = [
    explain(failure, { for: 'model' }),
    isOperators(failure) ? undefined : failure.hint,
    `(${failure.code})`,
  ];
  return words.filter((part) => part !== undefined).join(' ');
}

function failureContent(failure: Failure): Record<string, unknown> {
  const { code, evidence } = failure;
  const hint = hintFor(failure);
  const retryAtMs = evidence?.retryAtMs;
  return {
    code,
    retry: errorCodes[code].retry,
    ...(hint !== undefined && { hint }),
    ...(retryAtMs !== undefined && { retryAt: new Date(retryAtMs).toISOString() }),
  };
}

/** What to do next, for whoever called. */
function hintFor(failure: Failure): string | undefined {
  if (!isOperators(failure)) return failure.hint;
  return nextBy.operator[errorCodes[failure.code].retry ? 'passing' : 'final'];
}

/** What is to be done about a store, and its keys, concerns whoever runs the server: it is in their log. */
function isOperators({ code }: Failure): boolean {
  return code.startsWith('ERR_POSTERN_STORAGE_');
}

export function pendingContent(interaction: Interaction): PendingContent {
  const { pendingId, kind, url, message, expiresAtMs, resource, alias } = interaction;
  return {
    id: pendingId,
    kind,
    url,
    message,
    expiresAt: new Date(expiresAtMs).toISOString(),
    ...(resource !== undefined && { resource }),
    ...(alias !== undefined && { alias }),
  };
}

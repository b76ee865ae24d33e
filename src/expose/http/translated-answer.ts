import { envelopeOf, metaKeys } from '../../wire/eras/envelope.ts';
import { inputRequiredResult } from '../../wire/eras/input-required.ts';
import { withMember } from '../../wire/members.ts';
import {
  errorText,
  isObject,
  resultText,
  rpcCodes,
  type ErrorMessage,
  type RequestMessage,
  type ResultMessage,
} from '../../wire/message.ts';

/** An answer, and its text. */
export interface TranslatedAnswer {
  readonly message: ResultMessage | ErrorMessage;
  readonly text: string;
}

/** Answers that say how long they may be kept. */
const cacheable: ReadonlySet<string> = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

/** In the older revisions a resource that is not there; the new one has no code of its own for it. */
const resourceNotFound = -32_002;
const maxLinks = 16;

/** An answer of an older revision as one of 2026-07-28, of which all stays as it is written that is the same in both. */
export function translateAnswer(
  message: ResultMessage | ErrorMessage,
  text: string,
  asked: RequestMessage,
  initialized: unknown,
): TranslatedAnswer {
  if (message.kind === 'error') return translateError(message, text, asked);
  const { result } = message;
  if (!isObject(result)) return { message, text };
  const serverInfo = isObject(initialized) ? initialized['serverInfo'] : undefined;
  const added: Record<string, unknown> = {
    ...(result['resultType'] === undefined && { resultType: 'complete' }),
    ...(cacheable.has(asked.method) && result['ttlMs'] === undefined && { ttlMs: 0 }),
    ...(cacheable.has(asked.method) && result['cacheScope'] === undefined && { cacheScope: 'private' }),
    ...(serverInfo !== undefined && {
      _meta: { ...(isObject(result['_meta']) ? result['_meta'] : {}), [metaKeys.serverInfo]: serverInfo },
    }),
  };
  let changed: string | undefined = text;
  for (const [name, value] of Object.entries(added)) {
    changed = changed && withMember(changed, ['result'], name, JSON.stringify(value));
  }
  const whole = { ...result, ...added };
  return { message: { ...message, result: whole }, text: changed ?? resultText(asked.id, whole) };
}

/** A request that is sent once more, as the older revisions know it: from its start. */
export function withoutRetry(message: RequestMessage): RequestMessage {
  const { params } = message;
  if (params?.['inputResponses'] === undefined && params?.['requestState'] === undefined) return message;
  const { inputResponses: _responses, requestState: _state, ...rest } = params;
  const { text: _text, ...same } = message;
  return { ...same, params: rest };
}

/** Whether its user has said no to something that it asked for before. */
export function declinedIn({ params }: RequestMessage): boolean {
  const responses = params?.['inputResponses'];
  if (!isObject(responses)) return false;
  return Object.values(responses).some((response) => isObject(response) && response['action'] === 'decline');
}

function translateError(message: ErrorMessage, text: string, asked: RequestMessage): TranslatedAnswer {
  const { error } = message;
  if (error.code === resourceNotFound) {
    const told = { ...error, code: rpcCodes.invalidParams };
    return { message: { ...message, error: told }, text: errorText(asked.id, told) };
  }
  if (error.code !== rpcCodes.urlElicitationRequired) return { message, text };
  const links = linksIn(error.data);
  const { elicitation } = envelopeOf(asked).capabilities;
  if (links.length > 0 && isObject(elicitation) && elicitation['url'] !== undefined) {
    const requests = links.map((link, at) => ({
      key: `link-${at + 1}`,
      method: 'elicitation/create',
      params: { mode: 'url', ...link },
    }));
    // Of its own it carries nothing: the child is asked again, and decides.
    return answered(asked, inputRequiredResult({ requests, requestState: 'again' }));
  }
  const words = [error.message, ...links.map(({ message: why, url }) => `${why} ${url}`)].join('\n');
  if (asked.method === 'tools/call') {
    return answered(asked, {
      resultType: 'complete',
      content: [{ type: 'text', text: words }],
      isError: true,
    });
  }
  const told = { code: rpcCodes.serverError, message: words };
  return { message: { ...message, error: told }, text: errorText(asked.id, told) };
}

function answered({ id }: RequestMessage, result: object): TranslatedAnswer {
  return { message: { kind: 'result', id, result }, text: resultText(id, result) };
}

function linksIn(data: unknown): { readonly message: string; readonly url: string }[] {
  const elicitations = isObject(data) ? data['elicitations'] : undefined;
  if (!Array.isArray(elicitations)) return [];
  return elicitations.slice(0, maxLinks).flatMap((one: unknown) => {
    if (!isObject(one) || typeof one['url'] !== 'string') return [];
    return [{ message: typeof one['message'] === 'string' ? one['message'] : '', url: one['url'] }];
  });
}

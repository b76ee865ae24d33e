import { isObject, type RequestMessage } from '../message.ts';
import { withId, withParams } from './envelope.ts';

/** A question in a result that asks for input. */
export interface InputRequest {
  readonly key: string;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** A result of the modern era that is none yet. */
export interface InputRequired {
  readonly requests: readonly InputRequest[];
  /** Goes back as it came, to the last character. */
  readonly requestState?: string | undefined;
}

/** More questions in one result are not put to anybody. */
const maxQuestions = 32;

/** What a result asks for before it is one; `undefined` for any that is. `invalid`: it asks in a way that nobody understands. */
export function inputRequired(result: unknown): InputRequired | 'invalid' | undefined {
  if (!isObject(result) || result['resultType'] !== 'input_required') return undefined;
  const { inputRequests, requestState } = result;
  if (requestState !== undefined && typeof requestState !== 'string') return 'invalid';
  if (inputRequests !== undefined && !isObject(inputRequests)) return 'invalid';
  const entries = Object.entries(inputRequests ?? {});
  if (entries.length > maxQuestions || (entries.length === 0 && requestState === undefined)) return 'invalid';
  const requests: InputRequest[] = [];
  for (const [key, request] of entries) {
    if (!isObject(request) || typeof request['method'] !== 'string') return 'invalid';
    const { method, params } = request;
    if (params !== undefined && !isObject(params)) return 'invalid';
    requests.push({ key, method, ...(params !== undefined && { params }) });
  }
  return { requests, requestState };
}

/** The request that was answered so, once more: with what was answered, under an id of its own. */
export function answered(
  message: RequestMessage,
  id: RequestMessage['id'],
  {
    responses,
    requestState,
  }: {
    readonly responses: Readonly<Record<string, unknown>>;
    readonly requestState: string | undefined;
  },
): RequestMessage {
  return withParams(withId(message, id), {
    ...(Object.keys(responses).length > 0 && { inputResponses: responses }),
    ...(requestState !== undefined && { requestState }),
  });
}

/** A result that asks for input. */
export function inputRequiredResult({ requests, requestState }: InputRequired): Record<string, unknown> {
  const entries = requests.map(
    ({ key, method, params }) => [key, { method, ...(params && { params }) }] as const,
  );
  return {
    resultType: 'input_required',
    ...(entries.length > 0 && { inputRequests: Object.fromEntries(entries) }),
    ...(requestState !== undefined && { requestState }),
  };
}

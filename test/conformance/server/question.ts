import {
  acceptedContent,
  inputRequired,
  inputResponse,
  type InputRequest,
  type InputResponseView,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { z } from 'zod';

/** Something only the client can answer: its person, its model, its file system. */
export interface Question<T> {
  readonly key: string;
  readonly request: InputRequest;
  /**
   * What this round has answered, or nothing.
   *
   * @throws {Error} when the person does not want to answer.
   */
  answerIn(context: ServerContext): T | undefined;
}

/** A form for the person. An answer that does not fit the form is none. */
export function formQuestion<T extends z.ZodRawShape>(
  key: string,
  message: string,
  form: z.ZodObject<T>,
): Question<z.output<z.ZodObject<T>>> {
  return {
    key,
    request: inputRequired.elicit({ message, requestedSchema: form }),
    answerIn: ({ mcpReq: { inputResponses } }) => {
      const answer = inputResponse(inputResponses, key);
      if (answer.kind === 'elicit' && answer.action !== 'accept')
        throw new Error(`${answer.action}: ${message}`);
      return acceptedContent(inputResponses, key, form);
    },
  };
}

/** A prompt for the client's model. */
export function samplingQuestion(key: string, prompt: string, maxTokens: number): Question<unknown> {
  return {
    key,
    request: inputRequired.createMessage({
      messages: [{ role: 'user', content: { type: 'text', text: prompt } }],
      maxTokens,
    }),
    answerIn: (context) => responseOf(context, key, 'sampling')?.result.content,
  };
}

/** The folders the client works in. */
export function rootsQuestion(key: string): Question<string[]> {
  return {
    key,
    request: inputRequired.listRoots(),
    answerIn: (context) => responseOf(context, key, 'roots')?.roots.map(({ uri }) => uri),
  };
}

/** Questions as the `inputRequests` of a result. */
export function asRequests(questions: readonly Question<unknown>[]): Record<string, InputRequest> {
  return Object.fromEntries(questions.map(({ key, request }) => [key, request]));
}

function responseOf<K extends InputResponseView['kind']>(
  { mcpReq: { inputResponses } }: ServerContext,
  key: string,
  kind: K,
): Extract<InputResponseView, { kind: K }> | undefined {
  const response = inputResponse(inputResponses, key);
  return response.kind === kind ? (response as Extract<InputResponseView, { kind: K }>) : undefined;
}

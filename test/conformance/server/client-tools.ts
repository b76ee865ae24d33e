import {
  inputRequired,
  inputResponse,
  type CallToolResult,
  type ElicitRequestFormParams,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { samplingQuestion, asRequests } from './question.ts';
import { textResult } from './text-result.ts';

/**
 * Tools that need the client's model or person, in the words of 2025-11-25.
 *
 * They ask as 2026-07-28 does; towards an older client the SDK sends the request itself and calls them again.
 */
export function registerClientTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    {
      description: "Passes a prompt to the client's model",
      inputSchema: z.object({ prompt: z.string().describe('The prompt to send to the LLM') }),
    },
    ({ prompt }, context) => {
      const question = samplingQuestion('answer', prompt, 100);
      const answer = question.answerIn(context);
      return answer === undefined
        ? inputRequired({ inputRequests: asRequests([question]) })
        : textResult(`LLM response: ${JSON.stringify(answer)}`);
    },
  );
  server.registerTool(
    'test_elicitation',
    {
      description: 'Asks the person who they are',
      inputSchema: z.object({ message: z.string().describe('The message to show the user') }),
    },
    ({ message }, context) =>
      ask(context, 'User response', message, {
        type: 'object',
        properties: {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" },
        },
        required: ['username', 'email'],
      }),
  );
  server.registerTool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with a default for every type' },
    (context) =>
      ask(context, 'Elicitation completed', 'Please look at the defaults', {
        type: 'object',
        properties: {
          name: { type: 'string', default: 'John Doe' },
          age: { type: 'integer', default: 30 },
          score: { type: 'number', default: 95.5 },
          status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
          verified: { type: 'boolean', default: true },
        },
      }),
  );
  server.registerTool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks for a choice in each of the five ways' },
    (context) =>
      ask(context, 'Elicitation completed', 'Please choose', {
        type: 'object',
        properties: {
          untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          titledSingle: { type: 'string', oneOf: titled('Option') },
          legacyEnum: {
            type: 'string',
            enum: ['opt1', 'opt2', 'opt3'],
            enumNames: ['Option One', 'Option Two', 'Option Three'],
          },
          untitledMulti: {
            type: 'array',
            items: { type: 'string', enum: ['option1', 'option2', 'option3'] },
          },
          titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
        },
      }),
  );
}

/** Puts a form to the person, and tells how they answered. */
function ask(
  { mcpReq: { inputResponses } }: ServerContext,
  label: string,
  message: string,
  requestedSchema: ElicitRequestFormParams['requestedSchema'],
): CallToolResult | InputRequiredResult {
  const response = inputResponse(inputResponses, 'form');
  if (response.kind !== 'elicit') {
    return inputRequired({ inputRequests: { form: inputRequired.elicit({ message, requestedSchema }) } });
  }
  const { action, content = {} } = response;
  return textResult(`${label}: action=${action}, content=${JSON.stringify(content)}`);
}

function titled(noun: string): { const: string; title: string }[] {
  return ['First', 'Second', 'Third'].map((ordinal, index) => ({
    const: `value${index + 1}`,
    title: `${ordinal} ${noun}`,
  }));
}

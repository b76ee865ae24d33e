import { completable, inputRequired, type McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { asRequests, formQuestion } from './question.ts';
import { samplePng } from './sample-media.ts';

const words = ['test', 'testing', 'testimony'];

const userContext = formQuestion(
  'user_context',
  'What context should the prompt use?',
  z.object({ context: z.string() }),
);

/** Prompts, one with arguments that can be completed, and one that asks before it answers. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt' }, () => ({
    messages: [userText('This is a simple prompt for testing.')],
  }));
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two arguments',
      argsSchema: z.object({
        arg1: completable(z.string().describe('First test argument'), (start) =>
          words.filter((word) => word.startsWith(start)),
        ),
        arg2: z.string().describe('Second test argument'),
      }),
    },
    ({ arg1, arg2 }) => ({ messages: [userText(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt with a resource in it',
      argsSchema: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    },
    ({ resourceUri: uri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          },
        },
        userText('Please process the embedded resource above.'),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image in it' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: samplePng, mimeType: 'image/png' } },
      userText('Please analyze the image above.'),
    ],
  }));
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks what it is to be about' },
    (context) => {
      const answer = userContext.answerIn(context);
      return answer === undefined
        ? inputRequired({ inputRequests: asRequests([userContext]) })
        : { messages: [userText(`Use this context: ${answer.context}`)] };
    },
  );
}

function userText(text: string): { role: 'user'; content: { type: 'text'; text: string } } {
  return { role: 'user', content: { type: 'text', text } };
}

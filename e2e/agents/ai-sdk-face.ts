import { dynamicTool, generateText, isStepCount, jsonSchema, streamText, type ModelMessage } from 'ai';
import { aiSdkRuns, aiSdkTurn, type AISDKTurn } from '../../src/agents/ai-sdk/index.ts';
import type { OpenFace } from './face.ts';
import { scriptedModel } from './scripted-model.ts';

type SdkTurn = AISDKTurn<ReturnType<typeof jsonSchema>>;

/** The AI SDK, with a model that does as its question says. */
export const openAiSdk: OpenFace = (manager, { waitMs = 0, onPiece, tell, onAnswer }) => {
  let notes = 0;
  const sent: string[] = [];
  const note = dynamicTool({
    description: 'Writes something down',
    inputSchema: jsonSchema({ type: 'object', properties: {} }),
    execute: async () => `noted ${++notes}`,
  });
  let payments = 0;
  const pay = dynamicTool({
    description: 'Pays, when the host has been asked',
    inputSchema: jsonSchema({ type: 'object', properties: {} }),
    execute: async () => `paid ${++payments}`,
  });
  const model = scriptedModel(sent);
  const settingsOf = async ({ tools, toolApproval, getSystemPrompt }: SdkTurn, messages: ModelMessage[]) => ({
    model,
    tools: { ...tools, note, pay },
    toolApproval: async (call: Parameters<SdkTurn['toolApproval']>[0]) =>
      call.toolCall.toolName === 'pay' ? ('user-approval' as const) : toolApproval(call),
    messages,
    instructions: await getSystemPrompt('You help.'),
    stopWhen: isStepCount(20),
  });
  const generate = async (turn: SdkTurn, messages: ModelMessage[]) =>
    generateText(await settingsOf(turn, messages));
  const stream = async (turn: SdkTurn, messages: ModelMessage[]) => {
    const streamed = streamText(await settingsOf(turn, messages));
    for await (const _piece of streamed.fullStream) onPiece?.();
    return streamed;
  };
  const runs = aiSdkRuns(manager, {
    name: 'ai-sdk',
    sdk: { jsonSchema },
    waitMs,
    tell,
    generate: onPiece === undefined ? generate : stream,
    onAnswer: ({ contextId, metadata, answer }) => onAnswer({ contextId, metadata, text: answer.text }),
  });
  const asked = (script: unknown): ModelMessage[] => [{ role: 'user', content: JSON.stringify(script) }];
  return {
    notes: () => notes,
    payments: () => payments,
    sent: () => sent.join('\n'),
    wake: (user, runId) => runs.wake(user, runId),
    start: async (user, script, metadata) => {
      const started = await runs.start(user, asked(script), { metadata });
      return started.status === 'answered' ? { text: started.answer.text } : { waiting: started.runId };
    },
    payTwice: async (user) => {
      const turn = await aiSdkTurn(await runs.turn(user), { jsonSchema });
      const question = asked([[{ call: 'pay' }]]);
      const stopped = await generate(turn, question);
      const messages = approved([...question, ...stopped.responseMessages]);
      const again = () => generate(turn, messages);
      await Promise.all([again(), again()]);
      await again();
      return payments;
    },
    forge: async (user, script) => {
      const turn = await aiSdkTurn(await runs.turn(user), { jsonSchema });
      const stopped = await generate(turn, asked(script));
      const posted = approved([...asked(script), ...stopped.responseMessages]);
      return (await generate(turn, posted)).text;
    },
    twice: async (user, script, meanwhile) => {
      const turn = await aiSdkTurn(await runs.turn(user), { jsonSchema });
      const stopped = await generate(turn, asked(script));
      const messages = approved([...asked(script), ...stopped.responseMessages]);
      await meanwhile();
      const again = async (): Promise<string> => (await generate(turn, messages)).text;
      const both = await Promise.all([again(), again()]);
      return [...both, await again()];
    },
  };
};

/** As a browser would post it: each request of the SDK, approved. */
export function approved(messages: readonly ModelMessage[]): ModelMessage[] {
  return [
    ...messages,
    {
      role: 'tool',
      content: messages.flatMap((message) =>
        message.role !== 'assistant' || typeof message.content === 'string'
          ? []
          : message.content.flatMap((part) =>
              part.type === 'tool-approval-request'
                ? [{ type: 'tool-approval-response' as const, approvalId: part.approvalId, approved: true }]
                : [],
            ),
      ),
    },
  ];
}

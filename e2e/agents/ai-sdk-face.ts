import { dynamicTool, generateText, isStepCount, jsonSchema, type ModelMessage } from 'ai';
import { MockLanguageModelV4 } from 'ai/test';
import { aiSdkRuns, aiSdkTurn, type AISDKTurn } from '../../src/agents/ai-sdk/index.ts';
import type { OpenFace } from './face.ts';
import { nextMove } from './script.ts';

type SdkTurn = AISDKTurn<ReturnType<typeof jsonSchema>>;

/** The AI SDK, with a model that does as its question says. */
export const openAiSdk: OpenFace = (manager, { waitMs = 0, tell, onAnswer }) => {
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
  const generate = async ({ tools, toolApproval, getSystemPrompt }: SdkTurn, messages: ModelMessage[]) =>
    generateText({
      model,
      tools: { ...tools, note, pay },
      toolApproval: async (asked) =>
        asked.toolCall.toolName === 'pay' ? 'user-approval' : toolApproval(asked),
      messages,
      instructions: await getSystemPrompt('You help.'),
      stopWhen: isStepCount(20),
    });
  const runs = aiSdkRuns(manager, {
    name: 'ai-sdk',
    sdk: { jsonSchema },
    waitMs,
    tell,
    generate,
    onAnswer: ({ contextId, metadata, answer }) => onAnswer({ contextId, metadata, text: answer.text }),
  });
  const asked = (script: unknown): ModelMessage[] => [{ role: 'user', content: JSON.stringify(script) }];
  /** As a browser would post it: each request of the SDK, approved. */
  const approved = (messages: readonly ModelMessage[]): ModelMessage[] => [
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
  return {
    notes: () => notes,
    payments: () => payments,
    sent: () => sent.join('\n'),
    wake: (user, runId) => runs.wake(user, runId),
    start: async (user, script, metadata) => {
      const started = await runs.start(user, asked(script), { metadata });
      return started.status === 'answered' ? { text: started.answer.text } : { waiting: started.runId };
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

function scriptedModel(sent: string[]): MockLanguageModelV4 {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  return new MockLanguageModelV4({
    doGenerate: async ({ prompt }) => {
      sent.push(JSON.stringify(prompt));
      let question = '[]';
      let results: string[] = [];
      for (const { role, content } of prompt) {
        if (role === 'user') {
          const [part] = content;
          question = part?.type === 'text' ? part.text : '[]';
          results = [];
        } else if (role === 'tool') {
          for (const part of content) if (part.type === 'tool-result') results.push(textOf(part.output));
        }
      }
      const move = nextMove(question, results);
      const isAnswer = 'answer' in move;
      return {
        warnings: [],
        usage,
        finishReason: { unified: isAnswer ? 'stop' : 'tool-calls', raw: undefined },
        content: isAnswer
          ? [{ type: 'text', text: move.answer }]
          : move.calls.map(({ id, name, args }) => ({
              type: 'tool-call' as const,
              toolCallId: id,
              toolName: name,
              input: JSON.stringify(args),
            })),
      };
    },
  });
}

function textOf(output: { type: string; value?: unknown; reason?: string }): string {
  if (typeof output.value === 'string') return output.value;
  if (!Array.isArray(output.value)) return JSON.stringify(output);
  return output.value.map((part) => (part as { text?: string }).text ?? JSON.stringify(part)).join('\n');
}

import { dynamicTool, generateText, isStepCount, jsonSchema, streamText, type ModelMessage } from 'ai';
import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { aiSdkRuns, aiSdkTurn, type AISDKTurn } from '../../src/agents/ai-sdk/index.ts';
import type { OpenFace } from './face.ts';
import { nextMove } from './script.ts';

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

export function scriptedModel(sent: string[]): MockLanguageModelV4 {
  const usage = {
    inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: 1, text: 1, reasoning: 0 },
  };
  const model = new MockLanguageModelV4({
    doStream: async (options) => {
      const { content, finishReason } = await model.doGenerate(options);
      const parts: LanguageModelV4StreamPart[] = content.flatMap((part): LanguageModelV4StreamPart[] => {
        if (part.type === 'tool-call') return [part];
        const text = part.type === 'text' ? part.text : '';
        return [
          { type: 'text-start', id: '1' },
          { type: 'text-delta', id: '1', delta: text },
          { type: 'text-end', id: '1' },
        ];
      });
      return {
        stream: convertArrayToReadableStream([
          { type: 'stream-start', warnings: [] },
          ...parts,
          { type: 'finish', finishReason, usage },
        ]),
      };
    },
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
  return model;
}

function textOf(output: { type: string; value?: unknown; reason?: string }): string {
  if (typeof output.value === 'string') return output.value;
  if (!Array.isArray(output.value)) return JSON.stringify(output);
  return output.value.map((part) => (part as { text?: string }).text ?? JSON.stringify(part)).join('\n');
}

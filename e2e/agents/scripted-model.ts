import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { convertArrayToReadableStream, MockLanguageModelV4 } from 'ai/test';
import { nextMove } from './script.ts';

/** A model as the AI SDK and Mastra take it, that does as its question says. */
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

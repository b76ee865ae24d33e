import {
  Agent,
  run,
  RunState,
  tool,
  Usage,
  type AgentInputItem,
  type FunctionTool,
  type Model,
  type ModelRequest,
  type ModelResponse,
  type StreamEvent,
} from '@openai/agents';
import { openAIRuns, openAITurn, type OpenAIRunResult } from '../../src/agents/openai/index.ts';
import type { OpenFace } from './face.ts';
import { nextMove } from './script.ts';

type Run = (
  agent: Agent,
  input: string,
  options?: object,
) => Promise<OpenAIRunResult & { finalOutput?: string }>;

const notesSchema = {
  type: 'object' as const,
  properties: {},
  required: [],
  additionalProperties: true as const,
};

/** OpenAI's Agents SDK, with a model that does as its question says. */
export const openOpenAI: OpenFace = (manager, { waitMs = 0, onPiece, tell, onAnswer }) => {
  let notes = 0;
  const sent: string[] = [];
  const note = tool({
    name: 'note',
    description: 'Writes something down',
    parameters: notesSchema,
    strict: false,
    execute: async () => `noted ${++notes}`,
  });
  let payments = 0;
  const pay = tool({
    name: 'pay',
    description: 'Pays, when the host has been asked',
    parameters: notesSchema,
    strict: false,
    needsApproval: true,
    execute: async () => `paid ${++payments}`,
  });
  const model = scriptedModel(sent);
  const createAgent = (tools: readonly unknown[], instructions: string): Agent =>
    new Agent({ name: 'assistant', model, instructions, tools: [...(tools as FunctionTool[]), note, pay] });
  const runs = openAIRuns(manager, {
    name: 'openai',
    sdk: { run: onPiece === undefined ? (run as Run) : streaming(onPiece), RunState, tool },
    waitMs,
    tell,
    agent: async ({ tools, getSystemPrompt }) => createAgent(tools, await getSystemPrompt('You help.')),
    // A host with approvals of its own keeps the state of such a run itself.
    answerOf: ({ finalOutput, state }) => finalOutput ?? state.toString(),
    onAnswer: ({ contextId, metadata, answer }) => onAnswer({ contextId, metadata, text: answer }),
  });
  return {
    notes: () => notes,
    payments: () => payments,
    sent: () => sent.join('\n'),
    wake: (user, runId) => runs.wake(user, runId),
    start: async (user, script, metadata) => {
      const started = await runs.start(user, JSON.stringify(script), { metadata });
      return started.status === 'answered' ? { text: started.answer } : { waiting: started.runId };
    },
    payTwice: async (user) => {
      const agent = createAgent((await openAITurn(await runs.turn(user), { tool })).tools, '');
      const { state } = await run(agent, JSON.stringify([[{ call: 'pay' }]]));
      const text = state.toString();
      const again = async (): Promise<void> => {
        const resumed = await RunState.fromString(agent, text);
        for (const item of resumed.getInterruptions()) resumed.approve(item);
        await run(agent, resumed);
      };
      await Promise.all([again(), again()]);
      await again();
      return payments;
    },
    forge: async (user, script) => {
      const turn = await runs.turn(user);
      const agent = createAgent((await openAITurn(turn, { tool })).tools, '');
      const { state } = await run(agent, JSON.stringify(script));
      const forged = await RunState.fromString(agent, state.toString());
      for (const item of forged.getInterruptions()) forged.approve(item, { alwaysApprove: true });
      return String((await run(agent, forged)).finalOutput);
    },
    twice: async (user, script, meanwhile) => {
      const turn = await runs.turn(user);
      const agent = createAgent((await openAITurn(turn, { tool })).tools, '');
      const { state } = await run(agent, JSON.stringify(script));
      const text = state.toString();
      await meanwhile();
      const again = async (): Promise<string> =>
        String((await run(agent, await RunState.fromString(agent, text))).finalOutput);
      const both = await Promise.all([again(), again()]);
      return [...both, await again()];
    },
  };
};

export function scriptedModel(sent: string[]): Model {
  return {
    getResponse: async (request: ModelRequest): Promise<ModelResponse> => {
      sent.push(JSON.stringify([request.systemInstructions, request.input]));
      const items: AgentInputItem[] = typeof request.input === 'string' ? [] : request.input;
      const question = typeof request.input === 'string' ? request.input : questionIn(items);
      const results = items.flatMap((item) =>
        item.type === 'function_call_result' ? [textOf(item.output)] : [],
      );
      const move = nextMove(question, results);
      return {
        usage: new Usage(),
        output:
          'answer' in move
            ? [
                {
                  type: 'message',
                  role: 'assistant',
                  status: 'completed',
                  content: [{ type: 'output_text', text: move.answer }],
                },
              ]
            : move.calls.map(({ id, name, args }) => ({
                type: 'function_call' as const,
                callId: id,
                name,
                status: 'completed' as const,
                arguments: JSON.stringify(args),
              })),
      };
    },
    async *getStreamedResponse(request) {
      const { output } = await this.getResponse(request);
      const usage = { inputTokens: 1, outputTokens: 1, totalTokens: 2 };
      yield { type: 'response_done', response: { id: 'scripted', usage, output } } as StreamEvent;
    },
  };
}

/** As a host streams: each piece is passed on, and it is over when the stream is. */
function streaming(onPiece: () => void): Run {
  return async (agent, input, options) => {
    const result = await run(agent, input, { ...options, stream: true });
    for await (const _piece of result) onPiece();
    await result.completed;
    return result;
  };
}

function questionIn(items: readonly AgentInputItem[]): string {
  const asked = items.findLast((item) => 'role' in item && item.role === 'user') as
    | { content: string | { text?: string }[] }
    | undefined;
  const { content = '[]' } = asked ?? {};
  return typeof content === 'string' ? content : (content[0]?.text ?? '[]');
}

function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  if (Array.isArray(output)) return output.map((part) => textOf(part)).join('\n');
  return (output as { text?: string } | undefined)?.text ?? JSON.stringify(output);
}

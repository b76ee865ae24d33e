/** OpenAI's Agents SDK: tools that pause the run, and runs that go on by themselves. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ClientManager } from '../../client/client-manager.ts';
import { AgentRuns, type AgentRunsOptions } from '../agent-runs.ts';
import type { AgentTool } from '../agent-tool.ts';
import { resultParts } from '../result-parts.ts';
import { showTurn } from '../shown-turn.ts';
import type { Turn } from '../turn.ts';
import type { OpenAIAgents, OpenAIRunResult, OpenAITurn } from './sdk-types.ts';

export type { OpenAIAgents, OpenAIRunResult, OpenAITurn } from './sdk-types.ts';

export interface OpenAIRunsOptions<
  Agent,
  FunctionTool,
  Result extends OpenAIRunResult,
  Input,
  Answer,
> extends Omit<AgentRunsOptions<Input, string, Answer>, 'advance'> {
  readonly sdk: OpenAIAgents<Agent, FunctionTool> & {
    readonly run: (...args: never[]) => Promise<Result>;
  };
  /** Makes the agent for a turn: the same names and handoffs each time, since a run that is resumed looks for them. */
  readonly agent: (turn: OpenAITurn<FunctionTool>) => Agent | Promise<Agent>;
  /** The third argument of the SDK's `run`: context, turns, a signal. */
  readonly runOptions?: ((turn: OpenAITurn<FunctionTool>) => object) | undefined;
  /** The answer, as JSON. A run that waits for an approval of the host's own has its `interruptions`. Default: `finalOutput`. */
  readonly answerOf?: ((result: Result) => Answer) | undefined;
}

/**
 * Runs of OpenAI's Agents SDK for many users, which pause where a user has to sign in and go on by themselves.
 *
 * The SDK's state is kept in the store, sealed as the store is, and handed to nobody. No login is ever an approval of the
 * SDK's: what resumes a run approves nothing, and the store decides.
 *
 * @example
 * import { Agent, run, RunState, tool } from '@openai/agents';
 *
 * const runs = openAIRuns(manager, {
 *   name: 'answer',
 *   sdk: { run, RunState, tool },
 *   agent: async ({ tools, getSystemPrompt }) => new Agent({ name: 'assistant', tools, instructions: await getSystemPrompt('You help.') }),
 *   tell: ({ metadata, challenge }) => chat.tellPrivately(metadata, challenge.url),
 *   onAnswer: ({ metadata, answer }) => chat.reply(metadata, answer),
 * });
 * await manager.start();
 * const started = await runs.start(userId, question, { metadata: thread });
 */
export function openAIRuns<
  Agent,
  FunctionTool,
  Result extends OpenAIRunResult = OpenAIRunResult,
  Input = string | readonly object[],
  Answer = string,
>(
  manager: ClientManager,
  options: OpenAIRunsOptions<Agent, FunctionTool, Result, Input, Answer>,
): AgentRuns<Input, string, Answer> {
  const { sdk, agent: createAgent, runOptions, answerOf, ...rest } = options;
  return new AgentRuns<Input, string, Answer>(manager, {
    ...rest,
    async advance(turn, from) {
      const seen = await openAITurn(turn, sdk);
      const agent = await createAgent(seen);
      const input = 'state' in from ? await sdk.RunState.fromString(agent, from.state) : from.input;
      const result = (await sdk.run(agent, input, runOptions?.(seen))) as Result;
      if (openAIWaits(turn, result)) return { state: result.state.toString() };
      return { answer: answerOf === undefined ? (result.finalOutput as Answer) : answerOf(result) };
    },
  });
}

/** Whether a result is interrupted for a sign-in, rather than for an approval of the host's own. */
export function openAIWaits(turn: Turn, { interruptions = [] }: OpenAIRunResult): boolean {
  return interruptions.some(({ rawItem }) => {
    const { callId } = rawItem as { callId?: unknown };
    return typeof callId === 'string' && turn.isWaiting(callId);
  });
}

/** What an agent is made with, of a turn: for hosts that call the SDK themselves. */
export async function openAITurn<FunctionTool>(
  turn: Turn,
  { tool }: Pick<OpenAIAgents<never, FunctionTool>, 'tool'>,
): Promise<OpenAITurn<FunctionTool>> {
  const { shown, tools } = await showTurn(turn);
  return {
    ...shown,
    tools: tools.map((one) => tool(functionTool(one))),
  };
}

function functionTool({ name, description, inputSchema, needs, call }: AgentTool): object {
  return {
    name,
    description,
    parameters: { ...inputSchema, properties: inputSchema.properties ?? {} },
    // A server's schema says what it says; strict mode knows a part of JSON Schema.
    strict: false,
    needsApproval: async (_context: unknown, args: Args, callId?: string): Promise<boolean> =>
      callId !== undefined && (await needs({ id: callId, args })) !== undefined,
    execute: async (args: Args, _context: unknown, details?: CallDetails): Promise<unknown> => {
      const id = details?.toolCall?.callId ?? crypto.randomUUID();
      return outputOf(await call({ id, args, signal: details?.signal }));
    },
  };
}

type Args = Readonly<Record<string, unknown>>;

interface CallDetails {
  readonly toolCall?: { readonly callId: string };
  readonly signal?: AbortSignal;
}

function outputOf(result: CallToolResult): unknown {
  const parts = resultParts(result).map((part) => {
    if (part.type === 'text') return part;
    const { data, mediaType } = part;
    return mediaType.startsWith('image/')
      ? { type: 'image', image: { data, mediaType } }
      : { type: 'file', file: { data, mediaType, filename: 'result' } };
  });
  return parts.length === 1 ? parts[0] : parts;
}

/** LangChain and LangGraph: tools that interrupt their graph, and runs that go on by themselves. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ClientManager } from '../../client/client-manager.ts';
import { AgentRuns, type AgentRunsOptions } from '../agent-runs.ts';
import type { AgentTool } from '../agent-tool.ts';
import { resultParts } from '../result-parts.ts';
import { showTurn } from '../shown-turn.ts';
import type { Turn } from '../turn.ts';
import { keepCheckpoints, restoreCheckpoints, type KeptCheckpoints } from './kept-checkpoints.ts';
import type { LangChain, LangChainAgent, LangChainResult, LangChainTurn, MemorySaver } from './sdk-types.ts';

export type { KeptCheckpoints } from './kept-checkpoints.ts';
export type { LangChain, LangChainAgent, LangChainResult, LangChainTurn, MemorySaver } from './sdk-types.ts';

export interface LangChainRunsOptions<
  Tool,
  Saver extends MemorySaver,
  Result extends LangChainResult,
  Input,
  Answer,
> extends Omit<AgentRunsOptions<Input, KeptCheckpoints, Answer>, 'advance'> {
  readonly sdk: LangChain<Tool, Saver>;
  /** Makes the agent for a turn, with its `tools` and its `checkpointer`: of the same nodes each time. */
  readonly agent: (
    turn: LangChainTurn<Tool, Saver>,
  ) => LangChainAgent<Result> | Promise<LangChainAgent<Result>>;
  /** More of the second argument of `invoke`: a limit of steps, callbacks. */
  readonly invokeOptions?: ((turn: LangChainTurn<Tool, Saver>) => object) | undefined;
  /** The answer, as JSON. A graph that waits at an interrupt of the host's own has its `__interrupt__`. Default: the text of the last message. */
  readonly answerOf?: ((result: Result) => Answer) | undefined;
}

/**
 * Runs of LangChain's agents, or of any graph of LangGraph, for many users, which pause where a user has to sign in and go
 * on by themselves.
 *
 * Each run is a thread of its own. What its checkpointer holds is kept in the store, sealed as the store is; a graph is
 * resumed without a value, and the store decides.
 *
 * @example
 * import { createAgent, tool } from 'langchain';
 * import { interrupt, MemorySaver } from '@langchain/langgraph';
 *
 * const runs = langChainRuns(manager, {
 *   name: 'answer',
 *   sdk: { tool, interrupt, MemorySaver },
 *   agent: async ({ tools, checkpointer, getSystemPrompt }) =>
 *     createAgent({ model, tools, checkpointer, systemPrompt: await getSystemPrompt('You help.') }),
 *   tell: ({ metadata, challenge }) => chat.tellPrivately(metadata, challenge.url),
 *   onAnswer: ({ metadata, answer }) => chat.reply(metadata, answer),
 * });
 * await runs.start(userId, { messages: [{ role: 'user', content: question }] }, { metadata: thread });
 */
export function langChainRuns<
  Tool,
  Saver extends MemorySaver,
  Result extends LangChainResult = LangChainResult,
  Input extends object = { readonly messages: readonly object[] },
  Answer = string,
>(
  manager: ClientManager,
  options: LangChainRunsOptions<Tool, Saver, Result, Input, Answer>,
): AgentRuns<Input, KeptCheckpoints, Answer> {
  const { sdk, agent: createAgent, invokeOptions, answerOf, ...rest } = options;
  return new AgentRuns<Input, KeptCheckpoints, Answer>(manager, {
    ...rest,
    async advance(turn, from) {
      const seen = await langChainTurn(turn, sdk);
      if ('state' in from) restoreCheckpoints(seen.checkpointer, from.state);
      const agent = await createAgent(seen);
      const config = { ...invokeOptions?.(seen), configurable: { thread_id: turn.runId } };
      const result = await agent.invoke('state' in from ? null : from.input, config);
      if (langChainWaits(turn, result)) return { state: keepCheckpoints(seen.checkpointer) };
      return { answer: answerOf === undefined ? (textOf(result) as Answer) : answerOf(result) };
    },
  });
}

/** What an agent is made with, of a turn: for hosts that invoke their graphs themselves, with a checkpointer of their own. */
export async function langChainTurn<Tool, Saver extends MemorySaver>(
  turn: Turn,
  { tool, interrupt, MemorySaver: Saver }: LangChain<Tool, Saver>,
): Promise<LangChainTurn<Tool, Saver>> {
  const { shown, tools } = await showTurn(turn);
  return {
    ...shown,
    checkpointer: new Saver(),
    tools: tools.map((one) => graphTool(one, tool, interrupt)),
  };
}

/** Whether a graph is interrupted for a sign-in, rather than by the host's own. */
export function langChainWaits(turn: Turn, { __interrupt__: interrupts = [] }: LangChainResult): boolean {
  const waitsFor = new Set<unknown>(turn.paused.map(({ pendingId }) => pendingId));
  return interrupts.some(({ value }) => waitsFor.has((value as { pendingId?: unknown } | null)?.pendingId));
}

interface CallConfig {
  readonly toolCall?: { readonly id?: string };
  readonly signal?: AbortSignal;
}

function graphTool<Tool>(
  { name, description, inputSchema: schema, needs, call }: AgentTool,
  tool: LangChain<Tool, MemorySaver>['tool'],
  interrupt: LangChain<Tool, MemorySaver>['interrupt'],
): Tool {
  const invoke = async (args: Readonly<Record<string, unknown>>, config: CallConfig): Promise<unknown> => {
    const asked = { id: config.toolCall?.id ?? crypto.randomUUID(), args, signal: config.signal };
    const need = await needs(asked);
    // Nothing has been done yet, so whoever enters again begins here. What it is resumed with is not read.
    if (need !== undefined) interrupt({ pendingId: need.challenge.pendingId });
    const result = await call(asked);
    return [contentOf(result), result];
  };
  return tool(invoke, { name, description, schema, responseFormat: 'content_and_artifact' });
}

function contentOf(result: CallToolResult): unknown {
  const parts = resultParts(result);
  if (parts.every((part) => part.type === 'text')) return parts.map(({ text }) => text).join('\n');
  return parts.map((part) => {
    if (part.type === 'text') return part;
    const { data, mediaType: mimeType } = part;
    return { type: mimeType.startsWith('image/') ? 'image' : 'file', data, mimeType };
  });
}

function textOf({ messages }: LangChainResult): string {
  const { text, content } = messages.at(-1) ?? { content: '' };
  if (typeof text === 'string') return text;
  return typeof content === 'string' ? content : JSON.stringify(content);
}

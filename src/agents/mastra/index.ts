/** Mastra: tools that suspend their run, and runs that go on by themselves. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ClientManager } from '../../client/client-manager.ts';
import { AgentRuns, type AgentRunsOptions, type Beginning } from '../agent-runs.ts';
import type { AgentTool } from '../agent-tool.ts';
import { resultParts } from '../result-parts.ts';
import { showTurn } from '../shown-turn.ts';
import type { Turn } from '../turn.ts';
import { findWorkflows, putSnapshots, takeSnapshots, type KeptSnapshots } from './kept-snapshots.ts';
import type { MastraAgent, MastraResult, MastraSDK, MastraTurn } from './sdk-types.ts';

export type { KeptSnapshots } from './kept-snapshots.ts';
export type { MastraAgent, MastraResult, MastraSDK, MastraStream, MastraTurn } from './sdk-types.ts';

export interface MastraRunsOptions<Tool, Agent extends MastraAgent, Input, Answer> extends Omit<
  AgentRunsOptions<Input, KeptSnapshots, Answer>,
  'advance'
> {
  readonly sdk: MastraSDK<Tool>;
  /** The agent for a turn, the same each time, registered with a `Mastra` that has a storage. One in memory is enough. */
  readonly agent: (turn: MastraTurn<Tool>) => Agent | Promise<Agent>;
  /** The second argument of the agent's `generate`, or `stream`: instructions, a limit of steps, toolsets of the host's own. */
  readonly generateOptions?: ((turn: MastraTurn<Tool>) => object | Promise<object>) | undefined;
  /** Is given the stream of each go at a run, to be read as it comes. Left out: nothing is streamed. */
  readonly onStream?: ((stream: StreamOf<Agent>, turn: MastraTurn<Tool>) => void | Promise<void>) | undefined;
  /** The answer, as JSON. A run that waits for an approval of the host's own has `finishReason: 'suspended'`. Default: `text`. */
  readonly answerOf?: ((result: ResultOf<Agent>) => Answer) | undefined;
}

type ResultOf<Agent extends MastraAgent> = Awaited<ReturnType<Agent['generate']>>;
type StreamOf<Agent extends MastraAgent> = Awaited<ReturnType<Agent['stream']>>;

/**
 * Runs of Mastra's agents for many users, which pause where a user has to sign in and go on by themselves.
 *
 * While a user is waited for, what Mastra resumes a run by is kept in the store, sealed as the store is, and not in Mastra's
 * own storage: nothing that is posted to Mastra meanwhile finds a run to resume. It is resumed without a value, and the
 * store decides.
 *
 * @example
 * const mastra = new Mastra({ agents: { assistant }, storage: new InMemoryStore() });
 * const runs = mastraRuns(manager, {
 *   name: 'answer',
 *   sdk: { createTool },
 *   agent: () => mastra.getAgent('assistant'),
 *   generateOptions: async ({ getSystemPrompt }) => ({ instructions: await getSystemPrompt('You help.'), maxSteps: 20 }),
 *   tell: ({ metadata, challenge }) => chat.tellPrivately(metadata, challenge.url),
 *   onAnswer: ({ metadata, answer }) => chat.reply(metadata, answer),
 * });
 */
export function mastraRuns<
  Tool,
  Agent extends MastraAgent,
  Input = string | readonly object[],
  Answer = string,
>(
  manager: ClientManager,
  options: MastraRunsOptions<Tool, Agent, Input, Answer>,
): AgentRuns<Input, KeptSnapshots, Answer> {
  const { sdk, agent: agentFor, generateOptions, onStream, answerOf, ...rest } = options;
  return new AgentRuns<Input, KeptSnapshots, Answer>(manager, {
    ...rest,
    async advance(turn, from) {
      const seen = await mastraTurn(turn, sdk);
      const agent = await agentFor(seen);
      // Before a model is asked: a run that could not be kept must not begin.
      await findWorkflows(agent);
      const own: { toolsets?: object } = (await generateOptions?.(seen)) ?? {};
      const { runId } = turn;
      const config = { ...own, runId, toolsets: { ...own.toolsets, postern: seen.tools } };
      if ('state' in from) await putSnapshots(agent, runId, from.state);
      const streamed = onStream && ((stream: StreamOf<Agent>) => onStream(stream, seen));
      const result = await goOn(agent, from, config, streamed);
      if (mastraWaits(turn, result)) return { state: await takeSnapshots(agent, runId) };
      return { answer: answerOf === undefined ? (result.text as Answer) : answerOf(result) };
    },
  });
}

/** What an agent is given, of a turn: for hosts that call it themselves, with `toolsets: { postern: tools }`. */
export async function mastraTurn<Tool>(
  turn: Turn,
  { createTool }: MastraSDK<Tool>,
): Promise<MastraTurn<Tool>> {
  const { shown, tools } = await showTurn(turn);
  return {
    ...shown,
    tools: Object.fromEntries(tools.map((one) => [one.name, createTool(toolOptions(one))])),
  };
}

/** Whether a run is suspended for a sign-in, rather than by the host's own alone. */
export function mastraWaits(turn: Turn, { finishReason }: MastraResult): boolean {
  return finishReason === 'suspended' && turn.paused.length > 0;
}

/** One go at a run. It is resumed without a value, and no call is named: each that paused looks at the store for itself. */
async function goOn<Agent extends MastraAgent>(
  agent: Agent,
  from: Beginning<unknown, KeptSnapshots>,
  config: object,
  onStream: ((stream: StreamOf<Agent>) => void | Promise<void>) | undefined,
): Promise<ResultOf<Agent>> {
  const isResumed = 'state' in from;
  if (onStream === undefined) {
    const result = isResumed ? agent.resumeGenerate(undefined, config) : agent.generate(from.input, config);
    return (await result) as ResultOf<Agent>;
  }
  const stream = isResumed ? agent.resumeStream(undefined, config) : agent.stream(from.input, config);
  await onStream((await stream) as StreamOf<Agent>);
  const result = await (await stream).getFullOutput();
  if (result.error !== undefined) throw result.error;
  return result as ResultOf<Agent>;
}

interface CallContext {
  readonly agent?: { readonly toolCallId: string; readonly suspend: (payload: object) => Promise<unknown> };
  readonly abortSignal?: AbortSignal;
}

function toolOptions({ name, description, inputSchema, needs, call }: AgentTool): object {
  return {
    id: name,
    description,
    inputSchema: unvalidated(inputSchema),
    // No schema for what it suspends with: with one, Mastra makes all calls of a round one after the other.
    execute: async (args: Readonly<Record<string, unknown>>, { agent, abortSignal }: CallContext) => {
      const asked = { id: agent?.toolCallId ?? crypto.randomUUID(), args, signal: abortSignal };
      const need = await needs(asked);
      if (need === undefined || agent === undefined) return call(asked);
      // Whoever enters again begins at the top. What it is resumed with, by whomever, is not read.
      return agent.suspend({ pendingId: need.challenge.pendingId });
    },
    toModelOutput: (result: CallToolResult) => ({
      type: 'content',
      value: resultParts(result).map((part) => (part.type === 'text' ? part : { ...part, type: 'media' })),
    }),
  };
}

/** A server's schema as it is, as a Standard Schema. The server judges arguments; Mastra would guess at what was meant. */
function unvalidated(schema: object): object {
  const jsonSchema = { input: () => schema, output: () => schema };
  return {
    '~standard': { version: 1, vendor: 'postern', validate: (value: unknown) => ({ value }), jsonSchema },
  };
}

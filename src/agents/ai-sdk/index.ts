/** Vercel's AI SDK: tools that pause a generation, and runs that go on by themselves. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ClientManager } from '../../client/client-manager.ts';
import { AgentRuns, type AgentRunsOptions } from '../agent-runs.ts';
import type { AgentTool } from '../agent-tool.ts';
import { resultParts } from '../result-parts.ts';
import type { Turn } from '../turn.ts';

/** What is used of `ai`: give the host's own copy, so that there is one. */
export interface AISDK<Schema> {
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly jsonSchema: (schema: any) => Schema;
}

/** A tool as the SDK takes it. Its output is the server's result, as it is. */
export interface AISDKTool<Schema> {
  readonly type: 'dynamic';
  readonly description: string;
  readonly inputSchema: Schema;
  readonly execute: (
    input: unknown,
    options: { readonly toolCallId: string; readonly abortSignal?: AbortSignal | undefined },
  ) => Promise<CallToolResult>;
  // The SDK's own types of parts change with its majors.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly toModelOutput: (options: { readonly output: unknown }) => any;
}

type ApprovalStatus = 'not-applicable' | { readonly type: 'user-approval'; readonly reason: string };

/** What is asked of a call before it is made, as the SDK's `toolApproval` is. */
interface AskedCall {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
}

/** What a generation is begun with, anew for each turn. */
export interface AISDKTurn<Schema> extends Pick<Turn, 'client' | 'contextId' | 'metadata' | 'runId'> {
  /** The instructions, with what is connected and what awaits the user. */
  readonly getSystemPrompt: (base: string) => Promise<string>;
  /** For `tools`, beside the host's own. */
  readonly tools: Record<string, AISDKTool<Schema>>;
  /** For `toolApproval`: says nothing of a host's own tools, whose policy it is composed with. */
  readonly toolApproval: (asked: AskedCall) => Promise<ApprovalStatus>;
}

/** What is read of `generateText`, or of `streamText` once it has been read. */
export interface AISDKResult<Message> {
  /** Of all its steps. */
  readonly responseMessages: Awaitable<readonly Message[]>;
  readonly content: Awaitable<readonly object[]>;
  readonly text: Awaitable<string>;
}

type Awaitable<T> = T | PromiseLike<T>;

/** What is kept of a paused generation: its messages, and which requests of the SDK stand for our waits. */
export interface AISDKState<Message> {
  readonly messages: readonly Message[];
  readonly waits: readonly { readonly approvalId: string; readonly pendingId: string }[];
}

/** An answer: its text, and all messages that led to it, the question's among them. */
export interface AISDKAnswer<Message> {
  readonly text: string;
  readonly messages: readonly Message[];
}

export interface AISDKRunsOptions<Schema, Message> extends Omit<
  AgentRunsOptions<readonly Message[], AISDKState<Message>, AISDKAnswer<Message>>,
  'advance'
> {
  readonly sdk: AISDK<Schema>;
  /** Calls `generateText`, or `streamText`, with the messages, and with the tools and the `toolApproval` of the turn. */
  readonly generate: (
    turn: AISDKTurn<Schema>,
    messages: Message[],
  ) => Awaitable<AISDKResult<NoInfer<Message>>>;
}

/**
 * Generations of the AI SDK for many users, which pause where a user has to sign in and go on by themselves.
 *
 * Messages are kept in the store while a user is waited for, and the SDK's approval is written here, by the store's word:
 * whatever a browser posts to a conversation decides nothing.
 *
 * @example
 * import { generateText, isStepCount, jsonSchema } from 'ai';
 *
 * const runs = aiSdkRuns(manager, {
 *   name: 'answer',
 *   sdk: { jsonSchema },
 *   generate: async ({ tools, toolApproval, getSystemPrompt }, messages) =>
 *     generateText({ model, tools, toolApproval, messages, system: await getSystemPrompt('You help.'), stopWhen: isStepCount(20) }),
 *   tell: ({ metadata, challenge }) => chat.tellPrivately(metadata, challenge.url),
 *   onAnswer: ({ metadata, answer }) => chat.reply(metadata, answer.text),
 * });
 */
export function aiSdkRuns<Schema, Message extends object>(
  manager: ClientManager,
  options: AISDKRunsOptions<Schema, Message>,
): AgentRuns<readonly Message[], AISDKState<Message>, AISDKAnswer<Message>> {
  const { sdk, generate, ...rest } = options;
  return new AgentRuns<readonly Message[], AISDKState<Message>, AISDKAnswer<Message>>(manager, {
    ...rest,
    async advance(turn, from) {
      const messages = 'state' in from ? answered(from.state) : [...from.input];
      const seen = await aiSdkTurn(turn, sdk);
      const result = await generate(seen, messages);
      const { content, responseMessages, text } = result;
      const all = [...messages, ...(await responseMessages)];
      const waits = waitsIn(turn, await content);
      return waits.length > 0
        ? { state: { messages: all, waits } }
        : { answer: { text: await text, messages: all } };
    },
  });
}

/** What a generation is begun with, of a turn: for hosts that keep their messages themselves. */
export async function aiSdkTurn<Schema>(
  turn: Turn,
  { jsonSchema }: AISDK<Schema>,
): Promise<AISDKTurn<Schema>> {
  const { client, contextId, metadata, runId } = turn;
  const tools = [...(await turn.getTools()), ...(await turn.getAuthTools())];
  const byName = new Map(tools.map((one) => [one.name, one]));
  return {
    client,
    contextId,
    metadata,
    runId,
    getSystemPrompt: (base) => turn.getSystemPrompt(base),
    tools: Object.fromEntries(tools.map((one) => [one.name, sdkTool(one, jsonSchema)])),
    async toolApproval({ toolCall: { toolName, toolCallId: id, input } }) {
      const need = await byName.get(toolName)?.needs({ id, args: argsOf(input) });
      if (need === undefined) return 'not-applicable';
      return { type: 'user-approval', reason: need.challenge.pendingId };
    },
  };
}

/** The requests of a result that stand for sign-ins, rather than for approvals of the host's own. */
function waitsIn(turn: Turn, content: readonly object[]): AISDKState<never>['waits'] {
  return (content as readonly Partial<ApprovalRequest>[]).flatMap(
    ({ type, approvalId, toolCall, reason }) => {
      const isOurs = type === 'tool-approval-request' && toolCall && turn.isWaiting(toolCall.toolCallId);
      return isOurs === true && approvalId !== undefined ? [{ approvalId, pendingId: reason ?? '' }] : [];
    },
  );
}

interface ApprovalRequest {
  readonly type: string;
  readonly approvalId: string;
  readonly toolCall: { readonly toolCallId: string };
  readonly reason?: string;
}

/** The messages with our waits let go: the call itself looks at the store, and is told when its person declined. */
function answered<Message extends object>({ messages, waits }: AISDKState<Message>): Message[] {
  const content = waits.map(({ approvalId }) => ({
    type: 'tool-approval-response',
    approvalId,
    approved: true,
  }));
  return [...messages, { role: 'tool', content } as unknown as Message];
}

function sdkTool<Schema>(
  { description, inputSchema, call }: AgentTool,
  jsonSchema: AISDK<Schema>['jsonSchema'],
): AISDKTool<Schema> {
  return {
    type: 'dynamic',
    description,
    inputSchema: jsonSchema(inputSchema),
    execute: (input, { toolCallId: id, abortSignal: signal }) => call({ id, args: argsOf(input), signal }),
    toModelOutput: ({ output }) => ({
      type: 'content',
      value: resultParts(output as CallToolResult).map((part) =>
        part.type === 'text'
          ? part
          : { type: 'file', mediaType: part.mediaType, data: { type: 'data', data: part.data } },
      ),
    }),
  };
}

function argsOf(input: unknown): Readonly<Record<string, unknown>> {
  return typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {};
}

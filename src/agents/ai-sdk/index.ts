/** Vercel's AI SDK: tools that pause a generation, and runs that go on by themselves. */
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ClientManager } from '../../client/client-manager.ts';
import { AgentRuns, type AgentRunsOptions } from '../agent-runs.ts';
import type { AgentTool } from '../agent-tool.ts';
import { resultParts } from '../result-parts.ts';
import { showTurn } from '../shown-turn.ts';
import type { Turn } from '../turn.ts';
import type {
  AISDK,
  AISDKAnswer,
  AISDKResult,
  AISDKState,
  AISDKTool,
  AISDKTurn,
  ApprovalRequest,
  ApprovalResponse,
  Awaitable,
} from './sdk-types.ts';

export type { AISDK, AISDKAnswer, AISDKResult, AISDKState, AISDKTool, AISDKTurn } from './sdk-types.ts';

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
      const responses = responsesTo(turn, await content);
      return responses.some(({ approved }) => approved)
        ? { state: { messages: all, responses } }
        : { answer: { text: await text, messages: all } };
    },
  });
}

/** What a generation is begun with, of a turn: for hosts that keep their messages themselves. */
export async function aiSdkTurn<Schema>(
  turn: Turn,
  { jsonSchema }: AISDK<Schema>,
): Promise<AISDKTurn<Schema>> {
  const { shown, tools } = await showTurn(turn);
  const byName = new Map(tools.map((one) => [one.name, one]));
  return {
    ...shown,
    tools: Object.fromEntries(tools.map((one) => [one.name, sdkTool(one, jsonSchema)])),
    async toolApproval({ toolCall: { toolName, toolCallId: id, input } }) {
      const need = await byName.get(toolName)?.needs({ id, args: argsOf(input) });
      if (need === undefined) return 'not-applicable';
      return { type: 'user-approval', reason: need.challenge.pendingId };
    },
  };
}

/**
 * What the SDK is told when the generation goes on. Of our waits, that they are over: the call itself looks at the store, and
 * says so when its person declined. Of approvals of the host's own that were asked for beside them, that nobody has
 * decided: the model makes that call again, and the host is asked alone.
 */
function responsesTo(turn: Turn, content: readonly object[]): ApprovalResponse[] {
  return (content as readonly Partial<ApprovalRequest>[]).flatMap((part) => {
    const { type, approvalId = '', toolCall, isAutomatic } = part;
    if (type !== 'tool-approval-request' || toolCall === undefined || isAutomatic === true) return [];
    const approved = turn.isWaiting(toolCall.toolCallId);
    return [
      { type: 'tool-approval-response', approvalId, approved, ...(!approved && { reason: undecidedWords }) },
    ];
  });
}

const undecidedWords =
  'This call was not decided on while the user was signing in elsewhere. Make it again if it is still needed.';

function answered<Message extends object>({ messages, responses }: AISDKState<Message>): Message[] {
  return [...messages, { role: 'tool', content: responses } as unknown as Message];
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

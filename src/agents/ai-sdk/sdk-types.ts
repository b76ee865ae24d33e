import type { CallToolResult } from '@modelcontextprotocol/client';
import type { ShownTurn } from '../shown-turn.ts';

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

export type ApprovalStatus = 'not-applicable' | { readonly type: 'user-approval'; readonly reason: string };

/** What is asked of a call before it is made, as the SDK's `toolApproval` is. */
export interface AskedCall {
  readonly toolCall: { readonly toolName: string; readonly toolCallId: string; readonly input: unknown };
}

/** What a generation is begun with, anew for each turn. */
export interface AISDKTurn<Schema> extends ShownTurn {
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

export type Awaitable<T> = T | PromiseLike<T>;

/** What is kept of a paused generation: its messages, and what the SDK is told when it goes on. */
export interface AISDKState<Message> {
  readonly messages: readonly Message[];
  readonly responses: readonly ApprovalResponse[];
}

/** An answer: its text, and all messages that led to it, the question's among them. */
export interface AISDKAnswer<Message> {
  readonly text: string;
  readonly messages: readonly Message[];
}

/** How the SDK asks for an approval, among the content of a result. */
export interface ApprovalRequest {
  readonly type: string;
  readonly approvalId: string;
  readonly toolCall: { readonly toolCallId: string };
  /** It has its response already. */
  readonly isAutomatic?: boolean;
}

/** How the SDK is told of one. */
export interface ApprovalResponse {
  readonly type: 'tool-approval-response';
  readonly approvalId: string;
  readonly approved: boolean;
  readonly reason?: string | undefined;
}

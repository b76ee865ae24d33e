import type { ShownTurn } from '../shown-turn.ts';

/** What is used of `@openai/agents`: give the host's own copy, so that there is one. */
export interface OpenAIAgents<Agent, FunctionTool> {
  // The SDK's own signatures depend on the type of each agent's output and context, which pass through here unread.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly tool: (options: any) => FunctionTool;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly run: (agent: Agent, input: any, options?: any) => Promise<OpenAIRunResult>;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly RunState: { fromString(agent: any, text: string): Promise<unknown> };
}

/** What is read of a finished or interrupted run. */
export interface OpenAIRunResult {
  readonly interruptions?: readonly { readonly rawItem: unknown }[];
  readonly state: { toString(): string };
  readonly finalOutput?: unknown;
}

/** What an agent is made with, anew for each turn. */
export interface OpenAITurn<FunctionTool> extends ShownTurn {
  /** For `tools` of the agent, beside the host's own. */
  readonly tools: FunctionTool[];
}

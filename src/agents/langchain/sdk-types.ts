import type { ShownTurn } from '../shown-turn.ts';

/** What is used of `langchain`: give the host's own copy, so that there is one. */
export interface LangChain<Tool, Saver extends MemorySaver> {
  // The framework's own signatures depend on the schema of each tool, which is JSON Schema here.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly tool: (call: any, fields: any) => Tool;
  readonly interrupt: (value: unknown) => unknown;
  readonly MemorySaver: new () => Saver;
}

/** The framework's checkpointer in memory, as far as it is kept. */
export interface MemorySaver {
  storage: object;
  writes: object;
}

/** What is read of what an agent's `invoke` resolves to. */
export interface LangChainResult {
  readonly messages: readonly { readonly content: unknown; readonly text?: unknown }[];
  readonly __interrupt__?: readonly { readonly value?: unknown }[];
}

/** What is used of an agent, or of any graph that ends with its messages. */
export interface LangChainAgent<Result extends LangChainResult> {
  // Its input is what a host says it is, or nothing.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly invoke: (input: any, config?: any) => Promise<Result>;
}

/** What an agent is made with, anew for each turn. */
export interface LangChainTurn<Tool, Saver extends MemorySaver> extends ShownTurn {
  /** For `tools` of the agent, beside the host's own. */
  readonly tools: Tool[];
  /** For `checkpointer` of the agent: what it holds is kept in the store while a user is waited for. */
  readonly checkpointer: Saver;
}

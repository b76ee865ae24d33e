import type { ShownTurn } from '../shown-turn.ts';

/** What is used of `@mastra/core`: give the host's own copy, so that there is one. */
export interface MastraSDK<Tool> {
  // The framework's own signature depends on the schemas of each tool, which are JSON Schema here.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly createTool: (options: any) => Tool;
}

/** What is read of what an agent's `generate` resolves to. */
export interface MastraResult {
  readonly text: string;
  readonly finishReason?: string | undefined;
}

/** What is used of what an agent's `stream` resolves to. */
export interface MastraStream {
  readonly getFullOutput: () => Promise<MastraResult & { readonly error?: Error | undefined }>;
}

/** What is used of an agent. It has to be registered with a `Mastra`, which keeps a run that is suspended. */
export interface MastraAgent {
  // Its own types of messages and options change with its minors.
  // oxlint-disable-next-line typescript/no-explicit-any
  generate(messages: any, options?: any): Promise<MastraResult>;
  // oxlint-disable-next-line typescript/no-explicit-any
  resumeGenerate(resumeData: any, options: any): Promise<MastraResult>;
  // oxlint-disable-next-line typescript/no-explicit-any
  stream(messages: any, options?: any): Promise<MastraStream>;
  // oxlint-disable-next-line typescript/no-explicit-any
  resumeStream(resumeData: any, options: any): Promise<MastraStream>;
  getMastraInstance(): { getStorage(): MastraStorage | undefined } | undefined;
}

/** What is used of a Mastra's storage: where a run lies while it is suspended. */
export interface MastraStorage {
  getStore(name: 'workflows'): Promise<MastraWorkflows | undefined>;
}

export interface MastraWorkflows {
  loadWorkflowSnapshot(of: WorkflowRun): Promise<unknown>;
  // oxlint-disable-next-line typescript/no-explicit-any
  persistWorkflowSnapshot(run: WorkflowRun & { readonly snapshot: any }): Promise<void>;
  deleteWorkflowRunById(of: WorkflowRun): Promise<void>;
}

export interface WorkflowRun {
  readonly workflowName: string;
  readonly runId: string;
}

/** What an agent has, anew for each turn. */
export interface MastraTurn<Tool> extends ShownTurn {
  /** By name. They are given to the agent as a toolset, beside the tools that it has. */
  readonly tools: Readonly<Record<string, Tool>>;
}

/**
 * The frameworks of the examples in agents.md, as far as those go: they are not installed with the project. That our types
 * fit theirs, `npm run test:agents` holds against the frameworks themselves.
 */
declare module '@openai/agents' {
  export class Agent {
    constructor(options: { name: string; tools: readonly FunctionTool[]; instructions: string });
    readonly name: string;
  }
  export interface FunctionTool {
    readonly type: 'function';
  }
  export interface RunResult {
    readonly interruptions: { readonly rawItem: unknown }[];
    readonly state: { toString(): string };
    readonly finalOutput?: string;
  }
  export const tool: (options: object) => FunctionTool;
  export const run: (agent: Agent, input: string | object, options?: object) => Promise<RunResult>;
  export const RunState: { fromString(agent: Agent, text: string): Promise<object> };
}

declare module 'ai' {
  export interface ModelMessage {
    readonly role: string;
    readonly content: unknown;
  }
  export interface Schema {
    readonly jsonSchema: object;
  }
  export const jsonSchema: (schema: object) => Schema;
  export const isStepCount: (count: number) => () => boolean;
  export const generateText: (options: object) => Promise<{
    readonly responseMessages: ModelMessage[];
    readonly content: object[];
    readonly text: string;
  }>;
}

declare module '@mastra/core/tools' {
  export interface Tool {
    readonly id: string;
  }
  export const createTool: (options: object) => Tool;
}

declare module '@mastra/core/storage' {
  export class InMemoryStore {
    getStore(name: 'workflows'): Promise<{
      loadWorkflowSnapshot(of: object): Promise<object | null>;
      persistWorkflowSnapshot(run: object): Promise<void>;
      deleteWorkflowRunById(of: object): Promise<void>;
    }>;
  }
}

declare module '@mastra/core/agent' {
  import type { Mastra } from '@mastra/core/mastra';

  export interface Output {
    readonly text: string;
    readonly finishReason: string | undefined;
  }
  export interface Stream {
    getFullOutput(): Promise<Output>;
  }
  export class Agent {
    constructor(options: object);
    generate(messages: string | object[], options?: object): Promise<Output>;
    resumeGenerate(resumeData: unknown, options: object): Promise<Output>;
    stream(messages: string | object[], options?: object): Promise<Stream>;
    resumeStream(resumeData: unknown, options: object): Promise<Stream>;
    getMastraInstance(): Mastra | undefined;
  }
}

declare module '@mastra/core/mastra' {
  import type { Agent } from '@mastra/core/agent';
  import type { InMemoryStore } from '@mastra/core/storage';

  export class Mastra {
    constructor(options: { agents: Record<string, Agent>; storage: InMemoryStore });
    getAgent(name: string): Agent;
    getStorage(): InMemoryStore | undefined;
  }
}

declare module '@langchain/langgraph' {
  export const interrupt: (value: unknown) => unknown;
  export class MemorySaver {
    storage: object;
    writes: object;
  }
}

declare module 'langchain' {
  export interface Tool {
    readonly name: string;
  }
  export const tool: (call: object, fields: object) => Tool;
  export const createAgent: (options: object) => {
    readonly invoke: (
      input: object | null,
      config?: object,
    ) => Promise<{ readonly messages: { readonly content: unknown }[] }>;
  };
}

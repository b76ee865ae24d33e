/**
 * The frameworks and engines of the examples, as far as those go: they are not installed with the project. That our types fit
 * those of the frameworks, and of Restate, `npm run test:agents` and `npm run test:durable` hold against themselves.
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

declare module '@ai-sdk/mcp' {
  export const createMCPClient: (options: {
    transport: { type: 'http'; url: string; fetch?: typeof fetch; authProvider?: object };
  }) => Promise<{ tools(): Promise<object>; close(): Promise<void> }>;
}

declare module '@langchain/mcp-adapters' {
  export class MultiServerMCPClient {
    constructor(servers: Record<string, { url: string; authProvider?: object }>);
    getTools(): Promise<object[]>;
  }
}

declare module '@restatedev/restate-sdk' {
  export interface Context {
    awakeable<T>(): { id: string; promise: Promise<T> };
    run<T>(name: string, action: () => Promise<T>): Promise<T>;
  }
  export class TerminalError extends Error {}
  export const service: (definition: {
    name: string;
    handlers: Record<string, (ctx: Context, input: string) => Promise<unknown>>;
  }) => object;
}

declare module '@restatedev/restate-sdk-clients' {
  export const connect: (options: { url: string }) => {
    resolveAwakeable<T>(id: string, payload?: T): Promise<void>;
  };
}

declare module '@temporalio/workflow' {
  interface Signal<Args extends unknown[]> {
    readonly name: string;
    readonly args?: Args;
  }
  export const condition: (check: () => boolean) => Promise<void>;
  export const defineSignal: <Args extends unknown[]>(name: string) => Signal<Args>;
  export const setHandler: <Args extends unknown[]>(
    signal: Signal<Args>,
    handler: (...args: Args) => void,
  ) => void;
  export const proxyActivities: <A>(options: { startToCloseTimeout: string }) => A;
  export const workflowInfo: () => { readonly workflowId: string };
}

declare module '@temporalio/client' {
  export class Client {
    readonly workflow: {
      getHandle(workflowId: string): { signal(name: string, ...args: unknown[]): Promise<void> };
    };
  }
}

declare module 'inngest' {
  interface Step {
    run<T>(id: string, action: () => Promise<T>): Promise<T>;
    waitForEvent(
      id: string,
      options: { event: string; if?: string; timeout: string },
    ): Promise<{ data: { code?: string } } | null>;
  }
  export class Inngest {
    constructor(options: { id: string });
    send(event: { id?: string; name: string; data: object }): Promise<{ ids: string[] }>;
    createFunction<T>(
      options: { id: string; triggers: { event: string }[] },
      handler: (input: { event: { data: { user: string } }; runId: string; step: Step }) => Promise<T>,
    ): object;
  }
}

declare module '@trigger.dev/sdk' {
  export const task: <P, T>(options: {
    id: string;
    run: (payload: P, params: { ctx: { run: { id: string } } }) => Promise<T>;
  }) => object;
  export const wait: {
    createToken(options: { idempotencyKey?: string; timeout?: string }): Promise<{ id: string }>;
    completeToken(token: { id: string }, data: object): Promise<object>;
    forToken<T>(token: { id: string }): Promise<{ ok: true; output: T } | { ok: false; error: Error }>;
  };
}

/** One call of a tool through each framework: by its own client of MCP with a header that never changes, and by our face. */
import { createMCPClient } from '@ai-sdk/mcp';
import { interrupt, MemorySaver } from '@langchain/langgraph';
import { MultiServerMCPClient } from '@langchain/mcp-adapters';
import { createTool } from '@mastra/core/tools';
import { MCPClient } from '@mastra/mcp';
import { getAllMcpTools, MCPServerStreamableHttp, RunContext, tool, type FunctionTool } from '@openai/agents';
import { jsonSchema } from 'ai';
import { tool as langChainTool } from 'langchain';
import { aiSdkTurn } from '../../src/agents/ai-sdk/index.ts';
import type { Turn } from '../../src/agents/index.ts';
import { langChainTurn } from '../../src/agents/langchain/index.ts';
import { mastraTurn } from '../../src/agents/mastra/index.ts';
import { openAITurn } from '../../src/agents/openai/index.ts';

export interface Call {
  readonly call: () => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

export interface Contenders {
  readonly own: (url: string, token: string) => Promise<Call>;
  readonly ours: (turn: Turn, name: string) => Promise<Call>;
}

const args = { text: 'hello' };
const json = JSON.stringify(args);

function invoking(one: FunctionTool, close: () => Promise<unknown>): Call {
  const context = new RunContext();
  let calls = 0;
  return {
    close,
    // As the SDK's runner: its policy is asked, and then it is invoked.
    call: async () => {
      const callId = `call_${++calls}`;
      if (await one.needsApproval(context, args as never, callId)) throw new Error('it waits');
      const toolCall = { type: 'function_call' as const, callId, name: one.name, arguments: json };
      return one.invoke(context, json, { toolCall: { ...toolCall, status: 'completed' } });
    },
  };
}

export const frameworks: Readonly<Record<string, Contenders>> = {
  'OpenAI Agents': {
    own: async (url, token) => {
      const headers = { authorization: `Bearer ${token}` };
      const server = new MCPServerStreamableHttp({ name: 'bench', url, requestInit: { headers } });
      await server.connect();
      const [echo] = await getAllMcpTools([server]);
      return invoking(echo as FunctionTool, () => server.close());
    },
    ours: async (turn, name) => {
      const { tools } = await openAITurn(turn, { tool: tool as (options: object) => FunctionTool });
      return invoking(
        tools.find((one) => one.name === name)!,
        async () => {},
      );
    },
  },
  'AI SDK': {
    own: async (url, token) => {
      const headers = { authorization: `Bearer ${token}` };
      const client = await createMCPClient({ transport: { type: 'http', url, headers } });
      const { echo } = await client.tools();
      let calls = 0;
      return {
        call: async () => echo!.execute(args, { toolCallId: `call_${++calls}`, messages: [] } as never),
        close: () => client.close(),
      };
    },
    ours: async (turn, name) => {
      const { tools, toolApproval } = await aiSdkTurn(turn, { jsonSchema });
      let calls = 0;
      return {
        close: async () => {},
        call: async () => {
          const toolCallId = `call_${++calls}`;
          const status = await toolApproval({ toolCall: { toolName: name, toolCallId, input: args } });
          if (status !== 'not-applicable') throw new Error('it waits');
          return tools[name]!.execute(args, { toolCallId });
        },
      };
    },
  },
  LangChain: {
    own: async (url, token) => {
      const headers = { authorization: `Bearer ${token}` };
      const client = new MultiServerMCPClient({ mcpServers: { bench: { transport: 'http', url, headers } } });
      const [echo] = await client.getTools();
      return invokedByGraph(echo as GraphTool, () => client.close());
    },
    ours: async (turn, name) => {
      const { tools } = await langChainTurn(turn, { tool: langChainTool, interrupt, MemorySaver });
      return invokedByGraph(tools.find((one) => one.name === name) as GraphTool, async () => {});
    },
  },
  Mastra: {
    own: async (url, token) => {
      const requestInit = { headers: { authorization: `Bearer ${token}` } };
      const client = new MCPClient({ servers: { bench: { url: new URL(url), requestInit } } });
      const { bench_echo: echo } = await client.listTools();
      return suspendable(echo as MastraTool, () => client.disconnect());
    },
    ours: async (turn, name) => {
      const { tools } = await mastraTurn(turn, { createTool });
      return suspendable(tools[name] as MastraTool, async () => {});
    },
  },
};

interface GraphTool {
  readonly name: string;
  readonly invoke: (call: object) => Promise<unknown>;
}

function invokedByGraph(one: GraphTool, close: () => Promise<unknown>): Call {
  let calls = 0;
  return {
    close,
    // As the graph's node of tools calls it.
    call: async () => one.invoke({ type: 'tool_call', id: `call_${++calls}`, name: one.name, args }),
  };
}

interface MastraTool {
  readonly execute: (input: object, context: object) => Promise<unknown>;
}

function suspendable({ execute }: MastraTool, close: () => Promise<unknown>): Call {
  let calls = 0;
  return {
    close,
    // As Mastra's loop calls it.
    call: async () => {
      const suspend = async (): Promise<void> => {
        throw new Error('it waits');
      };
      return execute(args, { agent: { toolCallId: `call_${++calls}`, suspend, messages: [] } });
    },
  };
}

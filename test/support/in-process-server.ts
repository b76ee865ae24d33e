import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server';
import type { Transport } from '@modelcontextprotocol/client';
import type { ServerConfig } from '../../src/client/index.ts';

/** An MCP server in this process, whose tools say their own name. What it offers may change while it runs. */
export interface InProcessServer {
  readonly config: ServerConfig;
  readonly tools: Set<string>;
  /** How many connections were made. */
  connections(): number;
}

export function createInProcessServer(...tools: string[]): InProcessServer {
  return createServerOf(tools, () => {});
}

/** @param prepare gives each connection's server what else it offers. */
export function createServerOf(tools: readonly string[], prepare: (mcp: McpServer) => void): InProcessServer {
  const offered = new Set(tools);
  let connections = 0;
  const connect = async (): Promise<Transport> => {
    connections++;
    const [client, server] = InMemoryTransport.createLinkedPair();
    const mcp = new McpServer({ name: 'in-process', version: '1.0.0' });
    for (const name of offered) {
      mcp.registerTool(name, { description: name }, () => ({ content: [{ type: 'text', text: name }] }));
    }
    prepare(mcp);
    await mcp.connect(server);
    return client;
  };
  return { config: { connect }, tools: offered, connections: () => connections };
}

import type { Answer } from './authorization-server.ts';

interface RpcMessage {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { readonly text?: unknown } };
}

/** An MCP server of the 2025 era with one tool, `echo`; stateless, and every reply is plain JSON. */
export function answerMcp(body: string): Answer {
  const message = JSON.parse(body) as RpcMessage;
  if (message.id === undefined) return { status: 202 };
  const reply = (content: Record<string, unknown>): Answer => ({
    status: 200,
    body: { jsonrpc: '2.0', id: message.id, ...content },
  });
  switch (message.method) {
    case 'initialize':
      return reply({
        result: {
          protocolVersion: message.params?.protocolVersion ?? '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 'bench', version: '1' },
        },
      });
    case 'ping':
      return reply({ result: {} });
    case 'tools/list':
      return reply({ result: { tools: [echo] } });
    case 'tools/call':
      return reply({
        result: { content: [{ type: 'text', text: String(message.params?.arguments?.text) }] },
      });
    default:
      return reply({ error: { code: -32_601, message: 'no such method' } });
  }
}

const echo = {
  name: 'echo',
  description: 'Says what it is told.',
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
};

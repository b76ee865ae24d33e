import type { Reply } from './programmable-reply.ts';

/** A server of the 2025 era as small as it can be: a name, some tools, and what each says. */
export interface MinimalMcp {
  readonly name: string;
  readonly tools: readonly { readonly name: string; readonly description?: string }[];
  /** The text that a call is answered with. */
  readonly call: (args: Readonly<Record<string, unknown>>) => string;
}

/** A message as it came. */
export interface RpcMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: {
    readonly protocolVersion?: string;
    readonly arguments?: Readonly<Record<string, unknown>>;
  };
}

/** What is answered to one message; `undefined` to a notification. Nothing is remembered between two. */
export function answerMessage(message: RpcMessage, server: MinimalMcp): object | undefined {
  const { id, method, params } = message;
  if (id === undefined) return undefined;
  const reply = (result: object): object => ({ jsonrpc: '2.0', id, result });
  switch (method) {
    case 'initialize':
      return reply({
        protocolVersion: params?.protocolVersion ?? '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: server.name, version: '1' },
      });
    case 'ping':
      return reply({});
    case 'tools/list':
      return reply({ tools: server.tools.map((tool) => ({ inputSchema: { type: 'object' }, ...tool })) });
    case 'tools/call':
      return reply({ content: [{ type: 'text', text: server.call(params?.arguments ?? {}) }] });
    default:
      return { jsonrpc: '2.0', id, error: { code: -32_601, message: 'no such method' } };
  }
}

/** Answers one request of Streamable HTTP, each by itself, in plain JSON. */
export function answerMcp({ method, text }: { method: string; text: string }, server: MinimalMcp): Reply {
  if (method !== 'POST') return { status: 405 };
  const body = answerMessage(JSON.parse(text) as RpcMessage, server);
  return body === undefined ? { status: 202 } : { body };
}

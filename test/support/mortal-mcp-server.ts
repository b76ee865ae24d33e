import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { answerMessage, type RpcMessage } from './minimal-mcp.ts';
import { readText, sendReply, type Reply } from './programmable-reply.ts';

/** One request to a {@link MortalMcpServer}. */
export interface McpCall {
  readonly message: RpcMessage;
  readonly headers: IncomingMessage['headers'];
  /** The session that it names, if it names one. */
  readonly session: string | undefined;
}

export interface MortalMcpOptions {
  /** What a request in a session that is not known is answered with. Default: 404. */
  readonly unknown?: ((call: McpCall) => Reply) | undefined;
  /** Answers in place of the server; `undefined` leaves it to the server. */
  readonly override?: ((call: McpCall) => Reply | undefined) | undefined;
  /** How answers to calls of tools come. Default `json`. */
  readonly answers?: 'json' | 'sse' | undefined;
  /** Without sessions, each request stands for itself. Default true. */
  readonly hasSessions?: boolean | undefined;
}

/** A server of the 2025 era over Streamable HTTP that forgets its sessions, and dies, when it is told to. */
export interface MortalMcpServer {
  readonly url: string;
  readonly options: { -readonly [K in keyof MortalMcpOptions]: MortalMcpOptions[K] };
  /** What came in, by method. */
  count(method: string): number;
  /** How often the tool was run. */
  runs(): number;
  /** Every session is unknown from now on. */
  restart(): void;
  /** The tool `slow` answers to whoever waits. */
  release(): void;
  /** Every connection is cut, and none is taken any more. */
  die(): Promise<void>;
}

export async function startMortalMcpServer(options: MortalMcpOptions = {}): Promise<MortalMcpServer> {
  const sessions = new Set<string>();
  const counts = new Map<string, number>();
  const waiting = new Set<() => void>();
  const own = { ...options };
  let runs = 0;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'POST') return sendReply({ status: 405 }, response);
    const message = JSON.parse(await readText(request)) as RpcMessage;
    const { method = '' } = message;
    counts.set(method, (counts.get(method) ?? 0) + 1);
    const session = request.headers['mcp-session-id'] as string | undefined;
    const call: McpCall = { message, headers: request.headers, session };
    const overridden = own.override?.(call);
    if (overridden !== undefined) return sendReply(overridden, response);
    if (method === 'server/discover') return sendReply({ status: 400, body: 'What?' }, response);
    if (session !== undefined && !sessions.has(session)) {
      return sendReply(own.unknown?.(call) ?? { status: 404 }, response);
    }
    const headers: Record<string, string> = {};
    if (method === 'initialize' && own.hasSessions !== false) {
      const id = randomUUID();
      sessions.add(id);
      headers['mcp-session-id'] = id;
    }
    const answer = (): object | undefined =>
      answerMessage(message, {
        name: 'mortal',
        tools: [{ name: 'run' }, { name: 'slow' }],
        call: () => String(++runs),
      });
    if (method !== 'tools/call') {
      const body = answer();
      return sendReply(body === undefined ? { status: 202 } : { headers, body }, response);
    }
    await callTool(message, answer, response);
  }

  async function callTool(
    message: RpcMessage,
    answer: () => object | undefined,
    response: ServerResponse,
  ): Promise<void> {
    const body = answer();
    const isStream = own.answers === 'sse';
    if (isStream) response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    if ((message.params as { name?: string } | undefined)?.name === 'slow') {
      await new Promise<void>((resolve) => waiting.add(resolve));
    }
    if (isStream) return void response.end(`event: message\ndata: ${JSON.stringify(body)}\n\n`);
    return sendReply({ body }, response);
  }

  const server = createServer((request, response) => {
    void receive(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const die = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(die);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`,
    options: own,
    count: (method) => counts.get(method) ?? 0,
    runs: () => runs,
    restart: () => sessions.clear(),
    release: () => {
      for (const resolve of waiting) resolve();
    },
    die,
  };
}

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerMessage, type RpcMessage } from './minimal-mcp.ts';

/** An MCP server with the transport of 2024-11-05: a stream for answers, and an address to post to. */
export interface LegacySseServer {
  readonly url: string;
  /** How often a stream was opened. */
  streams(): number;
  /** How many calls came in and were left alone. */
  unanswered(): number;
  /** Cuts every stream. */
  cut(): void;
  close(): Promise<void>;
}

export interface LegacySseOptions {
  /** Whom a token stands for, or `undefined` when it is not good. Without it, anybody may come in. */
  readonly subjectOf?: (token: string, resource: string) => string | undefined;
  readonly issuer?: string;
  /** Whether calls of tools are answered now. Default: they are. */
  readonly answers?: () => boolean;
}

export async function startLegacySseServer(options: LegacySseOptions = {}): Promise<LegacySseServer> {
  const streams = new Map<string, ServerResponse>();
  let opened = 0;
  let unanswered = 0;
  let origin = '';

  function subject(request: IncomingMessage): string | undefined {
    if (options.subjectOf === undefined) return 'anybody';
    const [, token = ''] = request.headers.authorization?.split(' ') ?? [];
    return options.subjectOf(token, `${origin}/sse`);
  }

  function challenge(response: ServerResponse): void {
    const metadata = `${origin}/.well-known/oauth-protected-resource/sse`;
    response.writeHead(401, { 'www-authenticate': `Bearer resource_metadata="${metadata}"` }).end();
  }

  function open(response: ServerResponse): void {
    opened++;
    const id = randomUUID();
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`event: endpoint\ndata: /messages?session=${id}\n\n`);
    streams.set(id, response);
    response.once('close', () => streams.delete(id));
  }

  async function receive(request: IncomingMessage, response: ServerResponse, who: string): Promise<void> {
    const stream = streams.get(new URL(request.url ?? '/', origin).searchParams.get('session') ?? '');
    if (stream === undefined) return void response.writeHead(404).end();
    let text = '';
    for await (const chunk of request) text += String(chunk);
    response.writeHead(202).end('Accepted');
    const message = JSON.parse(text) as RpcMessage;
    if (message.method === 'tools/call' && options.answers?.() === false) return void unanswered++;
    const answer = answerMessage(message, {
      name: 'legacy',
      tools: [{ name: 'whoami' }],
      call: () => who,
    });
    if (answer !== undefined) stream.write(`event: message\ndata: ${JSON.stringify(answer)}\n\n`);
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', origin);
    if (pathname === '/.well-known/oauth-protected-resource/sse') {
      const body = { resource: `${origin}/sse`, authorization_servers: [options.issuer] };
      return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    }
    const who = subject(request);
    if (pathname !== '/sse' && pathname !== '/messages') return void response.writeHead(404).end();
    if (who === undefined) return challenge(response);
    if (request.method === 'GET' && pathname === '/sse') return open(response);
    if (request.method === 'POST' && pathname === '/messages') {
      return void receive(request, response, who).catch(() => response.destroy());
    }
    return void response.writeHead(405).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${origin}/sse`,
    streams: () => opened,
    unanswered: () => unanswered,
    cut: () => {
      for (const stream of streams.values()) stream.destroy();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

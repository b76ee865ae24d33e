import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** One request as it came. */
export interface Came {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly message: any;
}

export interface PlainServer {
  readonly url: string;
  readonly came: readonly Came[];
  close(): Promise<void>;
}

/** A server that answers each request as a test says, to the last byte. */
export async function startPlainServer(
  answer: (came: Came, response: ServerResponse) => void | Promise<void>,
  port = 0,
): Promise<PlainServer> {
  const came: Came[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const one = {
        method: request.method ?? '',
        headers: request.headers,
        text,
        message: text === '' ? undefined : JSON.parse(text),
      };
      came.push(one);
      void answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, came, close };
}

export function sendJson(
  response: ServerResponse,
  text: string,
  headers: Record<string, string> = {},
  status = 200,
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

/** The answer of a server of 2025-11-25 to what every host sends; `false` for the rest. */
export function answerGreeting(
  { method, message }: Came,
  response: ServerResponse,
  headers?: Record<string, string>,
): boolean {
  if (method === 'DELETE') return (response.writeHead(200).end(), true);
  if (method !== 'POST') return (response.writeHead(405).end(), true);
  if (message.id === undefined || message.method === undefined) return (response.writeHead(202).end(), true);
  if (message.method !== 'initialize') return false;
  const { protocolVersion } = message.params;
  const result = {
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: 'plain', version: '1' },
  };
  sendJson(response, JSON.stringify({ jsonrpc: '2.0', id: message.id, result }), headers);
  return true;
}

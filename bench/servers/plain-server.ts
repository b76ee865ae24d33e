import { createServer, type ServerResponse } from 'node:http';
import { answerMessage, type MinimalMcp, type RpcMessage } from '../../test/support/minimal-mcp.ts';

/**
 * A process with an MCP server of the 2025 era at every path, which asks nobody to sign in. It says its origin to its
 * parent, and ends when the parent does.
 */

const echo: MinimalMcp = {
  name: 'bench',
  tools: [
    { name: 'echo', description: 'Says what it is told.' },
    { name: 'flood', description: 'Says `text` `count` times before it answers.' },
  ],
  call: ({ text }) => String(text),
};

const server = createServer((request, response) => {
  if (request.method !== 'POST') return void response.writeHead(405).end();
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => answer(JSON.parse(Buffer.concat(chunks).toString()) as FloodMessage, response));
});

type FloodMessage = RpcMessage & { readonly params?: { readonly name?: string } };

function answer(message: FloodMessage, response: ServerResponse): void {
  const reply = answerMessage(message, echo);
  if (reply === undefined) return void response.writeHead(202).end();
  if (message.params?.name !== 'flood') {
    const body = JSON.stringify(reply);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    return void response.end(body);
  }
  const { text, count } = message.params.arguments ?? {};
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const note = event({
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level: 'info', data: text },
  });
  let left = Number(count);
  const write = (): void => {
    while (left-- > 0) if (!response.write(note)) return void response.once('drain', write);
    response.end(event(reply));
  };
  write();
}

function event(message: object): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

process.on('disconnect', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address !== null && typeof address === 'object') {
    process.send?.({ origin: `http://127.0.0.1:${address.port}` });
  }
});

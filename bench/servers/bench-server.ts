import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { CountingAuthorizationServer, type Answer } from './authorization-server.ts';
import { answerMcp } from './mcp-endpoint.ts';

/**
 * The process the benches talk to: an MCP server at `/mcp` that wants a live access token, its authorization server,
 * and `/control/…` for the bench itself. It says its origin to its parent, and ends when the parent does.
 */

/** How long a token request takes, so that requests of one storm really meet. */
const tokenDelayMs = Number(process.argv[2] ?? 0);

/** Ends by itself, should everything else fail. */
setTimeout(() => process.exit(1), 20 * 60_000).unref();

const server = createServer((request, response) => {
  void answer(request).then(
    (reply) => send(response, reply),
    () => send(response, { status: 500 }),
  );
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const authorization = new CountingAuthorizationServer(origin);
process.on('disconnect', () => process.exit(0));
process.send?.({ origin });

async function answer(request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', origin);
  const body = await readBody(request);
  switch (url.pathname) {
    case '/mcp':
      return answerResource(request, body);
    case '/.well-known/oauth-protected-resource/mcp':
      return { status: 200, body: { resource: `${origin}/mcp`, authorization_servers: [origin] } };
    case '/control/counts':
      return { status: 200, body: authorization.counts() };
    case '/control/expire':
      authorization.expireAccessTokens();
      return { status: 200, body: {} };
    case '/control/grant':
      return { status: 200, body: authorization.issueGrant() };
    case '/token':
      await sleep(tokenDelayMs);
  }
  return authorization.answer(url, request.method ?? 'GET', body) ?? { status: 404 };
}

function answerResource(request: IncomingMessage, body: string): Answer {
  const token = /^Bearer (.+)$/u.exec(request.headers.authorization ?? '')?.[1] ?? '';
  if (!authorization.accepts(token)) {
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
    return { status: 401, headers: { 'www-authenticate': `Bearer resource_metadata="${metadata}"` } };
  }
  return request.method === 'POST' ? answerMcp(body) : { status: 405 };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = '';
  request.setEncoding('utf8');
  for await (const chunk of request) body += String(chunk);
  return body;
}

function send(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const text = body === undefined ? '' : JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    ...(text !== '' && { 'content-type': 'application/json' }),
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ChaosAuthorizationServer, type Answer } from './authorization-server.ts';
import { ChaosMcpServer } from './mcp-server.ts';
import type { OperationLog } from './operation-log.ts';

/** The outside: an authorization server and an MCP server, at one origin. */
export interface Web {
  readonly origin: string;
  readonly port: number;
  readonly authorizationServer: ChaosAuthorizationServer;
  close(): Promise<void>;
}

export async function startWeb(log: OperationLog): Promise<Web> {
  const server = createServer((request, response) => {
    void answer(request).then(
      ({ status, headers = {}, body }) => {
        const text = body === undefined ? '' : JSON.stringify(body);
        response.writeHead(status, {
          ...headers,
          ...(text !== '' && { 'content-type': 'application/json' }),
        });
        response.end(text);
      },
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const authorizationServer = new ChaosAuthorizationServer(origin, log);
  const mcpServer = new ChaosMcpServer(origin, authorizationServer);

  async function answer(request: IncomingMessage): Promise<Answer> {
    request.setEncoding('utf8');
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const asked = {
      url: new URL(request.url ?? '/', origin),
      method: request.method ?? 'GET',
      body,
      header: (name: string) => request.headers[name]?.toString(),
    };
    return mcpServer.answer(asked) ?? authorizationServer.answer(asked) ?? { status: 404 };
  }

  return {
    origin,
    port,
    authorizationServer,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

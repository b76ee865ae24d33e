/** The pages of a server made with Postern, and its MCP endpoints. */
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { answerCommands, sayReady } from '../shared/commands.ts';
import { answerHostLogin } from '../shared/host-login.ts';
import { openSecretServer, serveMcp } from './open-secret-server.ts';

const [port = '', directory = ''] = process.argv.slice(2);
const origin = `http://127.0.0.1:${port}`;
const { oob, createServer: createMcpServer, forget } = openSecretServer({ directory, origin });
const mcp = serveMcp(createMcpServer);
const listener = getRequestListener((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === '/login') return answerHostLogin(request);
  return pathname.startsWith('/oob/') ? oob.fetch(request) : mcp(request);
});
createServer((request, response) => void listener(request, response)).listen(Number(port), '127.0.0.1', () =>
  sayReady({}),
);
answerCommands({ forget });

/** An MCP server on stdin and stdout with a login tool, as its person's client starts it. What it logs is on stderr. */
import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { createLineLogger } from '../../examples/protected-server/line-logger.ts';
import { fixedNamespace } from '../../src/namespace/fixed-namespace.ts';
import { Oob, loginTool, thisMachine, type ThisMachineOptions } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';
import { loginFlow, type LoginWay } from './login-flows.ts';

/** What its one argument says, as JSON. */
export interface LoginProcessOptions {
  readonly directory: string;
  readonly issuer: string;
  readonly way: LoginWay;
  readonly machine?: ThisMachineOptions;
}

const { directory, issuer, way, machine } = JSON.parse(process.argv[2] ?? '{}') as LoginProcessOptions;

const oob = new Oob({
  storage: openLocalStorage(directory),
  namespaces: fixedNamespace('me'),
  gate: thisMachine(machine),
  logger: createLineLogger((line) => console.error(line)),
});
const login = loginTool(oob, { resource: 'photos.example', flow: oob.flow(way, loginFlow(way, issuer)) });

serveStdio(() => {
  const server = new McpServer({ name: 'photos', version: '1.0.0' }, { requestState: oob.requestState });
  login.register(server);
  server.registerTool(
    'whose',
    { inputSchema: z.object({ account: z.string().optional() }) },
    oob.tool(async ({ account }, { credential, principal }): Promise<CallToolResult> => {
      const held = await credential(await login.accounts.request(principal, account));
      const text = 'accessToken' in held ? `a token of ${held.subject ?? 'somebody'}` : 'a key';
      return { content: [{ type: 'text', text }] };
    }),
  );
  return server;
});

process.stdin.once('end', () => void oob.close());

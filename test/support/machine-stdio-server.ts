/**
 * A real MCP server on stdin and stdout, which needs a password from the person who has started it.
 *
 * Its second argument tells what it does when its client has gone: `closes` what it has opened, or just `ends`.
 */
import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fixedNamespace } from '../../src/namespace/fixed-namespace.ts';
import { Oob, secretForm, thisMachine } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';

const [directory = '', whenLeft = 'closes'] = process.argv.slice(2);

const oob = new Oob({
  storage: openLocalStorage(directory),
  namespaces: fixedNamespace('me'),
  gate: thisMachine(),
});
const login = oob.flow(
  'login',
  secretForm({
    type: 'object',
    properties: { password: { type: 'string', writeOnly: true } },
    required: ['password'],
  }),
);

serveStdio(() => {
  const server = new McpServer({ name: 'machine', version: '1.0.0' }, { requestState: oob.requestState });
  server.registerTool(
    'length',
    { description: 'The length of the password' },
    oob.tool(async (_args, { credential }): Promise<CallToolResult> => {
      const { password } = await credential({ resource: 'disk', flow: login });
      return { content: [{ type: 'text', text: String(password.length) }] };
    }),
  );
  return server;
});

if (whenLeft === 'closes') process.stdin.once('end', () => void oob.close());

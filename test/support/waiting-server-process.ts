/** One process of an MCP server whose tool waits for a person. It is stopped as a deployment stops it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { fixedNamespace } from '../../src/namespace/index.ts';
import { nodeListener } from '../../src/node/index.ts';
import { Oob, secretForm } from '../../src/oob/index.ts';
import { openLocalStorage } from '../../src/storage/local.ts';

/** What it tells its parent. */
export type FromWaitingServer =
  | { readonly port: number }
  | { readonly run: 'asked' | 'done' }
  | { readonly waiting: true }
  | { readonly stopped: true };

const [directory = '', publicUrl = ''] = process.argv.slice(2);
const tell = (message: FromWaitingServer): void => void process.send?.(message);

const oob = new Oob({
  storage: openLocalStorage(directory),
  namespaces: fixedNamespace('alice'),
  publicUrl: `${publicUrl}/oob`,
  verifyUser: () => 'alice',
});
const form = { type: 'object', properties: { key: { type: 'string', writeOnly: true } } } as const;
const flow = oob.flow('key', secretForm(form));
// Longer than any test: what ends a wait here is that its process leaves.
const options = { waitMs: 300_000, sessionWaitMs: 300_000 };
const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' }, { requestState: oob.requestState });
  server.registerTool(
    'notes',
    {},
    oob.tool(async (_args, { credential }) => {
      tell({ run: 'asked' });
      const { key } = await credential({ resource: 'notes.example', flow });
      tell({ run: 'done' });
      return { content: [{ type: 'text', text: `the notes of ${key}` }] };
    }, options),
  );
  return server;
});

const server = createServer(
  nodeListener(
    async (request) => {
      if (new URL(request.url).pathname.startsWith('/oob/')) return oob.fetch(request);
      if (JSON.stringify(await request.clone().text()).includes('requestState')) tell({ waiting: true });
      return mcp.fetch(request);
    },
    { publicUrl },
  ),
);
server.listen(0, '127.0.0.1', () => tell({ port: (server.address() as AddressInfo).port }));

async function stop(): Promise<void> {
  const answered = new Promise((resolve) => server.close(resolve));
  await oob.close();
  await answered;
  await oob.storage.close();
  tell({ stopped: true });
  process.disconnect();
}
process.once('SIGTERM', () => void stop());

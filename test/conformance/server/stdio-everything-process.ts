/** The server under test over stdio. Its pages are nowhere, as the suite opens none. */
import type { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { fixedNamespace } from '../../../src/namespace/index.ts';
import { Oob, skipUserVerification } from '../../../src/oob/index.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import type { Changes } from './change-tools.ts';
import { createEverythingServer } from './everything-server.ts';
import { createKeyFlow } from './secret-tool.ts';

const oob = new Oob({
  storage: new MemoryBackend(),
  namespaces: fixedNamespace('conformance'),
  publicUrl: 'http://127.0.0.1:9/oob',
  [skipUserVerification]: true,
});
const changes: Changes = {
  tool: false,
  prompt: false,
  announce(what: 'tools' | 'prompts', server: McpServer) {
    if (what === 'tools') server.sendToolListChanged();
    else server.sendPromptListChanged();
  },
};
const shared = { oob, keyFlow: createKeyFlow(oob), changes };
serveStdio((context) => createEverythingServer(context, shared));
process.stdin.once('close', () => process.exit(0));

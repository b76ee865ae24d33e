import { McpServer, type McpRequestContext } from '@modelcontextprotocol/server';
import type { FormValues, NamedFlow, Oob } from '../../../src/oob/index.ts';
import { registerChangeTools, type Changes } from './change-tools.ts';
import { registerClientTools } from './client-tools.ts';
import { registerContentTools } from './content-tools.ts';
import { registerInputTools } from './input-tools.ts';
import { registerPrompts } from './prompts.ts';
import { registerResources } from './resources.ts';
import { registerSchemaTools } from './schema-tools.ts';
import { SealedRounds } from './sealed-rounds.ts';
import { registerSecretTool } from './secret-tool.ts';
import { registerStreamTools } from './stream-tools.ts';

const listHint = { ttlMs: 60_000, cacheScope: 'public' } as const;

/** What all the servers made for requests and sessions have in common. */
export interface Shared {
  readonly oob: Oob;
  readonly keyFlow: NamedFlow<FormValues>;
  readonly changes: Changes;
}

/** A server with everything the suite's server scenarios want to see, for one request or one session. */
export function createEverythingServer({ era }: McpRequestContext, shared: Shared): McpServer {
  const { oob, keyFlow, changes } = shared;
  const server = new McpServer(
    { name: 'postern-everything', version: '1.0.0' },
    {
      capabilities: { logging: {}, ...(era === 'legacy' && { resources: { subscribe: true } }) },
      cacheHints: {
        'server/discover': listHint,
        'prompts/list': listHint,
        'resources/list': listHint,
        'resources/templates/list': listHint,
        'resources/read': { ttlMs: 60_000, cacheScope: 'private' },
      },
      requestState: oob.requestState,
    },
  );
  registerContentTools(server, oob);
  registerStreamTools(server, oob);
  registerClientTools(server);
  registerInputTools(server, new SealedRounds(oob));
  registerSecretTool(server, oob, keyFlow);
  registerSchemaTools(server);
  registerChangeTools(server, changes);
  registerResources(server, era);
  registerPrompts(server);
  return server;
}

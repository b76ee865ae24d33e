import { Client } from '@modelcontextprotocol/client';
import { InMemoryTransport, McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { fixedNamespace } from '../../../src/namespace/fixed-namespace.ts';
import { thisMachine, type Oob } from '../../../src/oob/index.ts';
import { createCookieBrowser } from '../../support/cookie-browser.ts';
import { openRedirectServer, type Instance, type Whereabouts } from './server.ts';
import type { SetUp } from './set-up.ts';

/**
 * An MCP server that one person's client has started, in two processes, with links on this machine's gate.
 *
 * There is one person. Whom a fact calls a user is one of the services that they have an account at, and what a user's
 * application has is what a tool call of a real client for that service comes to.
 */
export const serverOnStdio: SetUp = {
  name: 'server on stdio',
  async open() {
    const stage = await openRedirectServer(onThisMachine());
    // A link of another service, so that the listener outlives those of a test.
    await stage.outcome('somebody-else');
    return stage;
  },
};

function onThisMachine(): Whereabouts {
  const resourceOf = (user: string): string => `${user}.calendar.example`;
  return {
    options: { namespaces: fixedNamespace('me'), gate: thisMachine() },
    serve: () => {},
    openBrowser: async (_user, { clock }) => createCookieBrowser({ now: clock }),
    switchUser: async () => {},
    principalOf: (oob: Oob) => oob.principal({}),
    resourceOf,
    connect: (instance) => connect(instance, resourceOf),
  };
}

/** A client of a server over stdio, which can show no link by itself. */
async function connect(
  { oob, flow, holder }: Instance,
  resourceOf: (user: string) => string,
): Promise<(user: string) => Promise<string>> {
  const createServer = (): McpServer => {
    const server = new McpServer({ name: 'machine', version: '1.0.0' }, { requestState: oob.requestState });
    server.registerTool(
      'whoami',
      { inputSchema: z.object({ user: z.string() }) },
      oob.tool(async ({ user }: { user: string }, { credential }): Promise<CallToolResult> => {
        const held = await credential({ resource: resourceOf(user), flow });
        return { content: [{ type: 'text', text: holder(held) }] };
      }),
    );
    return server;
  };
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const handle = serveStdio(createServer, { transport: theirs });
  const client = new Client(
    { name: 'client', version: '1.0.0' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(ours);
  onTestFinished(async () => {
    await client.close();
    await handle.close();
  });
  return async (user) => {
    const result = await client.callTool({ name: 'whoami', arguments: { user } });
    const { pending, error } = (result.structuredContent ?? {}) as {
      pending?: { url: string };
      error?: { code: string };
    };
    if (pending !== undefined) return `asks ${pending.url}`;
    if (error !== undefined) return error.code;
    const [block] = result.content;
    return `holds ${block?.type === 'text' ? block.text : ''}`;
  };
}

import { createMCPClient } from '@ai-sdk/mcp';
import { Client as SdkV1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MCPServerStreamableHttp } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import { findAuthorizationRequired } from '../../src/client/index.ts';
import { failureOf, openStage } from '../../test/support/stage.ts';

/** A client of MCP that is not ours: what the tool `whoami` answers it, and how it is closed. */
interface Other {
  whoami(): Promise<string>;
  close(): Promise<unknown>;
}

const others: Record<string, (url: string, fetch: typeof globalThis.fetch) => Promise<Other>> = {
  'the official SDK, version 1': async (url, fetch) => {
    const client = new SdkV1Client({ name: 'other', version: '1.0.0' });
    // Its optional properties do not take undefined, in types alone.
    const transport = new StreamableHTTPClientTransport(new URL(url), { fetch }) as Parameters<
      typeof client.connect
    >[0];
    await client.connect(transport);
    return {
      whoami: async () => JSON.stringify(await client.callTool({ name: 'whoami', arguments: {} })),
      close: () => client.close(),
    };
  },
  'the AI SDK’s client': async (url, fetch) => {
    const client = await createMCPClient({ transport: { type: 'http', url, fetch } });
    const { whoami } = await client.tools();
    return {
      whoami: async () =>
        JSON.stringify(await whoami?.execute({}, { toolCallId: '1', messages: [], context: {} } as never)),
      close: () => client.close(),
    };
  },
  'the MCP servers of OpenAI’s Agents SDK': async (url, fetch) => {
    const server = new MCPServerStreamableHttp({ name: 'calendar', url, fetch });
    await server.connect();
    return {
      whoami: async () => JSON.stringify(await server.callTool('whoami', {})),
      close: () => server.close(),
    };
  },
};

describe.each(Object.entries(others))('%s with our fetch', (_name, open) => {
  test('names the link when it has to, works once its person has signed in, and shares one refresh', async () => {
    const stage = await openStage();
    const { fetch } = (await stage.manager.getClient('alice')).session('calendar');
    const { url } = await stage.linkOf('alice');
    const refused = await failureOf(open(stage.calendar.url, fetch));
    expect(findAuthorizationRequired(refused)?.challenge.url ?? String(refused)).toBe(url);
    await stage.signIn('alice');
    const clients = await Promise.all([1, 2, 3].map(() => open(stage.calendar.url, fetch)));
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all(clients.map((client) => client.whoami()));
    expect(answers.filter((answer) => !answer.includes('alice'))).toEqual([]);
    expect(stage.as.count('refresh')).toBe(1);
    await Promise.all(clients.map((client) => client.close()));
  });
});

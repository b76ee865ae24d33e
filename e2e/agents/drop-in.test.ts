import { createMCPClient } from '@ai-sdk/mcp';
import { Client as SdkV1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MCPServerStreamableHttp } from '@openai/agents';
import { describe, expect, test } from 'vitest';
import {
  findAuthorizationRequired,
  oauthClientProvider,
  type SessionOAuthClientProvider,
} from '../../src/client/index.ts';
import { challengeOf, codeOf, failureOf, openStage } from '../../test/support/stage.ts';

/** A client of MCP that is not ours: what a tool answers it, and how it is closed. */
interface Other {
  call(tool: string): Promise<string>;
  close(): Promise<unknown>;
}

/** By which of ours it is let in. */
type Way =
  | { readonly fetch: typeof globalThis.fetch }
  | { readonly authProvider: SessionOAuthClientProvider };

/** Those that take either. */
const providerTakers: Record<string, (url: string, way: Way) => Promise<Other>> = {
  'the official SDK, version 1': async (url, way) => {
    const client = new SdkV1Client({ name: 'other', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(url), way);
    // Its optional properties do not take undefined, in types alone.
    await client.connect(transport as Parameters<typeof client.connect>[0]);
    return {
      call: async (name) => JSON.stringify(await client.callTool({ name, arguments: {} })),
      close: () => client.close(),
    };
  },
  'the AI SDK’s client': async (url, way) => {
    const client = await createMCPClient({ transport: { type: 'http', url, ...way } });
    const tools = await client.tools();
    return {
      call: async (name) =>
        JSON.stringify(
          await tools[name]?.execute({}, { toolCallId: '1', messages: [], context: {} } as never),
        ),
      close: () => client.close(),
    };
  },
};

const others: Record<string, (url: string, way: { fetch: typeof globalThis.fetch }) => Promise<Other>> = {
  ...providerTakers,
  'the MCP servers of OpenAI’s Agents SDK': async (url, { fetch }) => {
    const server = new MCPServerStreamableHttp({ name: 'calendar', url, fetch });
    await server.connect();
    return {
      call: async (name) => JSON.stringify(await server.callTool(name, {})),
      close: () => server.close(),
    };
  },
};

describe.each(Object.entries(others))('%s with our fetch', (_name, open) => {
  test('names the link when it has to, works once its person has signed in, and shares one refresh', async () => {
    const stage = await openStage();
    const { fetch } = (await stage.manager.getClient('alice')).session('calendar');
    const { url } = await stage.linkOf('alice');
    const refused = await failureOf(open(stage.calendar.url, { fetch }));
    expect(findAuthorizationRequired(refused)?.challenge.url ?? String(refused)).toBe(url);
    await stage.signIn('alice');
    const clients = await Promise.all([1, 2, 3].map(() => open(stage.calendar.url, { fetch })));
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all(clients.map((client) => client.call('whoami')));
    expect(answers.filter((answer) => !answer.includes('alice'))).toEqual([]);
    expect(stage.as.count('refresh')).toBe(1);
    await Promise.all(clients.map((client) => client.close()));
  });
});

describe.each(Object.entries(providerTakers))('%s with our OAuthClientProvider', (_name, open) => {
  test('names the one link, works once its person has signed in, and never renews or registers by itself', async () => {
    const stage = await openStage({ as: { expiresInSeconds: 600 } });
    const provider = oauthClientProvider((await stage.manager.getClient('alice')).session('calendar'));
    const { url } = await stage.linkOf('alice');
    expect((await challengeOf(open(stage.calendar.url, { authProvider: provider }))).url).toBe(url);
    await stage.signIn('alice');
    const clients = await Promise.all(
      [1, 2, 3].map(() => open(stage.calendar.url, { authProvider: provider })),
    );
    stage.time.advance(599_000);
    const answers = await Promise.all(clients.map((client) => client.call('whoami')));
    expect(answers.filter((answer) => !answer.includes('alice'))).toEqual([]);
    expect([stage.as.count('refresh'), stage.as.count('register'), stage.as.count('authorize')]).toEqual([
      1, 1, 1,
    ]);
    await Promise.all(clients.map((client) => client.close()));
  });

  test('fails once with a token that its server has ended early, and has another one by then', async () => {
    const stage = await openStage();
    const provider = oauthClientProvider((await stage.manager.getClient('alice')).session('calendar'));
    await stage.signIn('alice');
    const client = await open(stage.calendar.url, { authProvider: provider });
    stage.as.tokens.expireAccessTokens();
    expect(await codeOf(client.call('whoami'))).toBe('ERR_POSTERN_AUTH_RENEWED');
    expect(await client.call('whoami')).toContain('alice');
    expect([stage.as.count('refresh'), stage.as.count('authorize')]).toEqual([1, 1]);
    await client.close();
  });
});

test('version 1 of the official SDK has its person asked for what a call needs besides, and the grant stays', async () => {
  const stage = await openStage();
  const provider = oauthClientProvider((await stage.manager.getClient('alice')).session('calendar'));
  await stage.signIn('alice');
  const client = await providerTakers['the official SDK, version 1']!(stage.calendar.url, {
    authProvider: provider,
  });
  const asked = await challengeOf(client.call('share_calendar'));
  expect(asked.scopes).toEqual(expect.arrayContaining(['calendar:read', 'calendar:share']));
  expect([await client.call('whoami'), stage.as.count('refresh')]).toEqual([
    expect.stringContaining('alice'),
    0,
  ]);
  await client.close();
});

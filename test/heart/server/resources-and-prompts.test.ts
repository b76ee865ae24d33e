import { ProtocolError, type CallToolResult, type ReadResourceResult } from '@modelcontextprotocol/client';
import { ResourceTemplate, type McpServer, type Variables } from '@modelcontextprotocol/server';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { FormValues, NamedFlow, Oob, ToolContext } from '../../../src/oob/index.ts';
import { until, type Era } from '../../support/tool-stage.ts';
import { openMcpStage } from './mcp-stage.ts';

const resource = 'directory';
const uri = 'people://all';

function register(server: McpServer, oob: Oob, flow: NamedFlow<FormValues>): void {
  const read = async (address: URL, context: ToolContext): Promise<ReadResourceResult> => {
    const { password } = await context.credential({ resource, flow });
    return { contents: [{ uri: address.href, text: `people, with ${String(password)}` }] };
  };
  server.registerResource('people', uri, {}, oob.resource(read));
  server.registerResource(
    'person',
    new ResourceTemplate('person://{name}', { list: undefined }),
    {},
    oob.resource((address: URL, _variables: Variables, context: ToolContext) => read(address, context)),
  );
  server.registerPrompt(
    'summary',
    { argsSchema: z.object({ of: z.string() }) },
    oob.prompt(async ({ of }: { of: string }, { credential }) => {
      const { password } = await credential({ resource, flow });
      const text = `Sum up ${of}, with ${String(password)}`;
      return { messages: [{ role: 'user', content: { type: 'text', text } }] };
    }),
  );
}

type Connected = Awaited<ReturnType<Awaited<ReturnType<typeof openMcpStage>>['connect']>>['client'];

/** What a client can ask for, and what comes of it when the credential is there. */
const wants: readonly (readonly [
  what: string,
  ask: (client: Connected) => Promise<unknown>,
  text: string,
])[] = [
  ['a resource', (client) => client.readResource({ uri }), 'people, with x'],
  ['a resource of a template', (client) => client.readResource({ uri: 'person://bob' }), 'people, with x'],
  [
    'a prompt',
    (client) => client.getPrompt({ name: 'summary', arguments: { of: 'today' } }),
    'Sum up today, with x',
  ],
];

const link = /http:\/\/127\.0\.0\.1:\d+\/postern\/connect\/[\w-]{32}/u;

describe.each(wants)('%s that needs a credential', (_what, ask, text) => {
  test.each(['session', 'modern'] as const)(
    'is given when the person is done, who was shown the link, in the era %s (issue 8.24)',
    async (era: Era) => {
      const { connect, finish } = await openMcpStage((server, { oob }, login) =>
        register(server, oob, login),
      );
      const { client, prompts } = await connect(era);
      const asked = ask(client);
      asked.catch(() => {});
      await finish((await until(() => prompts[0])).url);
      expect(JSON.stringify(await asked)).toContain(text);
    },
  );

  test.each([
    ['without a session', 'stateless', { elicitation: { form: {}, url: {} } }],
    ['in a session of a client that shows no links', 'session', {}],
    ['in the revision 2026-07-28, to a client that shows no links', 'modern', {}],
  ] as const)(
    'is answered %s by an error that says the link in words (issue 8.24)',
    async (_era, era, can) => {
      const { connect, finish } = await openMcpStage((server, { oob }, login) =>
        register(server, oob, login),
      );
      const { client } = await connect(era, can);
      const error = await ask(client).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ProtocolError);
      const [url = ''] = link.exec((error as ProtocolError).message) ?? [];
      await finish(url);
      expect(JSON.stringify(await ask(client))).toContain(text);
    },
  );
});

/** A tool, which has its wrapper already. */
function registerTool(server: McpServer, oob: Oob, flow: NamedFlow<FormValues>): void {
  const handler = async (_args: unknown, { credential }: ToolContext): Promise<CallToolResult> => {
    await credential({ resource, flow });
    return { content: [] };
  };
  server.registerTool('need', {}, oob.tool(handler));
}

describe('a tool that needs a credential', () => {
  test('says the link in the message of its error -32042, too: many clients show nothing else (issue 8.24)', async () => {
    const { connect } = await openMcpStage((server, { oob }, login) => registerTool(server, oob, login));
    const { client } = await connect('stateless');
    const error = await client.callTool({ name: 'need' }).catch((reason: unknown) => reason);
    expect((error as ProtocolError).code).toBe(-32042);
    expect((error as ProtocolError).message).toMatch(link);
    expect((error as ProtocolError).message).toContain('Enter the access data for directory');
  });

  test('has words for the person in its structured content, too (issue 8.24)', async () => {
    const { connect } = await openMcpStage((server, { oob }, login) => registerTool(server, oob, login));
    const { client } = await connect('modern', {});
    const result = await client.callTool({ name: 'need' });
    const { pending } = result.structuredContent as { pending: Readonly<Record<string, unknown>> };
    expect(pending['url']).toMatch(link);
    expect(Object.values(pending)).toContainEqual(
      expect.stringContaining('Enter the access data for directory'),
    );
  });
});

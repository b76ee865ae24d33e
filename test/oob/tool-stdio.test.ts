import { Client, type CallToolResult } from '@modelcontextprotocol/client';
import {
  InMemoryTransport,
  McpServer,
  type CallToolResult as ServerResult,
} from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { fixedNamespace } from '../../src/namespace/fixed-namespace.ts';
import { Oob, secretForm, type ToolOptions } from '../../src/oob/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { openPageHost, userOf } from '../support/page-host.ts';
import { until } from '../support/tool-stage.ts';

type Era = 'modern' | 'legacy';

/** A server that one person has started on their machine, and clients that are each connected to a process of it. */
async function openMachine(options: { named?: boolean; passServer?: boolean } = {}) {
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const oob = new Oob({
    storage: new MemoryBackend(),
    namespaces: fixedNamespace('me'),
    publicUrl: host.publicUrl,
    verifyUser: userOf,
  });
  onTestFinished(() => oob.close());
  host.handlers.push(oob.fetch);
  const form = oob.flow(
    'token',
    secretForm({
      type: 'object',
      properties: { token: { type: 'string', writeOnly: true } },
      required: ['token'],
    }),
  );
  const effects: string[] = [];
  const createServer = (): McpServer => {
    const server = new McpServer({ name: 'machine', version: '1.0.0' }, { requestState: oob.requestState });
    for (const name of ['read', 'write']) {
      const toolOptions: ToolOptions = {
        sessionWaitMs: 2_000,
        ...(options.named === true && { name }),
        ...(options.passServer === true && { server }),
      };
      const inputSchema = z.object({ path: z.string() });
      server.registerTool(
        name,
        { inputSchema },
        oob.tool(async ({ path }, { credential }): Promise<ServerResult> => {
          await credential({ resource: 'disk', flow: form });
          effects.push(`${name} ${path}`);
          return { content: [{ type: 'text', text: path }] };
        }, toolOptions),
      );
    }
    return server;
  };
  const connect = async (era: Era) => {
    const [ours, theirs] = InMemoryTransport.createLinkedPair();
    const handle = serveStdio(createServer, { transport: theirs });
    const client = new Client(
      { name: 'client', version: '1.0.0' },
      {
        capabilities: { elicitation: { url: {} } },
        versionNegotiation: { mode: era === 'modern' ? { pin: '2026-07-28' } : 'legacy' },
      },
    );
    const prompts: string[] = [];
    const completed: string[] = [];
    client.setRequestHandler('elicitation/create', async ({ params }) => {
      if (params.mode === 'url') prompts.push(params.url);
      return { action: 'accept' };
    });
    client.setNotificationHandler('notifications/elicitation/complete', ({ params }) => {
      completed.push(params.elicitationId);
    });
    await client.connect(ours);
    onTestFinished(async () => {
      await client.close();
      await handle.close();
    });
    return { client, prompts, completed };
  };
  const finish = async (url: string): Promise<void> => {
    const browser = await host.openBrowser('me');
    await browser.open(url);
    expect((await browser.submit({ token: 'CNRYzsecretz-token' }, 'save')).status).toBe(200);
  };
  return { connect, finish, effects };
}

test.each(['modern', 'legacy'] as const)(
  'over stdio in the %s era the person is asked, and the call goes on',
  async (era) => {
    const machine = await openMachine();
    const { client, prompts, completed } = await machine.connect(era);
    const call = client.callTool({ name: 'read', arguments: { path: '/a' } });
    await machine.finish(await until(() => prompts[0]));
    expect((await call).content).toEqual([{ type: 'text', text: '/a' }]);
    if (era === 'legacy') await until(() => completed.length === 1);
    expect(prompts).toHaveLength(1);
  },
);

test('over stdio a completion after the call is announced without the server being given', async () => {
  const machine = await openMachine();
  const { client, prompts, completed } = await machine.connect('legacy');
  const result = await client.callTool({ name: 'read', arguments: { path: '/a' } });
  expect(result.isError).toBe(true);
  await machine.finish(prompts[0] ?? '');
  await until(() => completed.length === 1);
});

test('two connections of one process are both asked when each gives its server', async () => {
  const machine = await openMachine({ passServer: true });
  const connections = [await machine.connect('legacy'), await machine.connect('legacy')];
  const calls = connections.map(({ client }) => client.callTool({ name: 'read', arguments: { path: '/a' } }));
  const [first, second] = await Promise.all(connections.map(({ prompts }) => until(() => prompts[0])));
  expect(first).toBe(second);
  await machine.finish(first ?? '');
  expect((await Promise.all(calls)).map(({ isError }) => isError ?? false)).toEqual([false, false]);
});

test('a request state is bound to the tool’s name when the tool is given it', async () => {
  const machine = await openMachine({ named: true });
  const { client } = await machine.connect('modern');
  const send = (
    params: object,
  ): Promise<CallToolResult & { requestState?: string; inputRequests?: object }> =>
    client.callTool(params as never, { allowInputRequired: true });
  const asked = await send({ name: 'read', arguments: { path: '/a' } });
  const { 'credential-1': request } = asked.inputRequests as { 'credential-1': { params: { url: string } } };
  await machine.finish(request.params.url);
  const retry = { arguments: { path: '/a' }, requestState: asked.requestState };
  expect((await send({ name: 'write', ...retry })).structuredContent).toMatchObject({
    error: { code: 'ERR_POSTERN_OOB_STATE_INVALID' },
  });
  expect(machine.effects).toEqual([]);
  expect((await send({ name: 'read', ...retry })).isError).toBeFalsy();
});

import {
  acceptedContent,
  inputRequired,
  isLegacyRequest,
  McpServer,
  type McpRequestContext,
} from '@modelcontextprotocol/server';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { createMcpEndpoint, type McpEndpoint } from '../../demo/mcp-endpoint.ts';
import { openListener } from '../../demo/open-listener.ts';
import { StdioHost } from './stdio-host.ts';

interface Started {
  readonly url: string;
  readonly endpoint: McpEndpoint;
  readonly requests: Request[];
  done: boolean;
}

/** A server on the official SDK, in one era alone. */
async function startServer(era: 'legacy' | 'modern'): Promise<Started> {
  const listener = await openListener();
  onTestFinished(() => listener.close());
  const url = `${listener.origin}/mcp`;
  const requests: Request[] = [];
  const state = { done: false };
  const createServer = (_context: McpRequestContext): McpServer => {
    const server = new McpServer(
      { name: 'both', version: '3' },
      { capabilities: { logging: {}, tools: { listChanged: true } }, instructions: 'Use it well.' },
    );
    server.registerTool(
      'echo',
      { inputSchema: z.object({ text: z.string().meta({ 'x-mcp-header': 'Text' }) }) },
      async ({ text }, context) => {
        const progressToken = context.mcpReq._meta?.progressToken;
        if (progressToken !== undefined)
          await context.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken, progress: 1 },
          });
        return { content: [{ type: 'text', text }], structuredContent: { text } };
      },
    );
    server.registerTool('ask', { inputSchema: z.object({}) }, async (_args, context) => {
      const name = acceptedContent<{ name: string }>(context.mcpReq.inputResponses, 'who');
      if (name !== undefined) return { content: [{ type: 'text', text: `hello ${name.name}` }] };
      const requestedSchema = { type: 'object' as const, properties: { name: { type: 'string' as const } } };
      return inputRequired({
        inputRequests: { who: inputRequired.elicit({ message: 'Who?', requestedSchema }) },
        requestState: 'st=/+"é',
      });
    });
    server.registerTool('link', { inputSchema: z.object({}) }, async () => {
      if (state.done) return { content: [{ type: 'text', text: 'done' }] };
      return inputRequired({
        inputRequests: { go: inputRequired.elicitUrl({ message: 'Go there', url: 'https://pay.example/1' }) },
        requestState: 'waiting',
      });
    });
    server.registerPrompt('hi', { description: 'hi' }, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'hi' } }],
    }));
    return server;
  };
  const endpoint = createMcpEndpoint({ url, createServer, legacy: era === 'modern' ? 'reject' : 'session' });
  onTestFinished(() => endpoint.close());
  listener.serve(async (request) => {
    requests.push(request.clone());
    if (era === 'legacy' && request.method === 'POST' && !(await isLegacyRequest(request.clone())))
      return Response.json(
        { jsonrpc: '2.0', id: null, error: { code: -32_000, message: 'Bad Request: no session' } },
        { status: 400 },
      );
    return (await endpoint.fetch(request)) ?? new Response(null, { status: 404 });
  });
  return Object.assign(state, { url, endpoint, requests });
}

const meta = (capabilities: object = {}): object => ({
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': capabilities,
  'io.modelcontextprotocol/clientInfo': { name: 'a host', version: '1' },
});

test('a host of 2025 uses a server of 2026 as if it were of its own time', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  const { result } = await host.greet();
  expect(result).toMatchObject({
    protocolVersion: '2025-11-25',
    serverInfo: { name: 'both', version: '3' },
    instructions: 'Use it well.',
    capabilities: { tools: { listChanged: true } },
  });
  const { result: listed } = await host.ask('tools/list');
  expect(listed.tools.map(({ name }: { name: string }) => name)).toEqual(['echo', 'ask', 'link']);
  const call = host.ask('tools/call', {
    name: 'echo',
    arguments: { text: 'é' },
    _meta: { progressToken: 'p' },
  });
  expect((await host.notification('notifications/progress')).params).toMatchObject({ progressToken: 'p' });
  expect((await call).result).toMatchObject({ structuredContent: { text: 'é' } });
  expect((await host.ask('ping')).result).toEqual({});
  expect((await host.ask('logging/setLevel', { level: 'info' })).result).toEqual({});
  expect((await host.ask('prompts/get', { name: 'hi' })).result.messages).toHaveLength(1);
  const sent = server.requests.find(({ headers }) => headers.get('mcp-name') === 'echo');
  expect(sent && Object.fromEntries(sent.headers)).toMatchObject({
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-param-text': '=?base64?w6k=?=',
  });
});

test('what a server of 2026 asks in a result, a host of 2025 is asked by a question, and the state goes back as it came', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  await host.greet({ elicitation: {} });
  const call = host.ask('tools/call', { name: 'ask', arguments: {} });
  const question = await host.line(({ method }) => method === 'elicitation/create');
  expect(question.params).toMatchObject({ message: 'Who?' });
  host.send({ id: question.id, result: { action: 'accept', content: { name: 'Ada' } } });
  expect((await call).result.content).toEqual([{ type: 'text', text: 'hello Ada' }]);
  const bodies = await Promise.all(
    server.requests.filter(({ method }) => method === 'POST').map((each) => each.json()),
  );
  const calls = bodies.filter(({ method }) => method === 'tools/call');
  expect(calls).toHaveLength(2);
  expect(calls[1]).toMatchObject({ params: { requestState: 'st=/+"é' } });
  expect(calls[1].id).not.toBe(calls[0].id);
});

test('a page that a host of 2025 cannot show becomes a result with the link', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  await host.greet({ elicitation: {} });
  const { result } = await host.ask('tools/call', { name: 'link', arguments: {} });
  expect(result.isError).toBe(true);
  expect(result.content[0].text).toContain('Go there: https://pay.example/1');
  server.done = true;
  expect((await host.ask('tools/call', { name: 'link', arguments: {} })).result.content[0].text).toBe('done');
});

test('a page that a host of 2025 can show is shown once, and the call goes through when its person is done', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  await host.greet({ elicitation: { url: {} } });
  const call = host.ask('tools/call', { name: 'link', arguments: {} });
  const question = await host.line(({ method }) => method === 'elicitation/create');
  expect(question.params).toMatchObject({
    mode: 'url',
    url: 'https://pay.example/1',
    elicitationId: expect.any(String),
  });
  server.done = true;
  host.send({ id: question.id, result: { action: 'accept' } });
  expect((await call).result.content[0].text).toBe('done');
  expect(host.rest.filter(({ method }) => method === 'elicitation/create')).toEqual([]);
});

test('a host of 2025 is told that the tools of a server of 2026 have changed, although it cannot subscribe', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  await host.greet();
  await host.ask('tools/list');
  const told = host.notification('notifications/tools/list_changed');
  // The stream is opened in the background; whoever is not listening yet hears nothing.
  const telling = setInterval(() => server.endpoint.notify.toolsChanged(), 20);
  expect((await told).params?.['_meta']).toBeUndefined();
  clearInterval(telling);
});

test('a host of 2026 uses a server of 2025 as if it were of its own time', async () => {
  const server = await startServer('legacy');
  const host = StdioHost.run(server.url);
  const { result } = await host.ask('server/discover', { _meta: meta() });
  expect(result).toMatchObject({
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    instructions: 'Use it well.',
    _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'both', version: '3' } },
  });
  const { result: listed } = await host.ask('tools/list', { _meta: meta() });
  expect(listed).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' });
  expect(listed.tools).toHaveLength(3);
  const call = host.ask('tools/call', {
    name: 'echo',
    arguments: { text: 'x' },
    _meta: { ...meta(), progressToken: 'p' },
  });
  await host.notification('notifications/progress');
  expect((await call).result).toMatchObject({ resultType: 'complete', structuredContent: { text: 'x' } });
});

test('a host of 2026 need not greet: its first request says who it is', async () => {
  const server = await startServer('legacy');
  const host = StdioHost.run(server.url);
  const { result } = await host.ask('tools/call', { name: 'echo', arguments: { text: 'x' }, _meta: meta() });
  expect(result).toMatchObject({ structuredContent: { text: 'x' } });
});

test('what a server of 2025 asks in the course of a call, a host of 2026 is asked by a result', async () => {
  const server = await startServer('legacy');
  const host = StdioHost.run(server.url);
  const able = meta({ elicitation: { form: {} } });
  await host.ask('server/discover', { _meta: able });
  const { result } = await host.ask('tools/call', { name: 'ask', arguments: {}, _meta: able });
  expect(result.resultType).toBe('input_required');
  const [key = ''] = Object.keys(result.inputRequests);
  expect(result.inputRequests[key]).toMatchObject({
    method: 'elicitation/create',
    params: { message: 'Who?' },
  });
  const { requestState } = result;
  const params = {
    name: 'ask',
    arguments: {},
    requestState,
    inputResponses: { [key]: { action: 'accept', content: { name: 'Ada' } } },
  };
  const again = await host.ask('tools/call', { ...params, _meta: able });
  expect(again.result).toMatchObject({
    resultType: 'complete',
    content: [{ type: 'text', text: 'hello Ada' }],
  });
  const twice = await host.ask('tools/call', { ...params, _meta: able });
  expect(twice.error).toMatchObject({ code: -32_602, data: { reason: 'invalid_request_state' } });
});

test('a page that a host of 2026 cannot show becomes a result with the link', async () => {
  const server = await startServer('legacy');
  const host = StdioHost.run(server.url);
  const able = meta({ elicitation: { form: {} } });
  const { result } = await host.ask('tools/call', { name: 'link', arguments: {}, _meta: able });
  expect(result).toMatchObject({ resultType: 'complete', isError: true });
  expect(result.content[0].text).toContain('Go there: https://pay.example/1');
});

test('a stream of notifications that a host of 2026 opens over a server of 2025 is held until it is closed', async () => {
  const server = await startServer('legacy');
  const host = StdioHost.run(server.url);
  await host.ask('server/discover', { _meta: meta() });
  host.send({
    id: 's',
    method: 'subscriptions/listen',
    params: { notifications: { toolsListChanged: true }, _meta: meta() },
  });
  const opened = await host.notification('notifications/subscriptions/acknowledged');
  expect(opened.params).toMatchObject({
    notifications: { toolsListChanged: true },
    _meta: { 'io.modelcontextprotocol/subscriptionId': 's' },
  });
});

test('between a host and a server of 2026 nothing is changed', async () => {
  const server = await startServer('modern');
  const host = StdioHost.run(server.url);
  const discovered = await host.ask('server/discover', { _meta: meta() });
  expect(discovered.result.supportedVersions).toContain('2026-07-28');
  const { result } = await host.ask('tools/call', {
    name: 'ask',
    arguments: {},
    _meta: meta({ elicitation: { form: {} } }),
  });
  expect(result).toMatchObject({
    resultType: 'input_required',
    requestState: 'st=/+"é',
    inputRequests: { who: {} },
  });
});

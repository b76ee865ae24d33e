import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { withoutAddresses } from '../../src/bridge/pasted-addresses.ts';
import { sendJson, startPlainServer, type PlainServer } from './plain-server.ts';
import { StdioHost } from './stdio-host.ts';

/** A server whose tool, prompt and resource say whose they are; it asks while it is called. */
function startNamed(name: string): Promise<PlainServer> {
  const answers = new Map<unknown, (result: unknown) => void>();
  return startPlainServer(async ({ method, message }, response) => {
    if (method !== 'POST') return void response.writeHead(405).end();
    const { id, params } = message;
    if (message.method === undefined) answers.get(id)?.(message.result);
    if (id === undefined || message.method === undefined) return void response.writeHead(202).end();
    const results: Record<string, () => object> = {
      initialize: () => ({
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {}, prompts: {}, resources: {}, ...(name === 'a' && { logging: {} }) },
        serverInfo: { name, version: '1' },
        instructions: `I am ${name}.`,
      }),
      'tools/list': () =>
        params?.cursor === undefined && name === 'a'
          ? { tools: [{ name: 'go', inputSchema: {} }], nextCursor: '2' }
          : { tools: [{ name: name === 'a' ? 'more' : 'go', inputSchema: {} }] },
      'prompts/list': () => ({ prompts: [{ name: 'hi' }] }),
      'prompts/get': () => ({ messages: [], description: `${name} ${params.name}` }),
      'resources/list': () => ({ resources: [{ uri: `${name}://1`, name }] }),
      'resources/read': () => ({ contents: [{ uri: params.uri, text: name }] }),
    };
    if (message.method !== 'tools/call') {
      return sendJson(
        response,
        JSON.stringify({ jsonrpc: '2.0', id, result: results[message.method]?.() ?? {} }),
      );
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`data: {"jsonrpc":"2.0","id":1,"method":"roots/list"}\n\n`);
    const roots = await new Promise((resolve) => answers.set(1, resolve));
    const result = { content: [{ type: 'text', text: `${name} ${params.name} ${JSON.stringify(roots)}` }] };
    response.end(`data: ${JSON.stringify({ jsonrpc: '2.0', id, result })}\n\n`);
  });
}

async function startBoth(): Promise<StdioHost> {
  const [a, b] = await Promise.all([startNamed('a'), startNamed('b')]);
  return StdioHost.run({ 'a.example:1/x': { url: a.url }, b: { url: b.url } });
}

test('several servers are one: what they offer carries their names, and goes back to them', async () => {
  const host = await startBoth();
  const { result } = await host.greet();
  expect(result.capabilities).toMatchObject({
    tools: { listChanged: true },
    prompts: {},
    resources: {},
    logging: {},
  });
  expect(result.instructions).toBe('# a.example:1/x\n\nI am a.\n\n# b\n\nI am b.');
  const { result: listed } = await host.ask('tools/list');
  const names = listed.tools.map(({ name }: { name: string }) => name);
  expect(names).toEqual(['a_example_1_x__go', 'a_example_1_x__more', 'b__go']);
  expect((await host.ask('prompts/get', { name: 'b__hi' })).result.description).toBe('b hi');
  await host.ask('resources/list');
  expect((await host.ask('resources/read', { uri: 'b://1' })).result.contents[0].text).toBe('b');
  expect((await host.ask('tools/call', { name: 'nobody__go' })).error?.code).toBe(-32_602);
});

test('questions of two servers under one id are two questions, and each server gets its own answer', async () => {
  const host = await startBoth();
  await host.greet({ roots: {} });
  const calls = [
    host.ask('tools/call', { name: 'a_example_1_x__go' }, 'x'),
    host.ask('tools/call', { name: 'b__go' }, 'y'),
  ];
  const questions = [
    await host.line(({ method }) => method === 'roots/list'),
    await host.line(({ method }) => method === 'roots/list'),
  ];
  expect(questions[0]?.id).not.toBe(questions[1]?.id);
  for (const { id } of questions) host.send({ id: id ?? 0, result: { to: id } });
  const texts = (await Promise.all(calls)).map(({ result }) => result.content[0].text as string);
  expect(texts[0]).toMatch(/^a go \{"to":"postern:\d+"\}$/u);
  expect(texts[1]).toMatch(/^b go \{"to":"postern:\d+"\}$/u);
  expect(new Set(texts.map((text) => text.slice(1))).size).toBe(2);
});

test('a server that is away takes nothing from the others', async () => {
  const b = await startNamed('b');
  const host = StdioHost.run({ away: { url: 'http://127.0.0.1:9/mcp' }, b: { url: b.url } });
  await host.greet();
  const { result } = await host.ask('tools/list');
  expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['b__go']);
});

test('an address at the terminal is what a browser ended at, and every other line is a host’s', async () => {
  const input = new PassThrough();
  const addresses: string[] = [];
  const rest = withoutAddresses(input, (address) => addresses.push(address));
  input.end('{"jsonrpc":"2.0"}\n http://127.0.0.1:1/callback?code=c&state=s \nelse\n');
  const lines: string[] = [];
  for await (const chunk of rest) lines.push(String(chunk));
  expect(lines.join('')).toBe('{"jsonrpc":"2.0"}\nelse\n');
  expect(addresses).toEqual(['http://127.0.0.1:1/callback?code=c&state=s']);
});

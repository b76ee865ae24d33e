import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { expose } from './expose-stage.ts';

const sdkServer = fileURLToPath(new URL('fixtures/sdk-server.ts', import.meta.url));

async function connect(url: string, mode: 'legacy' | 'auto'): Promise<Client> {
  const client = new Client(
    { name: 'client', version: '1' },
    { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } },
  );
  client.setRequestHandler('elicitation/create', async () => ({ action: 'accept', content: { name: 'al' } }));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  onTestFinished(() => client.close());
  return client;
}

test.each([
  ['legacy', 'the SDK’s', sdkServer, 'legacy'],
  ['auto', 'the SDK’s', sdkServer, 'modern'],
  ['legacy', 'a plain', undefined, 'legacy'],
  ['auto', 'a plain', undefined, 'modern'],
] as const)('the SDK’s client in mode %s drives %s server', async (mode, _what, program, era) => {
  const { url } = await expose([], program === undefined ? {} : { program });
  const client = await connect(url, mode);
  expect(client.getProtocolEra()).toBe(era);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('echo');
  const answer = await client.callTool({ name: 'echo', arguments: { a: 1 } });
  expect(answer.content).toEqual([{ type: 'text', text: '{"a":1}' }]);
});

test.each(['legacy', 'auto'] as const)(
  'what the SDK’s server asks in mode %s, the SDK’s client answers',
  async (mode) => {
    const { url } = await expose([], { program: sdkServer });
    const client = await connect(url, mode);
    const answer = await client.callTool({ name: 'greet', arguments: {} });
    expect(answer.content).toEqual([{ type: 'text', text: 'hello al' }]);
  },
);

import { describe, expect, onTestFinished, test } from 'vitest';
import { Client, type ServerConfig } from '../../../src/client/index.ts';
import { startMortalMcpServer, type McpCall, type MortalMcpServer } from '../../support/mortal-mcp-server.ts';
import type { Reply } from '../../support/programmable-reply.ts';
import { codeOf, textOf } from '../../support/stage.ts';

/** A server that speaks one version, and refuses others in its way. */
async function open(
  refuse: (call: McpCall, asked: string) => Reply | undefined,
  config: Partial<ServerConfig> = {},
): Promise<{ server: MortalMcpServer; client: Client; offered: string[] }> {
  const offered: string[] = [];
  const server = await startMortalMcpServer({
    override: (call) => {
      const { method, params } = call.message;
      const asked =
        params?.protocolVersion ?? (call.headers['mcp-protocol-version'] as string | undefined) ?? '';
      if (method === 'initialize') offered.push(asked);
      return method === 'server/discover' ? undefined : refuse(call, asked);
    },
  });
  const client = new Client(
    { mortal: { url: server.url, auth: { type: 'none' }, ...config } as ServerConfig },
    { connectTimeoutMs: 8_000 },
  );
  onTestFinished(() => client.close());
  return { server, client, offered };
}

const error =
  (code: number, message: string, data?: unknown, status = 200) =>
  ({ message: { id } }: McpCall): Reply => ({
    status,
    body: { jsonrpc: '2.0', id: id ?? null, error: { code, message, data } },
  });

const spoken = '2025-06-18';
const supported = [spoken, '1999-01-01'];

/** How servers say it at the handshake. */
const atHandshake: Record<string, (call: McpCall) => Reply> = {
  '-32602 with a list': error(-32_602, 'Unsupported protocol version', {
    supported,
    requested: '2025-11-25',
  }),
  '-32602 with a list of another name': error(-32_602, 'No', { supportedVersions: supported }),
  '-32000 that names them in words': error(-32_000, `Unsupported version 2025-11-25 (we speak: ${spoken})`),
  '-32022 with a list': error(-32_022, 'No', { supported }),
  'HTTP 400 that names them': error(-32_000, `Bad Request: 2025-11-25; supported: ${spoken}`, undefined, 400),
};

describe.each(Object.keys(atHandshake))('a server that refuses our version with %s', (name) => {
  const refuse = (call: McpCall, asked: string): Reply | undefined =>
    call.message.method === 'initialize' && asked !== spoken ? atHandshake[name]?.(call) : undefined;

  test('is asked once more, for the one that it says it speaks, and from then on at once', async () => {
    const { client, offered, server } = await open(refuse);
    expect(textOf(await client.callTool('run'))).toBe('1');
    expect(offered).toEqual(['2025-11-25', spoken]);
    await client.disconnect();
    expect(textOf(await client.callTool('run'))).toBe('2');
    expect([offered.length, server.count('initialize')]).toEqual([3, 3]);
  });

  test('and refuses what it named as well: that is an error with what it speaks, and no loop', async () => {
    const { client, server } = await open((call) =>
      call.message.method === 'initialize' ? atHandshake[name]?.(call) : undefined,
    );
    await client.connect();
    const { status, error: reason, condition } = client.session('mortal');
    expect([status, reason?.code, condition.condition]).toEqual([
      'FAILED',
      'ERR_POSTERN_CLIENT_VERSION_REFUSED',
      'version-refused',
    ]);
    expect(server.count('initialize')).toBe(2);
  });
});

test('a server that refuses the version in the header, after it had agreed to it, is asked once more', async () => {
  const { client, offered } = await open((call, asked) =>
    call.message.method !== 'initialize' && asked !== spoken
      ? error(
          -32_000,
          `Bad Request: Unsupported protocol version (supported versions: ${spoken})`,
          undefined,
          400,
        )(call)
      : undefined,
  );
  expect(textOf(await client.callTool('run'))).toBe('1');
  expect(offered).toEqual(['2025-11-25', spoken]);
});

test('a server that answers with a version we do not speak is refused, and the error says which', async () => {
  const { client, server } = await open(({ message: { id, method } }) =>
    method === 'initialize'
      ? {
          body: {
            jsonrpc: '2.0',
            id,
            result: {
              protocolVersion: '2031-01-01',
              capabilities: {},
              serverInfo: { name: 'x', version: '1' },
            },
          },
        }
      : undefined,
  );
  await client.connect();
  const { error: reason, condition } = client.session('mortal');
  expect([reason?.code, reason?.evidence, condition.condition]).toEqual([
    'ERR_POSTERN_CLIENT_VERSION_REFUSED',
    { supportedVersions: ['2031-01-01'] },
    'version-refused',
  ]);
  expect(server.count('initialize')).toBe(1);
});

describe('a version that the operator has set for one server', () => {
  test('is the only one that is offered', async () => {
    const { client, offered } = await open(() => undefined, { protocolVersion: '2025-03-26' });
    expect(textOf(await client.callTool('run'))).toBe('1');
    expect(offered).toEqual(['2025-03-26']);
  });

  test('and the server refuses: no other is tried, and the error names what the server speaks', async () => {
    const refuse = (call: McpCall, asked: string): Reply | undefined =>
      call.message.method === 'initialize' && asked !== spoken
        ? atHandshake['-32602 with a list']?.(call)
        : undefined;
    const { client, offered, server } = await open(refuse, { protocolVersion: '2025-03-26' });
    await client.connect();
    const { error: reason } = client.session('mortal');
    expect([reason?.code, reason?.evidence?.supportedVersions]).toEqual([
      'ERR_POSTERN_CLIENT_VERSION_REFUSED',
      supported,
    ]);
    expect(offered).toEqual(['2025-03-26']);
    // The way back that the table names.
    await client.removeServer('mortal');
    client.addServer('mortal', { url: server.url, auth: { type: 'none' }, protocolVersion: spoken });
    expect(textOf(await client.callTool('run'))).toBe('1');
  });

  test('of the newest revision is refused by a server of the older ones', async () => {
    const { client } = await open(() => undefined, { protocolVersion: '2026-07-28' });
    expect(await codeOf(client.callTool('run'))).toBe('ERR_POSTERN_CLIENT_VERSION_REFUSED');
  });

  test.each(['2099-01-01', '', 'latest', 7])(
    'must be one that we speak: %s is refused at construction',
    (version) => {
      const config = { url: 'https://x.example/mcp', protocolVersion: version as string };
      expect(() => new Client({ x: config })).toThrow(
        expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
      );
    },
  );

  test('stands in JSON as it is, for every kind of server', () => {
    const servers = JSON.parse(`{
      "http": { "url": "https://x.example/mcp", "protocolVersion": "2025-06-18" },
      "child": { "command": "server", "protocolVersion": "2024-11-05" }
    }`) as Record<string, ServerConfig>;
    expect(new Client(servers).servers).toEqual(['http', 'child']);
  });
});

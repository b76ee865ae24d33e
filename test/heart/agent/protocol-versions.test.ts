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

/** How servers refuse a version without a word of what they speak. */
const wordless: Record<string, (call: McpCall) => Reply> = {
  'a bare 400': () => ({ status: 400 }),
  'a 400 and a page': () => ({ status: 400, body: '<h1>Bad Request</h1>' }),
  'a 426': () => ({ status: 426, body: 'Upgrade Required' }),
  '-32602 without a list': error(-32_602, 'Invalid params'),
  '-32600 at HTTP 400': error(-32_600, 'Invalid Request', undefined, 400),
  '-32000 that names only what it refuses': error(-32_000, 'Unsupported protocol version 2025-11-25'),
  '-32603': error(-32_603, 'Internal error'),
};

describe.each(Object.keys(wordless))(
  'a server that refuses our version with %s, and no other word',
  (name) => {
    const isInitialize = ({ message }: McpCall): boolean => message.method === 'initialize';

    test('is offered an older one, once, and from then on at once', async () => {
      const { client, offered } = await open((call, asked) =>
        isInitialize(call) && asked > spoken ? wordless[name]?.(call) : undefined,
      );
      expect(textOf(await client.callTool('run'))).toBe('1');
      expect(offered).toEqual(['2025-11-25', spoken]);
      await client.disconnect();
      expect(textOf(await client.callTool('run'))).toBe('2');
      expect(offered).toEqual(['2025-11-25', spoken, spoken]);
    });

    test('and every other as well, is tried twice for a connect, and no more', async () => {
      const { client, server } = await open((call) =>
        isInitialize(call) ? wordless[name]?.(call) : undefined,
      );
      await client.connect();
      expect([client.session('mortal').status, server.count('initialize')]).toEqual(['FAILED', 2]);
      await client.connect();
      expect(server.count('initialize')).toBe(4);
    });

    test('is offered nothing else than what the operator has set', async () => {
      const { client, offered } = await open(
        (call, asked) => (isInitialize(call) && asked !== '2025-03-26' ? wordless[name]?.(call) : undefined),
        { protocolVersion: '2025-06-18' },
      );
      await client.connect();
      expect([client.session('mortal').status, offered]).toEqual(['FAILED', ['2025-06-18']]);
    });
  },
);

describe.each(Object.keys(wordless).filter((name) => name !== '-32603'))(
  'a server that agrees to our version, and then refuses its requests with %s',
  (name) => {
    const isLater = ({ message }: McpCall): boolean => message.method === 'tools/list';

    test('is offered an older one, once', async () => {
      const { client, offered } = await open((call, asked) =>
        isLater(call) && asked > spoken ? wordless[name]?.(call) : undefined,
      );
      expect(textOf(await client.callTool('run'))).toBe('1');
      expect(offered).toEqual(['2025-11-25', spoken]);
    });
  },
);

test('a server without sessions begins to refuse a version in the midst: the call goes through all the same', async () => {
  let isStrict = false;
  const { client, offered, server } = await open((call, asked) =>
    isStrict && call.message.method !== 'initialize' && asked > spoken ? { status: 400 } : undefined,
  );
  server.options.hasSessions = false;
  expect(textOf(await client.callTool('run'))).toBe('1');
  isStrict = true;
  expect(textOf(await client.callTool('run'))).toBe('2');
  expect(offered).toEqual(['2025-11-25', '2025-11-25', spoken]);
});

test('a server that is brought up to date, and no longer speaks what it spoke, is offered the newest again', async () => {
  let least = '';
  let most = spoken;
  const { client, offered } = await open(({ message: { method } }, asked) =>
    method === 'initialize' && (asked < least || asked > most) ? { status: 400 } : undefined,
  );
  expect(textOf(await client.callTool('run'))).toBe('1');
  [least, most] = ['2025-11-25', '2025-11-25'];
  await client.disconnect();
  expect(textOf(await client.callTool('run'))).toBe('2');
  expect(offered).toEqual(['2025-11-25', spoken, spoken, '2025-11-25']);
});

test('what a server spoke before is what it is offered, when it begins to refuse the newest', async () => {
  let isStrict = false;
  const old = '2025-03-26';
  const { client, offered } = await open(({ message: { id, method } }, asked) => {
    if (method !== 'initialize') return undefined;
    if (isStrict && asked !== old) return { status: 400 };
    const capabilities = { tools: {} };
    const result = { protocolVersion: old, capabilities, serverInfo: { name: 'x', version: '1' } };
    return { body: { jsonrpc: '2.0', id, result } };
  });
  expect(textOf(await client.callTool('run'))).toBe('1');
  isStrict = true;
  await client.disconnect();
  expect(textOf(await client.callTool('run'))).toBe('2');
  expect(offered).toEqual(['2025-11-25', '2025-11-25', old]);
});

test('a call that is refused with a 400, where others are not, is that call’s own', async () => {
  const { client, server } = await open(({ message: { method } }) =>
    method === 'tools/call' ? { status: 400, body: 'no such date' } : undefined,
  );
  server.options.hasSessions = false;
  await codeOf(client.callTool('run'));
  expect([client.session('mortal').status, server.count('initialize')]).toEqual(['CONNECTED', 1]);
});

test('a second version that a sign-in stands behind is not taken for refused', async () => {
  const { client } = await open((call, asked) => {
    if (call.message.method === 'initialize') return asked > spoken ? { status: 400 } : undefined;
    return { status: 401 };
  });
  await client.connect();
  expect(client.session('mortal').error?.evidence?.httpStatus).toBe(401);
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

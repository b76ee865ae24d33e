import { describe, expect, onTestFinished, test } from 'vitest';
import { Client } from '../../../src/client/index.ts';
import { findPosternError } from '../../../src/core/postern-error.ts';
import {
  startMortalMcpServer,
  type McpCall,
  type MortalMcpOptions,
  type MortalMcpServer,
} from '../../support/mortal-mcp-server.ts';
import type { Reply } from '../../support/programmable-reply.ts';
import { codeOf, failureOf, textOf } from '../../support/stage.ts';

// "everything over http answers 400 for a lost session and stays dead" (interop), and every other way to say it.

async function openClient(
  options: MortalMcpOptions = {},
): Promise<{ server: MortalMcpServer; client: Client; call: () => Promise<string> }> {
  const server = await startMortalMcpServer(options);
  const client = new Client(
    { mortal: { url: server.url, auth: { type: 'none' } } },
    { connectTimeoutMs: 8_000 },
  );
  onTestFinished(() => client.close());
  const call = async (): Promise<string> => textOf(await client.callTool('run', {}, { server: 'mortal' }));
  expect(await call()).toBe('1');
  return { server, client, call };
}

const rpcError =
  (code: number, status = 200) =>
  ({ message }: McpCall): Reply => ({
    status,
    body: { jsonrpc: '2.0', id: message.id ?? null, error: { code, message: 'Gone fishing' } },
  });
const inStream =
  (code: number) =>
  (call: McpCall): Reply => {
    const { body } = rpcError(code)(call) as { body: unknown };
    return {
      headers: { 'content-type': 'text/event-stream' },
      body: `event: message\ndata: ${JSON.stringify(body)}\n\n`,
    };
  };

const refusals: Record<string, (call: McpCall) => Reply> = {
  'HTTP 404': () => ({ status: 404 }),
  'HTTP 400': rpcError(-32_000, 400),
  'HTTP 401 to the session': () => ({ status: 401 }),
  'HTTP 403 to the session': () => ({ status: 403 }),
  'HTTP 409': () => ({ status: 409 }),
  'HTTP 410': () => ({ status: 410 }),
  'HTTP 200 with the error -32000': rpcError(-32_000),
  'HTTP 200 with the error -32001': rpcError(-32_001),
  'HTTP 200 with the error -32600': rpcError(-32_600),
  'a stream with the error -32001': inStream(-32_001),
};

describe.each(Object.keys(refusals))('a session that its server has lost, and says so by %s,', (name) => {
  const unknown = refusals[name];

  test('is opened anew, and the call, which was not processed, is sent once more', async () => {
    const { server, client, call } = await openClient({ unknown });
    server.restart();
    expect(await call()).toBe('2');
    expect([server.runs(), server.count('initialize')]).toEqual([2, 2]);
    expect(client.session('mortal').status).toBe('CONNECTED');
  });

  test('is opened anew for many calls at once', async () => {
    const { server, call } = await openClient({ unknown });
    server.restart();
    const answers = await Promise.all(Array.from({ length: 10 }, call));
    expect(answers.map(Number).toSorted((one, other) => one - other)).toEqual([
      2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
    ]);
    expect(server.count('initialize')).toBe(2);
  });

  test('and is lost again at once: that is an error, and no loop', async () => {
    const { server, client, call } = await openClient({ unknown });
    server.restart();
    server.options.override = ({ message, ...asked }) =>
      message.method === 'tools/call' ? (server.restart(), unknown?.({ message, ...asked })) : undefined;
    const error = findPosternError(await failureOf(call()));
    const refused = /401|403/u.test(name)
      ? 'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED'
      : 'ERR_POSTERN_CLIENT_SESSION_LOST';
    expect(error?.code).toBe(refused);
    expect(client.session('mortal').error?.code).toBe(refused);
    expect(server.runs()).toBe(1);
    expect(server.count('initialize')).toBeLessThanOrEqual(3);
    server.options.override = undefined;
    expect(await call()).toBe('2');
  });
});

describe('a server that answers 500 to what it does not know', () => {
  const unknown = (): Reply => ({ status: 500 });

  test('may have carried out the call: it is not sent again, the error says so, and the next call works', async () => {
    const { server, client, call } = await openClient({ unknown });
    server.restart();
    const error = findPosternError(await failureOf(call()));
    expect([error?.code, error?.evidence]).toEqual([
      'ERR_POSTERN_CLIENT_SESSION_LOST',
      { httpStatus: 500, mayHaveRun: true },
    ]);
    const { condition, call: wayBack, phase } = client.session('mortal').condition;
    expect([condition, wayBack, phase]).toEqual(['session-lost', 'connect(), or the next call', 'call']);
    expect(await call()).toBe('2');
    expect(client.session('mortal').condition.condition).toBe('ok');
  });
});

describe('what is about one call, and not about the session,', () => {
  const only = (reply: (call: McpCall) => Reply) => (call: McpCall) =>
    call.message.method === 'tools/call' ? reply(call) : undefined;

  test.each([-32_000, -32_001, -32_600, -32_603, -32_602])(
    'an error %i of a tool: it comes to the caller as it is, and the session stays',
    async (code) => {
      const { server, client, call } = await openClient();
      server.options.override = only(rpcError(code));
      expect(await failureOf(call())).toMatchObject({ code });
      expect([server.count('initialize'), server.count('tools/call')]).toEqual([1, 2]);
      expect(client.session('mortal').status).toBe('CONNECTED');
    },
  );

  test('HTTP 500: a typed error that says that it may have run, and the session stays', async () => {
    const { server, client, call } = await openClient();
    server.options.override = only(() => ({ status: 500 }));
    const error = findPosternError(await failureOf(call()));
    expect([error?.code, error?.evidence]).toEqual([
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
      { httpStatus: 500, mayHaveRun: true },
    ]);
    expect([server.count('tools/call'), client.session('mortal').status]).toEqual([2, 'CONNECTED']);
  });

  test.each([400, 409, 413, 429])(
    'HTTP %i: a typed error that says that nothing was done',
    async (status) => {
      const { server, client, call } = await openClient();
      server.options.override = only(() => ({ status }));
      const error = findPosternError(await failureOf(call()));
      expect([error?.code, error?.evidence]).toEqual([
        'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
        { httpStatus: status, mayHaveRun: false },
      ]);
      expect(client.session('mortal').status).toBe('CONNECTED');
      server.options.override = undefined;
      expect(await call()).toBe('2');
    },
  );
});

test('a connection that is reset in the midst of a call: the call is not sent again, the next one opens a session', async () => {
  const { server, client, call } = await openClient();
  server.options.override = ({ message }) => (message.method === 'tools/call' ? { cut: 'now' } : undefined);
  const error = findPosternError(await failureOf(call()));
  expect([error?.code, error?.evidence?.mayHaveRun]).toEqual(['ERR_POSTERN_CLIENT_UNREACHABLE', true]);
  expect(client.session('mortal').condition.condition).toBe('transient');
  expect(server.count('tools/call')).toBe(2);
  server.options.override = undefined;
  server.restart();
  expect(await call()).toBe('2');
});

test('a server that is not there: nothing was sent, and the error says so', async () => {
  const { server, call } = await openClient();
  await server.die();
  expect(await codeOf(call())).toBe('ERR_POSTERN_CLIENT_UNREACHABLE');
});

test('a health check finds out that a session was lost', async () => {
  const { server, client, call } = await openClient({ unknown: () => ({ status: 410 }) });
  server.restart();
  expect(await client.session('mortal').checkHealth()).toBe(false);
  expect(client.session('mortal').condition.condition).toBe('session-lost');
  expect(await call()).toBe('2');
});

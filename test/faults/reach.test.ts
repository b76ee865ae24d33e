import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Client, LocalAuthCoordinator } from '../../src/client/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { codeOf, openStage, textOf } from '../support/stage.ts';
import { findFreePort } from '../../demo/find-free-port.ts';

const connectTimeoutMs = 600;

/** A server on loopback that is no MCP server. */
async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

/** A URL at which nobody listens. */
async function closedPort(): Promise<string> {
  return `http://127.0.0.1:${await findFreePort()}/mcp`;
}

function openClient(url: string): Client {
  const coordinator = new LocalAuthCoordinator({
    storage: new MemoryBackend(),
    autoOpenBrowser: false,
    onLink: () => {},
  });
  const client = new Client({ there: { url } }, { coordinator, contextId: 'alice', connectTimeoutMs });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  return client;
}

describe('a server that is no use', () => {
  const answers: Record<string, [listener: RequestListener, status: string, code: string]> = {
    'never answers': [() => {}, 'SERVER_UNREACHABLE', 'ERR_POSTERN_CLIENT_UNREACHABLE'],
    'never ends its answer': [
      (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'),
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
    ],
    'answers 500': [
      (_, response) => void response.writeHead(500).end(),
      'CONNECTION_FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    ],
    'answers 404': [
      (_, response) => void response.writeHead(404).end(),
      'FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    ],
    'answers with a web page': [
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Hi</h1>'),
      'FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    ],
    'answers with JSON that is no protocol': [
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end('{"hello":1}'),
      'FAILED',
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
    ],
    'hangs up': [
      (request) => void request.socket.destroy(),
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
    ],
    'answers 403 without a challenge': [
      (_, response) => void response.writeHead(403).end(),
      'AUTH_FAILED',
      'ERR_POSTERN_AUTH_REJECTED',
    ],
  };
  test.each(Object.keys(answers))(
    'because it %s ends the connect in a state of its own, in time',
    async (kind) => {
      const [listener, status, code] = answers[kind]!;
      const client = openClient(await listen(listener));
      const startedAt = performance.now();
      await client.connect();
      expect(performance.now() - startedAt).toBeLessThan(2 * connectTimeoutMs + 1_500);
      const session = client.session('there');
      expect([session.status, session.error?.code]).toEqual([status, code]);
      expect(await codeOf(client.callTool('whoami', {}, { server: 'there' }))).toBe(code);
    },
  );

  test('one at whose address nobody listens is unreachable, and can be retried', async () => {
    const client = openClient(await closedPort());
    await client.connect();
    const session = client.session('there');
    expect([session.status, session.error?.code, session.canRetry, session.isFailed]).toEqual([
      'SERVER_UNREACHABLE',
      'ERR_POSTERN_CLIENT_UNREACHABLE',
      true,
      true,
    ]);
    expect(await codeOf(session.listTools())).toBe('ERR_POSTERN_CLIENT_UNREACHABLE');
  });

  test('one that comes back is connected to by the next call', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const { port } = new URL(stage.calendar.url);
    await client.callTool('whoami');
    await stage.calendar.close();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_CLIENT_UNREACHABLE');
    const { startCalendarServer } = await import('../../demo/calendar-server.ts');
    const { resourceSideOf } = await import('../support/stage.ts');
    const again = await startCalendarServer({
      authorizationServer: resourceSideOf(stage.as),
      port: Number(port),
    });
    onTestFinished(() => again.close());
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('one of three that is down does not keep the others from working', async () => {
    const closed = await closedPort();
    const silent = await listen(() => {});
    const stage = await openStage({
      manager: { connectTimeoutMs },
      servers: (calendar) => ({
        calendar: { url: calendar.url },
        closed: { url: closed },
        silent: { url: silent },
      }),
    });
    await stage.manager.getClient('alice').then((client) => client.connect());
    const client = await stage.manager.getClient('alice');
    const statuses = [...client.sessions.values()].map(({ status }) => status);
    expect(statuses).toEqual(['AUTH_PENDING', 'SERVER_UNREACHABLE', 'SERVER_UNREACHABLE']);
    await stage.signIn('alice');
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('CONNECTED'));
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    const tools = await client.listTools();
    expect(new Set(tools.map(({ server }) => server))).toEqual(new Set(['calendar']));
  });
});

describe('a callback port', () => {
  test('that another program has is a typed error, and no link is handed out', async () => {
    const stage = await openStage();
    const taken = Number(new URL(await listen(() => {})).port);
    const links: string[] = [];
    const coordinator = new LocalAuthCoordinator({
      storage: new MemoryBackend(),
      port: taken,
      autoOpenBrowser: false,
      onLink: ({ url }) => void links.push(url),
    });
    const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'alice' });
    onTestFinished(async () => {
      await client.close();
      await coordinator.close();
    });
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_CLIENT_PORT_IN_USE');
    expect([client.session('calendar').status, links]).toEqual(['FAILED', []]);
  });
});

describe('a session that is closed while it connects', () => {
  test('ends disconnected, and its caller learns why', async () => {
    let asked = (): void => {};
    const reached = new Promise<void>((resolve) => (asked = resolve));
    const client = openClient(await listen(() => asked()));
    const call = codeOf(client.callTool('whoami', {}, { server: 'there' }));
    await reached;
    await client.disconnect();
    expect(client.session('there').status).toBe('DISCONNECTED');
    expect(await call).toMatch(/^ERR_POSTERN_CLIENT_/u);
  });

  test('while it waits for a person stops waiting; the link stays good', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const client = await stage.manager.getClient('alice');
    await client.disconnect();
    expect(client.session('calendar').status).toBe('DISCONNECTED');
    expect((await client.getAuthChallenges()).map((challenge) => challenge.url)).toEqual([url]);
    expect((await (await stage.host.openBrowser('alice')).open(url)).status).toBe(200);
    expect(client.session('calendar').status).toBe('DISCONNECTED');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  });

  test('and asked for again and closed again before that has ended, ends as was asked last', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    await client.connect();
    const session = client.session('calendar');
    await Promise.all([client.disconnect(), client.connect(), client.disconnect()]);
    expect(session.status).toBe('DISCONNECTED');
    await Promise.all([client.disconnect(), client.connect(), client.disconnect(), client.connect()]);
    expect(session.status).toBe('CONNECTED');
  });

  test('a hundred connects and disconnects in a tangle end where the last one says', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const tangle: Promise<unknown>[] = [];
    for (let turn = 0; turn < 50; turn++) {
      tangle.push(
        client.connect(),
        client.disconnect(),
        client.callTool('whoami').catch(() => {}),
      );
    }
    await Promise.all(tangle);
    await client.disconnect();
    expect(client.session('calendar').status).toBe('DISCONNECTED');
    await client.connect();
    expect(client.session('calendar').status).toBe('CONNECTED');
  });
});

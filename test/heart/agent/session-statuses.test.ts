import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import {
  AuthorizationRequiredError,
  Client,
  LocalAuthCoordinator,
  type ServerConfig,
} from '../../../src/client/index.ts';
import { silentLogger } from '../../../src/index.ts';
import { MemoryBackend } from '../../../src/storage/memory-backend.ts';
import { startMortalMcpServer } from '../../support/mortal-mcp-server.ts';
import { openStage } from '../../support/stage.ts';

// The statuses of the reference guide, as a session goes through them.

function openClient(config: ServerConfig, connectTimeoutMs = 5_000): { client: Client; seen: string[] } {
  const seen: string[] = [];
  const client = new Client(
    { server: config },
    {
      coordinator: new LocalAuthCoordinator({
        storage: new MemoryBackend(),
        logger: silentLogger,
        blockUntilCallback: false,
        autoOpenBrowser: false,
        onLink: () => {},
      }),
      connectTimeoutMs,
      onStatus: (_name, status) => seen.push(status),
    },
  );
  onTestFinished(() => client.close());
  return { client, seen };
}

test('a server without a login: CONNECTING until its first answer, then AUTHENTICATING, then CONNECTED', async () => {
  const server = await startMortalMcpServer();
  const { client, seen } = openClient({ url: server.url });
  await client.connect();
  expect(seen).toEqual(['CONNECTING', 'AUTHENTICATING', 'CONNECTED']);
});

test('a server where nobody listens is SERVER_UNREACHABLE, and was never AUTHENTICATING', async () => {
  const server = await startMortalMcpServer();
  await server.die();
  const { client, seen } = openClient({ url: server.url });
  await client.connect();
  expect(seen).toEqual(['CONNECTING', 'SERVER_UNREACHABLE']);
});

test('a server that takes a request and says nothing is CONNECTING until the time is over, then SERVER_UNREACHABLE', async () => {
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => silent.closeAllConnections());
  onTestFinished(() => void silent.close());
  const { port } = silent.address() as AddressInfo;
  const { client, seen } = openClient({ url: `http://127.0.0.1:${port}/mcp` }, 300);
  const connecting = client.connect();
  await expect.poll(() => client.session('server').status).toBe('CONNECTING');
  await connecting;
  expect(seen).toEqual(['CONNECTING', 'SERVER_UNREACHABLE']);
});

test('a process that never answers is CONNECTING until the time is over, then SERVER_UNREACHABLE', async () => {
  const command = { command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'] };
  const { client, seen } = openClient(command, 300);
  await client.connect();
  expect(seen).toEqual(['CONNECTING', 'SERVER_UNREACHABLE']);
});

test('a connection that is lost is CONNECTION_FAILED, and SERVER_UNREACHABLE once nobody can be reached for another', async () => {
  const server = await startMortalMcpServer();
  const { client, seen } = openClient({ url: server.url });
  await client.connect();
  await server.die();
  const session = client.session('server');
  expect([await session.checkHealth(), session.status, session.canRetry]).toEqual([
    false,
    'CONNECTION_FAILED',
    true,
  ]);
  await client.connect();
  expect(seen.slice(3)).toEqual(['CONNECTION_FAILED', 'CONNECTING', 'SERVER_UNREACHABLE']);
});

test('a server with a login answers, and is AUTH_PENDING; afterwards it connects by itself', async () => {
  const seen: string[] = [];
  const stage = await openStage({
    manager: { onStatus: (_name, status, contextId) => void (contextId === 'alice' && seen.push(status)) },
  });
  await stage.signIn('alice');
  await expect.poll(() => seen.at(-1)).toBe('CONNECTED');
  expect(seen).toEqual([
    'CONNECTING',
    'AUTHENTICATING',
    'AUTH_PENDING',
    'CONNECTING',
    'AUTHENTICATING',
    'CONNECTED',
  ]);
});

test('a strategy that asks a person before anything is sent leaves the session AUTH_PENDING, not CONNECTING', async () => {
  const server = await startMortalMcpServer();
  const { client, seen } = openClient({
    url: server.url,
    auth: () => ({
      authorize: async () => {
        throw new AuthorizationRequiredError({
          url: 'https://app.example/connect/x',
          server: 'server',
          alias: 'default',
          contextId: 'alice',
          pendingId: 'x',
          kind: 'oauth_redirect',
          message: 'Sign in.',
          scopes: [],
          expiresAtMs: Date.now() + 60_000,
        });
      },
      handleRefusal: async () => false,
    }),
  });
  await client.connect();
  // Its pending is nowhere, so that it has ended at once.
  expect([seen.slice(0, 3), server.count('initialize')]).toEqual([
    ['CONNECTING', 'AUTHENTICATING', 'AUTH_PENDING'],
    0,
  ]);
});

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Client } from '../../../src/client/index.ts';
import { findPosternError } from '../../../src/core/postern-error.ts';
import { FaultProxy } from '../../support/fault-proxy.ts';
import { startLegacySseServer } from '../../support/legacy-sse-server.ts';
import { startMortalMcpServer, type MortalMcpServer } from '../../support/mortal-mcp-server.ts';
import { failureOf, textOf } from '../../support/stage.ts';

// "A server killed in mid-call on legacy http: 60 s, then a raw SDK error (4 of 4)" (interop).

const livenessMs = 1_500;
/** Far from the minute of the SDK, whatever else the machine does. */
const soonMs = 20_000;

async function open(
  answers: 'json' | 'sse',
  hasSessions = true,
): Promise<{ server: MortalMcpServer; proxy: FaultProxy; client: Client }> {
  const server = await startMortalMcpServer({ answers, hasSessions });
  const proxy = await FaultProxy.open({ port: Number(new URL(server.url).port) });
  onTestFinished(() => proxy.close());
  const url = `http://127.0.0.1:${proxy.port}/mcp`;
  const client = new Client(
    { mortal: { url, auth: { type: 'none' } } },
    { livenessMs, connectTimeoutMs: 8_000 },
  );
  onTestFinished(() => client.close());
  await client.callTool('run', {}, { server: 'mortal' });
  return { server, proxy, client };
}

const kinds = [
  ['json', true],
  ['json', false],
  ['sse', true],
  ['sse', false],
] as const;

/** A call that is on its way, and what becomes of it. */
async function callSlow(
  server: MortalMcpServer,
  client: Client,
): Promise<() => Promise<ReturnType<typeof findPosternError>>> {
  const startedAt = performance.now();
  const failed = failureOf(client.callTool('slow', {}, { server: 'mortal' }));
  await vi.waitFor(() => expect(server.runs()).toBe(2));
  return async () => {
    const error = findPosternError(await failed);
    expect(performance.now() - startedAt).toBeLessThan(soonMs);
    return error;
  };
}

describe.each(kinds)(
  'in the midst of a call that is answered as %s, with sessions: %s,',
  (answers, hasSessions) => {
    test('a server that is killed is a typed error at once, which says that the call may have run', async () => {
      const { server, client } = await open(answers, hasSessions);
      const failure = await callSlow(server, client);
      await server.die();
      const error = await failure();
      expect(error?.code).toMatch(/^ERR_POSTERN_CLIENT_(?:CONNECTION_FAILED|UNREACHABLE)$/u);
      expect(error?.evidence?.mayHaveRun).toBe(true);
      expect(client.session('mortal').isFailed).toBe(true);
      expect(client.session('mortal').condition.condition).toBe('transient');
    });

    test('a connection that is cut is a typed error at once; the server lives, and the next call works', async () => {
      const { server, proxy, client } = await open(answers, hasSessions);
      const failure = await callSlow(server, client);
      proxy.cut();
      expect((await failure())?.evidence?.mayHaveRun).toBe(true);
      expect(server.runs()).toBe(2);
      expect(textOf(await client.callTool('run', {}, { server: 'mortal' }))).toBe('3');
    });

    test('a black hole is noticed by a ping, within the time that is set for it', async () => {
      const { server, proxy, client } = await open(answers, hasSessions);
      const failure = await callSlow(server, client);
      proxy.blackHole();
      const error = await failure();
      expect([error?.code, error?.evidence?.mayHaveRun]).toEqual(['ERR_POSTERN_CLIENT_UNREACHABLE', true]);
      expect(client.session('mortal').status).toBe('CONNECTION_FAILED');
      proxy.pass();
      expect(textOf(await client.callTool('run', {}, { server: 'mortal' }))).toBe('3');
    });
  },
);

test('a call that is only slow is pinged, and gets its answer', async () => {
  const { server, client } = await open('sse');
  const answer = client.callTool('slow', {}, { server: 'mortal' });
  await vi.waitFor(() => expect(server.count('ping')).toBeGreaterThan(3), { timeout: soonMs });
  server.release();
  expect(textOf(await answer)).toBe('2');
});

test('a call whose session the server has lost meanwhile is given up: it may have run', async () => {
  const { server, client } = await open('sse');
  const failure = await callSlow(server, client);
  server.restart();
  const error = await failure();
  expect([error?.code, error?.evidence?.mayHaveRun]).toEqual(['ERR_POSTERN_CLIENT_SESSION_LOST', true]);
  expect(textOf(await client.callTool('run', {}, { server: 'mortal' }))).toBe('3');
});

test('a server of the oldest transport that is killed in the midst of a call is a typed error at once', async () => {
  let isAnswering = true;
  const server = await startLegacySseServer({ answers: () => isAnswering });
  const client = new Client({ old: { url: server.url, transport: 'sse' } }, { versionNegotiation: 'legacy' });
  onTestFinished(() => client.close());
  await client.callTool('whoami', {}, { server: 'old' });
  isAnswering = false;
  const startedAt = performance.now();
  const failed = failureOf(client.callTool('whoami', {}, { server: 'old' }));
  await vi.waitFor(() => expect(server.unanswered()).toBe(1));
  await server.close();
  const error = findPosternError(await failed);
  expect(performance.now() - startedAt).toBeLessThan(soonMs);
  expect([error?.code, error?.evidence?.mayHaveRun]).toEqual(['ERR_POSTERN_CLIENT_CONNECTION_FAILED', true]);
});

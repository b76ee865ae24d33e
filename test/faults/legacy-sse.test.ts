import { expect, onTestFinished, test, vi } from 'vitest';
import { Client } from '../../src/client/index.ts';
import { startLegacySseServer, type LegacySseServer } from '../support/legacy-sse-server.ts';
import { codeOf, openStage, textOf, type Stage } from '../support/stage.ts';

async function openGuarded(): Promise<{ stage: Stage; server: LegacySseServer }> {
  let server: LegacySseServer | undefined;
  const stage = await openStage({ servers: () => ({}) });
  server = await startLegacySseServer({
    issuer: stage.as.issuer,
    subjectOf: (token, resource) => {
      const family = stage.as.tokens.familyOf(token);
      return stage.as.tokens.isLive(token) && family?.resource === resource ? family.subject : undefined;
    },
  });
  onTestFinished(() => server.close());
  for (const name of ['alice', 'bob']) {
    const client = await stage.manager.getClient(name);
    client.addServer('old', { url: server.url, transport: 'sse' });
  }
  return { stage, server };
}

test('a server with the old transport is used like any other', async () => {
  const server = await startLegacySseServer();
  onTestFinished(() => server.close());
  const client = new Client({ old: { url: server.url, transport: 'sse' } }, { versionNegotiation: 'legacy' });
  onTestFinished(() => client.close());
  expect(textOf(await client.callTool('whoami'))).toBe('anybody');
  expect(await client.session('old').checkHealth()).toBe(true);
  expect(server.streams()).toBe(1);
});

test('a person signs in to it, tokens end and are renewed once, for each of two people', async () => {
  const { stage } = await openGuarded();
  for (const name of ['alice', 'bob']) await stage.signIn(name);
  for (const name of ['alice', 'bob']) {
    expect(textOf(await (await stage.manager.getClient(name)).callTool('whoami'))).toBe(name);
  }
  stage.as.tokens.expireAccessTokens();
  const client = await stage.manager.getClient('alice');
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.callTool('whoami')));
  expect(new Set(answers.map(textOf))).toEqual(new Set(['alice']));
  expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([1, 0]);
});

test('a grant that ended asks the person anew, over the stream and over posts alike', async () => {
  const { stage, server } = await openGuarded();
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  await client.callTool('whoami');
  stage.as.tokens.revokeAll();
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  expect(client.session('old').status).toBe('AUTH_PENDING');
  await stage.signIn('alice');
  await vi.waitFor(() => expect(client.session('old').status).toBe('CONNECTED'));
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
  expect(server.streams()).toBeGreaterThan(1);
});

test('a stream that is cut does not lose the next calls', async () => {
  const { stage, server } = await openGuarded();
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  await client.callTool('whoami');
  server.cut();
  await vi.waitFor(
    async () => expect(textOf(await client.callTool('whoami', {}, { timeout: 1_000 }))).toBe('alice'),
    {
      timeout: 10_000,
    },
  );
});

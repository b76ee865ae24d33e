import { expect, test, vi } from 'vitest';
import type { McpServer } from '@modelcontextprotocol/server';
import type { Client } from '../../src/client/index.ts';
import { challengeOf, codeOf, failureOf, openStage, textOf, type Stage } from '../support/stage.ts';

/** A tool that answers when it is told to, and counts how often it ran. */
function createSlowTool(): { register: (server: McpServer) => void; finish: () => void; runs: () => number } {
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let runs = 0;
  return {
    finish: () => finish(),
    runs: () => runs,
    register: (server) => {
      server.registerTool('slow', { description: 'Waits' }, async () => {
        runs++;
        await finished;
        return { content: [{ type: 'text', text: 'done' }] };
      });
    },
  };
}

/** A user who has signed in to a server with a slow tool. */
async function openSlow(): Promise<{
  slow: ReturnType<typeof createSlowTool>;
  stage: Stage;
  client: Client;
}> {
  const slow = createSlowTool();
  const stage = await openStage({ calendar: { extraTools: slow.register } });
  await stage.signIn('alice');
  return { slow, stage, client: await stage.manager.getClient('alice') };
}

test('a call on its way gets its answer although another finds the grant gone, and runs once', async () => {
  const { slow, stage, client } = await openSlow();
  const answer = client.callTool('slow');
  await vi.waitFor(() => expect(slow.runs()).toBe(1));
  stage.as.tokens.revokeAll();
  await challengeOf(client.callTool('whoami'));
  expect(client.session('calendar').status).toBe('AUTH_PENDING');
  slow.finish();
  expect(textOf(await answer)).toBe('done');
  expect(slow.runs()).toBe(1);
});

test('a call on its way gets its answer although another needs more scopes', async () => {
  const { slow, client } = await openSlow();
  const answer = client.callTool('slow');
  await vi.waitFor(() => expect(slow.runs()).toBe(1));
  await challengeOf(client.callTool('share_calendar', { with: 'bob' }));
  slow.finish();
  expect(textOf(await answer)).toBe('done');
});

test('a call that a disconnect cuts off says so; it is not mistaken for one that needs a sign-in', async () => {
  const { slow, client } = await openSlow();
  const cut = codeOf(client.callTool('slow'));
  await vi.waitFor(() => expect(slow.runs()).toBe(1));
  await client.disconnect();
  expect(await cut).toBe('ERR_POSTERN_CLIENT_CONNECTION_FAILED');
  expect(client.session('calendar').status).toBe('DISCONNECTED');
  slow.finish();
});

test('a call whose server dies says that the connection broke, and is not sent again', async () => {
  const { slow, stage, client } = await openSlow();
  const cut = codeOf(client.callTool('slow'));
  await vi.waitFor(() => expect(slow.runs()).toBe(1));
  await stage.calendar.close();
  expect(await cut).toMatch(/^ERR_POSTERN_CLIENT_(?:CONNECTION_FAILED|UNREACHABLE)$/u);
  expect(slow.runs()).toBe(1);
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_CLIENT_UNREACHABLE');
  expect(client.session('calendar').status).toBe('SERVER_UNREACHABLE');
  slow.finish();
});

test('a call that its caller gives up ends at once, and the session stays', async () => {
  const { slow, client } = await openSlow();
  const leaving = new AbortController();
  const given = client.callTool('slow', {}, { signal: leaving.signal });
  await vi.waitFor(() => expect(slow.runs()).toBe(1));
  leaving.abort();
  expect(await failureOf(given)).toBe(leaving.signal.reason);
  expect(client.session('calendar').status).toBe('CONNECTED');
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
  slow.finish();
});

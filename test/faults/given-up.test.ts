import { expect, test, vi } from 'vitest';
import type { TestServer } from '../http/open-server.ts';
import { openRawServer, openRawSession } from '../support/raw-mcp-server.ts';
import { failureOf } from '../support/stage.ts';

/** A server that answers up to a request of this method, and from then on takes whatever comes and says nothing. */
async function openMute(method: string): Promise<{ server: TestServer; asked: () => readonly string[] }> {
  const asked: string[] = [];
  const server = await openRawServer((request) => {
    asked.push(request.method);
    return asked.includes(method);
  });
  return { server, asked: () => asked };
}

// All that is waited for without it takes five seconds and more.
const atOnce = { timeout: 2_500 };

test.each([
  ['shakes hands', 'initialize'],
  ['says which tools it has', 'tools/list'],
  ['is called', 'tools/call'],
])('a call that is given up while its server %s ends at once, with the reason', async (_, method) => {
  const { server, asked } = await openMute(method);
  const session = await openRawSession(server);
  const leaving = new AbortController();
  let failure: unknown;
  void failureOf(session.callTool('echo', {}, { signal: leaving.signal })).then((error) => (failure = error));
  await vi.waitFor(() => expect(asked()).toContain(method), { timeout: 10_000 });
  leaving.abort(new Error('enough'));
  await vi.waitFor(() => expect(failure).toBe(leaving.signal.reason), atOnce);
});

test('a list that is given up ends at once; who else waits for it goes on', async () => {
  const { server, asked } = await openMute('tools/list');
  const session = await openRawSession(server);
  const leaving = new AbortController();
  let isStaying = true;
  const staying = failureOf(session.listTools()).finally(() => (isStaying = false));
  const given = failureOf(session.listTools({ signal: leaving.signal }));
  await vi.waitFor(() => expect(asked()).toContain('tools/list'), { timeout: 10_000 });
  leaving.abort(new Error('enough'));
  expect(await given).toBe(leaving.signal.reason);
  expect(isStaying).toBe(true);
  await session.disconnect();
  await staying;
});

test('a call that was given up before it was made asks its server nothing', async () => {
  const { server } = await openMute('initialize');
  const session = await openRawSession(server);
  const { status } = session;
  const reason = new Error('enough');
  expect(await failureOf(session.callTool('echo', {}, { signal: AbortSignal.abort(reason) }))).toBe(reason);
  expect(session.status).toBe(status);
  expect(server.requests()).toBe(0);
});

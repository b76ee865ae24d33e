import { expect, test, vi } from 'vitest';
import { openRawServer, openRawSession } from '../support/raw-mcp-server.ts';
import { codeOf, textOf } from '../support/stage.ts';

const stray = 'data: {"no":"message"}\n\n';

test('a stream whose events are no messages is given up long before its call is over', async () => {
  let isClosed = false;
  const server = await openRawServer(({ method }, response) => {
    if (method !== 'tools/call') return false;
    response.once('close', () => (isClosed = true));
    // With an id, so that it could be asked for again.
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`id: 1\n${stray.repeat(101)}`);
    return true;
  });
  const session = await openRawSession(server);
  expect(await codeOf(session.callTool('echo', {}))).toBe('ERR_POSTERN_CLIENT_CONNECTION_FAILED');
  await vi.waitFor(() => expect(isClosed).toBe(true));
});

test('a stream that brings a hundred of them, a message, a hundred more, and then the answer, has answered', async () => {
  const server = await openRawServer(({ method, answer }, response) => {
    if (method !== 'tools/call') return false;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const message = `data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: {} })}\n\n`;
    response.end(`${stray.repeat(100)}${message}${stray.repeat(100)}data: ${answer}\n\n`);
    return true;
  });
  const session = await openRawSession(server);
  expect(textOf(await session.callTool('echo', {}))).toBe('echoed');
});

import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { nodeListener } from '../../../src/node/index.ts';
import { openFlowStage } from '../../support/flow-stage.ts';
import { passwordFlow } from './form-stage.ts';

const ours = 'https://app.example';

/** A server on bare Node, asked with a request target as it stands. Resolves to the whole answer. */
async function openServer(
  handler: (request: Request) => Promise<Response> | Response,
): Promise<(target: string) => Promise<string>> {
  const server = createServer(nodeListener(handler, { publicUrl: `${ours}/oob` }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return (target) =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write(`GET ${target} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`),
      );
      let text = '';
      socket.setEncoding('latin1');
      socket.on('data', (chunk: string) => (text += chunk));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
}

const targets = [
  '//evil.example/oob/connect/x',
  '///evil.example/oob/connect/x',
  '/\\evil.example/oob/connect/x',
  '\\\\evil.example/oob/connect/x',
  'http://evil.example/oob/connect/x',
  'https://evil.example/oob/connect/x',
  'HTTP://user:pass@evil.example:8080/oob/connect/x',
  'javascript:alert(1)',
  'data:text/html,x',
];

test('a request has the origin that was configured, whatever its target says (issue 8.4)', async () => {
  const seen: string[] = [];
  const ask = await openServer((request) => {
    seen.push(request.url);
    return new Response('reached');
  });
  for (const target of ['/oob/connect/x?y=//z', ...targets]) await ask(target);
  expect(seen.filter((url) => new URL(url).origin !== ours)).toEqual([]);
  expect(seen[0]).toBe(`${ours}/oob/connect/x?y=//z`);
});

test('a host that sends people to its sign-in page beside the request sends nobody elsewhere (issue 8.4)', async () => {
  const stage = await openFlowStage({
    oob: {
      publicUrl: `${ours}/oob`,
      verifyUser: (request) => Response.redirect(new URL('/login', request.url)),
    },
  });
  const { pendingId } = await stage.linkOf('alice', passwordFlow(stage));
  const ask = await openServer(stage.oob.fetch);
  const locations: (string | undefined)[] = [];
  for (const target of targets) {
    const answer = await ask(target.replace(/x$/u, pendingId));
    locations.push(/^location: *(?<url>\S+)/imu.exec(answer)?.groups?.['url']);
  }
  expect(locations.filter((location) => location?.includes('evil'))).toEqual([]);
  // The link itself still leads to the host's own page.
  expect(await ask(`/oob/connect/${pendingId}`)).toMatch(/^location: *https:\/\/app\.example\/login/imu);
});

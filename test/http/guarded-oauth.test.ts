import { expect, onTestFinished, test, vi } from 'vitest';
import { createOAuthHttp } from '../../src/oauth/index.ts';
import { openServer } from './open-server.ts';

/** Has every name be one of this machine. */
function resolveInside(): void {
  const answerInside = (
    _name: string,
    _options: object,
    answer: (error: null, addresses: object[]) => void,
  ): void => answer(null, [{ address: '127.0.0.1', family: 4 }]);
  const spy = vi.spyOn(process.getBuiltinModule('node:dns'), 'lookup');
  spy.mockImplementation(answerInside as never);
  onTestFinished(() => spy.mockRestore());
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    ({ code }: { code?: string }) => code,
  );
}

test('requests to authorization servers lead inside by a name only where their operator has named it', async () => {
  resolveInside();
  const { port, requests, sockets } = await openServer((_, response) => response.end());
  const url = `https://issuer.example:${port}/token`;
  const forbidden = 'ERR_POSTERN_NETWORK_FORBIDDEN';
  expect(await codeOf(createOAuthHttp().fetch(url, {}))).toBe(forbidden);
  const ofAnother = createOAuthHttp({ trustedBy: 'https://mcp.example' });
  expect(await codeOf(ofAnother.fetch(url, {}))).toBe(forbidden);
  expect([requests(), sockets()]).toEqual([0, 0]);
  // What listens there speaks no TLS: that it was asked at all is what counts.
  const reached = 'ERR_POSTERN_OAUTH_UNREACHABLE';
  for (const http of [
    createOAuthHttp({ trustedBy: 'https://issuer.example' }),
    createOAuthHttp({ network: { guard: { allow: ['issuer.example'] } } }),
    createOAuthHttp({ network: {} }),
  ])
    expect(await codeOf(http.fetch(url, {}))).toBe(reached);
});

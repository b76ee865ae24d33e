import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createOAuthHttp, refreshGrant } from '../../src/oauth/index.ts';
import { canary } from '../support/canaries.ts';
import { startProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import { callbackOf, codeOf, codeOn, openStage, textOf, withParams } from '../support/stage.ts';

/** A server on loopback that notes what it is asked. */
async function listen(location?: string): Promise<{
  origin: string;
  port: number;
  asked: { url: string; authorization: string | undefined }[];
  connections: () => number;
}> {
  const asked: { url: string; authorization: string | undefined }[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    if (location === undefined) response.end('{}');
    else response.writeHead(307, { location }).end();
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, port, asked, connections: () => connections };
}

describe('a redirect', () => {
  test.each([302, 307, 308])('of a call by %i to another origin brings no token there', async (status) => {
    const elsewhere = await listen();
    const stage = await openStage({ servers: (_calendar, as) => ({ there: { url: as.resource } }) });
    stage.as.on('resource', ({ headers }) =>
      headers.authorization === undefined
        ? undefined
        : { status, headers: { location: `${elsewhere.origin}/mcp` } },
    );
    const client = await stage.manager.getClient('alice');
    await client.connect();
    const [challenge] = await client.getAuthChallenges();
    expect((await (await stage.host.openBrowser('alice')).open(challenge?.url ?? '')).status).toBe(200);
    await codeOf(client.callTool('whoami', {}, { server: 'there' }));
    expect(stage.as.calls.some(({ kind, headers }) => kind === 'resource' && headers.authorization)).toBe(
      true,
    );
    expect(elsewhere.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
  });

  test.each([301, 302, 303, 307, 308])(
    'of the token endpoint by %i brings neither code nor secret elsewhere',
    async (status) => {
      const elsewhere = await listen();
      const stage = await openStage();
      const { url } = await stage.linkOf('alice');
      stage.as.on('token', () => ({ status, headers: { location: `${elsewhere.origin}/token` } }));
      const page = await (await stage.host.openBrowser('alice')).open(url);
      expect(codeOn(page)).toBe('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
      expect([stage.as.count('token'), elsewhere.connections()]).toEqual([1, 0]);
    },
  );

  test('of metadata twenty times over is followed three times', async () => {
    const stage = await openStage({ servers: (_calendar, as) => ({ there: { url: as.resource } }) });
    let hops = 0;
    stage.as.on('resource-metadata', () => ({
      status: 302,
      headers: { location: `${stage.as.origin}/.well-known/oauth-protected-resource/${hops++}` },
    }));
    const client = await stage.manager.getClient('alice');
    await client.connect();
    expect(client.session('there').status).toBe('AUTH_FAILED');
    // Two places are looked at, each with three redirects.
    expect(stage.as.count('resource-metadata')).toBe(8);
    expect(stage.as.count('register')).toBe(0);
  });
});

describe('a refresh', () => {
  test.each([
    ['is gone', { status: 404 }],
    ['fails', { status: 500 }],
    ['never comes', { hang: 'headers' }],
  ] as const)(
    'while metadata %s goes to the endpoint that issued the grant, and to no other',
    async (_, reply) => {
      const stage = await openStage({ coordinator: { oauthTimeoutMs: 2_000 } });
      await stage.signIn('alice');
      for (const kind of ['metadata', 'resource-metadata'] as const) stage.as.on(kind, () => reply);
      const before = stage.as.calls.length;
      stage.time.advance(2 * 60 * 60_000);
      const client = await stage.manager.getClient('alice');
      expect(textOf(await client.callTool('whoami'))).toBe('alice');
      const asked = stage.as.calls.slice(before).map(({ kind, url }) => `${kind} ${url.pathname}`);
      expect(asked).toEqual(['refresh /token']);
    },
  );

  test('to a server whose TLS is none is not repeated, and says that it was unreachable', async () => {
    const plain = await listen();
    const issuer = `https://127.0.0.1:${plain.port}`;
    const grant = {
      issuer,
      tokenEndpoint: `${issuer}/token`,
      client: {
        issuer,
        clientId: 'client',
        tokenEndpointAuthMethod: 'none',
        source: 'preregistered',
        redirectUris: [],
      },
      resource: `${issuer}/mcp`,
      accessToken: canary('access'),
      refreshToken: canary('refresh'),
      tokenType: 'bearer',
      obtainedAtMs: 0,
    } as const;
    const http = createOAuthHttp({ trustedBy: issuer });
    expect(await codeOf(refreshGrant(grant, http))).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
    expect([plain.connections(), plain.asked]).toEqual([1, []]);
  });
});

describe('two authorization servers', () => {
  test('that are mixed up: the code of one goes neither to it nor to the other, and its words are not shown', async () => {
    const other = await startProgrammableAuthorizationServer();
    onTestFinished(() => other.close());
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const sent = new URL(callback);
    // The other one issues a code to the same client, and sends the browser back with the state it was given.
    const code = other.tokens.issueCode({
      clientId: 'client',
      redirectUri: sent.origin + sent.pathname,
      challenge: '',
      scope: undefined,
      resource: undefined,
      subject: 'mallory',
    });
    const words = { error_description: 'Call 555-0199' };
    const page = await browser.open(withParams(callback, { code, iss: other.issuer, ...words }));
    expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH']);
    expect(page.html).not.toContain('555-0199');
    expect([stage.as.count('token'), other.count('token')]).toEqual([0, 0]);
  });
});

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { tokenHash, verifiedClaims, type NamespaceProvider } from '../../src/namespace/index.ts';
import { remoteKeySet } from '../../src/namespace/remote-key-set.ts';
import { createIntrospection, createOAuthHttp } from '../../src/oauth/index.ts';
import { startIdentityServer, type IdentityServer } from './identity-server.ts';

const audience = 'https://mcp.example/mcp';
const refused = expect.objectContaining({ code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED' });

async function start(): Promise<IdentityServer> {
  const server = await startIdentityServer();
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

const byKeys = ({ issuer, jwksUrl }: IdentityServer): NamespaceProvider =>
  verifiedClaims({ issuer, audience, jwks: jwksUrl });

const introspectionOf = ({
  issuer,
  introspectionEndpoint: endpoint,
}: IdentityServer): ReturnType<typeof createIntrospection> =>
  createIntrospection(
    { issuer, endpoint, clientId: 'mcp', clientSecret: 's' },
    createOAuthHttp({ trustedBy: issuer }),
  );

/** Moves the time that decides how old a key set is, and nothing else. */
function moveTime(byMs: number): void {
  const before = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: before + byMs });
  onTestFinished(() => void vi.useRealTimers());
}

describe('a key set over HTTP', () => {
  test('verifies its issuer’s tokens, and two issuers’ users with one subject are two namespaces', async () => {
    const [one, two] = [await start(), await start()];
    const [first, second] = await Promise.all(
      [one, two].map(async (server) =>
        byKeys(server).resolve({ token: await server.sign({ sub: 'alice', aud: audience }) }),
      ),
    );
    expect(first?.id).toBe(`${one.issuer} sub:alice`);
    expect(first?.partition).not.toBe(second?.partition);
  });

  test('of one issuer does not verify a token of another that claims to be its own', async () => {
    const [victim, attacker] = [await start(), await start()];
    const token = await attacker.sign({ iss: victim.issuer, sub: 'alice', aud: audience });
    await expect(byKeys(victim).resolve({ token })).rejects.toEqual(refused);
  });

  test('that was rotated is fetched again for the new key, once half a minute has passed, and the namespace stays', async () => {
    const server = await start();
    const namespaces = byKeys(server);
    const old = await server.sign({ sub: 'alice', aud: audience });
    const before = await namespaces.resolve({ token: old });
    await server.rotate();
    const fresh = await server.sign({ sub: 'alice', aud: audience });
    await expect(namespaces.resolve({ token: fresh })).rejects.toEqual(refused);
    expect(server.keySetFetches).toBe(1);
    moveTime(31_000);
    await expect(namespaces.resolve({ token: fresh })).resolves.toEqual(before);
    expect(server.keySetFetches).toBe(2);
    await expect(namespaces.resolve({ token: old })).rejects.toEqual(refused);
  });

  test('whose server is back is used again', async () => {
    const server = await start();
    let nowMs = Date.now();
    const namespaces = verifiedClaims({
      issuer: server.issuer,
      audience,
      jwks: server.jwksUrl,
      clock: () => nowMs,
    });
    const token = await server.sign({ sub: 'alice', aud: audience });
    server.breakKeySet((response) => response.destroy());
    await expect(namespaces.resolve({ token })).rejects.toEqual(refused);
    server.breakKeySet(undefined);
    nowMs += 5_000;
    await expect(namespaces.resolve({ token })).resolves.toMatchObject({ kind: 'user' });
  });

  test.each([
    ['never answers', () => {}],
    [
      'never ends its answer',
      (response: { write(text: string): unknown }): void => void response.write('{"keys":['),
    ],
  ])('that %s is given up at its deadline', async (_what, answer) => {
    const server = await start();
    server.breakKeySet(answer);
    const findKey = remoteKeySet(server.jwksUrl, { timeoutMs: 200 });
    const startedAt = performance.now();
    await expect(findKey({ alg: 'ES256' }, { payload: '', signature: '' })).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_UNREACHABLE',
    });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test('that never ends is read no further than 256 KiB', async () => {
    const server = await start();
    let sent = 0;
    server.breakKeySet((response) => {
      const chunk = ' '.repeat(65_536);
      const more = (): void => {
        while (sent < 64 * 1_048_576 && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const token = await server.sign({ sub: 'alice', aud: audience });
    await expect(byKeys(server).resolve({ token })).rejects.toEqual(refused);
    expect(sent).toBeLessThan(32 * 1_048_576);
  });
});

describe('introspection over HTTP', () => {
  test('names whom a token belongs to, and nobody once it is revoked', async () => {
    const server = await start();
    const namespaces = verifiedClaims({
      issuer: server.issuer,
      audience,
      introspect: introspectionOf(server),
    });
    const token = server.issueOpaque({ sub: 'alice', aud: audience });
    await expect(namespaces.resolve({ token })).resolves.toMatchObject({ id: `${server.issuer} sub:alice` });
    server.revoke(token);
    await expect(namespaces.resolve({ token })).rejects.toEqual(refused);
  });

  test('keeps a namespace by token hash stable when the token is refreshed', async () => {
    const server = await start();
    const introspect = introspectionOf(server);
    const namespaces = tokenHash({
      salt: 'a salt of 16 bytes or more',
      subjectOf: async (token) => {
        const claims = await introspect(token);
        return typeof claims?.['sub'] === 'string' ? claims['sub'] : undefined;
      },
    });
    const before = await namespaces.resolve({ token: server.issueOpaque({ sub: 'alice' }) });
    await expect(namespaces.resolve({ token: server.issueOpaque({ sub: 'alice' }) })).resolves.toEqual(
      before,
    );
    await expect(namespaces.resolve({ token: server.issueOpaque({ sub: 'bob' }) })).resolves.not.toEqual(
      before,
    );
  });
});

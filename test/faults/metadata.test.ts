import { describe, expect, test } from 'vitest';
import type { ProgrammableAuthorizationServer } from '../support/programmable-authorization-server.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { codeOf, openStage, type Stage } from '../support/stage.ts';

/** Long enough for a loaded machine, short against the deadline of the test. */
const oauthTimeoutMs = 500;

const openBroken = (): Promise<Stage> =>
  openStage({
    coordinator: { oauthTimeoutMs },
    servers: (_calendar, as) => ({ broken: { url: as.resource } }),
  });

/** Documents that are none, and how long it may take to find that out. */
const unusable: Record<string, [reply: (as: ProgrammableAuthorizationServer) => Reply, code: string]> = {
  'is 50 MB long': [() => ({ floodBytes: 50_000_000 }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'never begins': [() => ({ hang: 'headers' }), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'never goes on': [() => ({ hang: 'body' }), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'comes a byte at a time': [() => ({ dripEveryMs: 20 }), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'is cut off at once': [() => ({ cut: 'now' }), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'is cut off midway': [() => ({ cut: 'midway' }), 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'is an array': [() => ({ body: [] }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is null': [() => ({ body: 'null' }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is a number': [() => ({ body: '7' }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is empty': [() => ({ body: '' }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is no JSON': [() => ({ body: '{"issuer":' }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is nested 100,000 deep': [() => ({ body: '['.repeat(100_000) }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is an empty object': [() => ({ body: {} }), 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
  'is an error of the server': [() => ({ status: 500 }), 'ERR_POSTERN_OAUTH_DISCOVERY_FAILED'],
  'redirects for ever': [
    (as) => ({ status: 302, headers: { location: `${as.origin}/.well-known/oauth-authorization-server` } }),
    'ERR_POSTERN_OAUTH_METADATA_INVALID',
  ],
  'redirects to the metadata service of a cloud': [
    () => ({ status: 302, headers: { location: 'http://169.254.169.254/latest' } }),
    'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
  ],
};

async function expectNoSignIn(stage: Stage, code: string): Promise<void> {
  const client = await stage.manager.getClient('alice');
  const startedAt = performance.now();
  await client.connect();
  // Three places are looked at for each of the two documents; a silent host is asked once.
  expect(performance.now() - startedAt).toBeLessThan(2 * oauthTimeoutMs + 2_000);
  const session = client.session('broken');
  expect([session.status, session.error?.code]).toEqual(['AUTH_FAILED', code]);
  expect(await client.getAuthChallenges()).toEqual([]);
  expect(await codeOf(client.callTool('whoami', {}, { server: 'broken' }))).toBe(code);
  expect(stage.as.count('register') + stage.as.count('authorize') + stage.as.count('token')).toBe(0);
}

describe('metadata of an authorization server', () => {
  test.each(Object.keys(unusable))('that %s fails the sign-in within its deadline', async (kind) => {
    const stage = await openBroken();
    const [reply, code] = unusable[kind]!;
    stage.as.on('metadata', () => reply(stage.as));
    await expectNoSignIn(stage, code);
  });

  const hostile: Record<string, [fields: Record<string, unknown>, code: string]> = {
    'names another issuer': [{ issuer: 'https://evil.example' }, 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH'],
    'names its issuer with two slashes behind it': [
      { issuer: 'slashes' },
      'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    ],
    'names a number as its issuer': [{ issuer: 7 }, 'ERR_POSTERN_OAUTH_METADATA_INVALID'],
    'sends tokens to a cloud’s metadata service': [
      { token_endpoint: 'http://169.254.169.254/token' },
      'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
    ],
    'sends tokens over plain http to the open net': [
      { token_endpoint: 'http://evil.example/token' },
      'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
    ],
    'sends people to a script': [
      { authorization_endpoint: 'javascript:alert(1)' },
      'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
    ],
    'sends people to a file': [
      { authorization_endpoint: 'file:///etc/passwd' },
      'ERR_POSTERN_OAUTH_URL_FORBIDDEN',
    ],
  };
  test.each(Object.keys(hostile))('that %s is not followed', async (kind) => {
    const stage = await openBroken();
    const [fields, code] = hostile[kind]!;
    const { as } = stage;
    const issuer = fields['issuer'] === 'slashes' ? `${as.issuer}//` : (fields['issuer'] ?? as.issuer);
    const endpoints = {
      authorization_endpoint: `${as.issuer}/authorize`,
      token_endpoint: `${as.issuer}/token`,
      registration_endpoint: `${as.issuer}/register`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
    };
    as.on('metadata', () => ({ body: { ...endpoints, ...fields, issuer } }));
    await expectNoSignIn(stage, code);
  });

  test('that does not promise PKCE is refused before anybody gets a link', async () => {
    const stage = await openStage({ as: { metadata: { code_challenge_methods_supported: undefined } } });
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED');
    expect(await client.getAuthChallenges()).toEqual([]);
    expect(stage.as.count('authorize')).toBe(0);
  });
});

describe('metadata of a resource', () => {
  test.each(Object.keys(unusable))('that %s fails the sign-in within its deadline', async (kind) => {
    const stage = await openBroken();
    const [reply, code] = unusable[kind]!;
    stage.as.on('resource-metadata', () => reply(stage.as));
    await expectNoSignIn(stage, code);
  });

  test('that describes another server is not followed', async () => {
    const stage = await openBroken();
    stage.as.on('resource-metadata', () => ({
      body: { resource: 'https://bank.example/mcp', authorization_servers: [stage.as.issuer] },
    }));
    await expectNoSignIn(stage, 'ERR_POSTERN_OAUTH_RESOURCE_MISMATCH');
    expect(stage.as.count('metadata')).toBe(0);
  });

  test('that names a private address as its authorization server leads nowhere', async () => {
    const stage = await openBroken();
    stage.as.on('resource-metadata', () => ({
      body: { resource: stage.as.resource, authorization_servers: ['http://169.254.169.254'] },
    }));
    await expectNoSignIn(stage, 'ERR_POSTERN_OAUTH_URL_FORBIDDEN');
  });

  test('that is broken now and well later is looked for again', async () => {
    const stage = await openBroken();
    stage.as.on('metadata', () => ({ status: 500 }));
    await expectNoSignIn(stage, 'ERR_POSTERN_OAUTH_DISCOVERY_FAILED');
    stage.as.on('metadata', undefined);
    const client = await stage.manager.getClient('alice');
    await client.connect();
    expect(client.session('broken').status).toBe('AUTH_PENDING');
  });

  test('a challenge among 12 kB of others is found', async () => {
    const stage = await openBroken();
    const noise = Array.from({ length: 1_000 }, (_, index) => `Scheme${index} a="\\"", b`).join(', ');
    const metadata = `${stage.as.origin}/.well-known/oauth-protected-resource/mcp`;
    stage.as.on('resource', () => ({
      status: 401,
      headers: { 'www-authenticate': `${noise.slice(0, 12_000)}, Bearer resource_metadata="${metadata}"` },
    }));
    const client = await stage.manager.getClient('alice');
    await client.connect();
    expect(client.session('broken').status).toBe('AUTH_PENDING');
  });
});

import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';
import { loopbackApplication, webApplication, type WebApplicationOptions } from './application.ts';

async function makeKey(kid: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid };
}

const misconfigured = expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });

describe('a loopback application', () => {
  test('says in its id where it listens and what it asks for, and is made again from that', () => {
    const application = loopbackApplication({ scope: 'atproto transition:chat.bsky' });
    const setup = application.setup('http://127.0.0.1:4321/callback');
    expect(setup.metadata.client_id).toBe(
      'http://localhost?scope=atproto+transition%3Achat.bsky&redirect_uri=http%3A%2F%2F127.0.0.1%3A4321%2Fcallback',
    );
    expect(setup.metadata).toMatchObject({
      redirect_uris: ['http://127.0.0.1:4321/callback'],
      scope: 'atproto transition:chat.bsky',
      token_endpoint_auth_method: 'none',
    });
    expect(application.restore(setup.metadata.client_id)).toEqual(setup);
  });

  test.for(['http://localhost:4321/callback', 'https://app.example/callback', 'https://127.0.0.1/callback'])(
    'is none for %s',
    (callbackUrl) => {
      expect(() => loopbackApplication().setup(callbackUrl)).toThrow(misconfigured);
    },
  );

  test('does not take a session of another sort of application for its own', () => {
    expect(() => loopbackApplication().restore('https://app.example/client.json')).toThrow(misconfigured);
    expect(() => loopbackApplication().restore('http://localhost.evil.example?x')).toThrow(misconfigured);
  });

  test('asks for the scope without which there is no login', () => {
    expect(() => loopbackApplication({ scope: 'transition:generic' })).toThrow(misconfigured);
  });
});

describe('a web application', () => {
  const open = async (options: Partial<WebApplicationOptions> = {}) =>
    webApplication({
      publicUrl: 'https://app.example/postern/',
      clientName: 'App',
      keys: [await makeKey('new'), await makeKey('old')],
      ...options,
    });

  test('serves the document that its id names, and its public keys, and nothing else', async () => {
    const application = await open();
    const get = async (path: string): Promise<unknown> =>
      (await application.fetch(new Request(`https://app.example${path}`)))?.json();
    expect(application.clientId).toBe('https://app.example/postern/atproto-client-metadata.json');
    expect(await get('/postern/atproto-client-metadata.json')).toMatchObject({
      client_id: application.clientId,
      redirect_uris: ['https://app.example/postern/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      dpop_bound_access_tokens: true,
      jwks_uri: 'https://app.example/postern/atproto-jwks.json',
    });
    const { keys } = (await get('/postern/atproto-jwks.json')) as { keys: JWK[] };
    expect(keys.map(({ kid }) => kid)).toEqual(['new', 'old']);
    expect(keys.flatMap(Object.keys)).not.toContain('d');
    expect(await get('/postern/callback')).toBeUndefined();
    const sent = new Request(application.clientId, { method: 'POST' });
    expect(await application.fetch(sent)).toBeUndefined();
  });

  test('is none for a gate at another address', async () => {
    const application = await open();
    expect(() => application.setup('https://other.example/callback')).toThrow(misconfigured);
    expect(application.setup('https://app.example/postern/callback').keys).toHaveLength(2);
  });

  test('needs https, and private keys for ES256 that have names', async () => {
    const { d: _private, ...half } = await makeKey('x');
    const { kid: _name, ...nameless } = await makeKey('x');
    await expect(open({ publicUrl: 'http://127.0.0.1/x' })).rejects.toThrow(misconfigured);
    for (const keys of [[], [half], [nameless], [{ kty: 'oct', k: 'AAAA', kid: 'x' }]]) {
      await expect(open({ keys })).rejects.toThrow(misconfigured);
    }
  });
});

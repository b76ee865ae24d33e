import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route } from '../../test/support/programmable-fetch.ts';
import type { ClientIdentity } from './client-identity.ts';
import { clientMetadataDocument } from './client-metadata.ts';
import { createOAuthHttp } from './oauth-http.ts';
import { identifyClient, type IdentifyClientOptions } from './registration.ts';

const issuer = 'https://as.example';
const endpoint = `${issuer}/register`;
const redirectUri = 'http://127.0.0.1:4000/callback';
const coded = (code: string): unknown => expect.objectContaining({ code });

function discovery(more: Record<string, unknown> = {}): IdentifyClientOptions['discovery'] {
  return { issuer, server: { issuer, registration_endpoint: endpoint, ...more } };
}

async function identify(
  options: Partial<IdentifyClientOptions> = {},
  route?: Route,
): Promise<{ identity: ClientIdentity; asked: Record<string, unknown> | undefined }> {
  const { fetch, sent } = programmableFetch(route === undefined ? {} : { [endpoint]: route });
  const http = createOAuthHttp({ fetch, clock: () => 1_000_000 });
  const identity = await identifyClient(
    { discovery: discovery(), redirectUri, metadata: { clientName: 'Test' }, ...options },
    http,
  );
  const [request] = sent;
  return { identity, asked: request && (JSON.parse(request.text) as Record<string, unknown>) };
}

function reply(fields: Record<string, unknown> = {}, status = 201): Route {
  return Response.json({ client_id: 'c1', redirect_uris: [redirectUri], ...fields }, { status });
}

describe('identifyClient', () => {
  const preregistered = { clientId: 'pre', clientSecret: 's' };
  const clientMetadataUrl = 'https://client.example/metadata.json';
  const cimd = { client_id_metadata_document_supported: true };

  test('a preregistered client comes before everything else', async () => {
    const { identity, asked } = await identify({
      preregistered,
      clientMetadataUrl,
      discovery: discovery(cimd),
    });
    expect(identity).toMatchObject({ clientId: 'pre', source: 'preregistered', issuer });
    expect(asked).toBeUndefined();
  });

  test('a preregistered client of another issuer is refused', async () => {
    const other = { ...preregistered, issuer: `${issuer}/tenant` };
    await expect(identify({ preregistered: other })).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'),
    );
  });

  test.each([
    [undefined, 'client_secret_basic'],
    [['client_secret_post'], 'client_secret_post'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
  ])('a preregistered secret is used as the server supports: %j', async (supported, method) => {
    const { identity } = await identify({
      preregistered,
      discovery: discovery({ token_endpoint_auth_methods_supported: supported }),
    });
    expect(identity.tokenEndpointAuthMethod).toBe(method);
  });

  test('a metadata document comes before registering, where it is supported', async () => {
    const { identity } = await identify({ clientMetadataUrl, discovery: discovery(cimd) });
    expect(identity).toMatchObject({
      clientId: clientMetadataUrl,
      source: 'metadata-document',
      tokenEndpointAuthMethod: 'none',
    });
    const { identity: registered } = await identify({ clientMetadataUrl }, reply());
    expect(registered.source).toBe('dynamic');
  });

  test.each(['http://client.example/m', 'https://client.example/', 'https://client.example/m#x', 'm'])(
    'a metadata document cannot be at %s',
    async (url) => {
      await expect(identify({ clientMetadataUrl: url })).rejects.toEqual(
        coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
      );
    },
  );

  test('an earlier registration is used again, at the same issuer and redirect URI only', async () => {
    const { identity: stored } = await identify({}, reply({ client_id: 'old' }));
    expect((await identify({ stored })).identity).toBe(stored);
    const elsewhere = { ...stored, issuer: 'https://old.example' };
    expect((await identify({ stored: elsewhere }, reply())).identity.clientId).toBe('c1');
    const moved = { ...stored, redirectUris: ['http://127.0.0.1:1/callback'] };
    expect((await identify({ stored: moved }, reply())).identity.clientId).toBe('c1');
  });

  test('an earlier registration whose secret has expired is renewed', async () => {
    const { identity: stored } = await identify({}, reply());
    const expired = { ...stored, secretExpiresAtMs: 999_999 };
    expect((await identify({ stored: expired }, reply({ client_id: 'new' }))).identity.clientId).toBe('new');
  });

  test('registers a loopback client as native and public, with the scopes known', async () => {
    const { asked, identity } = await identify({ scopes: ['a', 'b'] }, reply());
    expect(asked).toEqual({
      client_name: 'Test',
      redirect_uris: [redirectUri],
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'a b',
    });
    expect(identity).toEqual({
      issuer,
      clientId: 'c1',
      tokenEndpointAuthMethod: 'none',
      source: 'dynamic',
      redirectUris: [redirectUri],
      registeredScopes: ['a', 'b'],
      grantTypes: ['authorization_code', 'refresh_token'],
    });
  });

  test('registers a client that is redirected elsewhere as web', async () => {
    const web = 'https://bot.example/callback';
    const { asked } = await identify({ redirectUri: web }, reply({ redirect_uris: [web] }));
    expect(asked?.application_type).toBe('web');
  });

  test('does not name a grant that the server leaves out of its list', async () => {
    const { asked } = await identify(
      { discovery: discovery({ grant_types_supported: ['authorization_code'] }) },
      reply(),
    );
    expect(asked?.grant_types).toEqual(['authorization_code']);
  });

  test.each([
    ['none', ['none'], {}, 'none'],
    ['client_secret_basic', ['client_secret_basic'], { client_secret: 's' }, 'client_secret_basic'],
    ['client_secret_post', ['client_secret_post'], { client_secret: 's' }, 'client_secret_post'],
    ['none', ['none'], { client_secret: 's' }, 'none'],
    ['none', undefined, { client_secret: 's' }, 'client_secret_basic'],
    ['none', undefined, { client_secret: null }, 'none'],
    [
      'none',
      ['none', 'client_secret_post'],
      { client_secret: 's', token_endpoint_auth_method: 'client_secret_post' },
      'client_secret_post',
    ],
  ])('asks for %s where %j is supported; after %j it uses %s', async (asks, supported, fields, used) => {
    const { asked, identity } = await identify(
      { discovery: discovery({ token_endpoint_auth_methods_supported: supported }) },
      reply(fields),
    );
    expect(asked?.token_endpoint_auth_method).toBe(asks);
    expect(identity.tokenEndpointAuthMethod).toBe(used);
  });

  test('a reply with status 200 and an expiry as text is understood', async () => {
    const { identity } = await identify(
      {},
      reply({ client_secret: 's', client_secret_expires_at: '2000' }, 200),
    );
    expect(identity.secretExpiresAtMs).toBe(2_000_000);
  });

  test.each([null, 'soon', 1e308, -5, [], { toString: 1, valueOf: 1 }])(
    'a secret whose end is said to be %j does not end, and can be stored',
    async (client_secret_expires_at) => {
      const { identity } = await identify({}, reply({ client_secret: 's', client_secret_expires_at }));
      expect(identity).toMatchObject({ clientSecret: 's' });
      expect(identity).not.toHaveProperty('secretExpiresAtMs');
    },
  );

  test.each([
    ['other redirect URIs', reply({ redirect_uris: ['https://evil.example/'] })],
    ['redirect URIs of the wrong type', reply({ redirect_uris: redirectUri })],
    ['no client id', reply({ client_id: undefined })],
    ['an unknown way to authenticate', reply({ token_endpoint_auth_method: 'tls_client_auth' })],
    [
      'a secret to authenticate by, and none given',
      reply({ token_endpoint_auth_method: 'client_secret_post' }),
    ],
    ['an array', []],
    ['plain text', new Response('Forbidden', { status: 403 })],
    ['a refusal', Response.json({ error: 'invalid_redirect_uri' }, { status: 400 })],
  ] as [string, Route][])('a reply with %s is a rejection', async (_, route) => {
    await expect(identify({}, route)).rejects.toEqual(coded('ERR_POSTERN_OAUTH_REGISTRATION_REJECTED'));
  });

  test('of a refusal only a registered code is repeated', async () => {
    const refusal = (error: string): Route =>
      Response.json({ error, error_description: 'CNRY' }, { status: 400 });
    await expect(identify({}, refusal('invalid_redirect_uri'))).rejects.toThrow('invalid_redirect_uri');
    await expect(identify({}, refusal('CNRY<b>'))).rejects.toThrow('an unregistered error');
    await expect(identify({}, refusal('CNRY<b>'))).rejects.not.toThrow('CNRY');
  });

  test('a server that is overloaded has rejected nobody', async () => {
    const busy = new Response('', { status: 429, headers: { 'retry-after': '7' } });
    await expect(identify({}, busy)).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REQUEST_FAILED',
      retryAfterMs: 7000,
    });
  });

  test('without any way in, the hint names the redirect URI to register', async () => {
    const closed = discovery({ registration_endpoint: undefined });
    await expect(identify({ discovery: closed })).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED',
      hint: expect.stringContaining(redirectUri),
    });
  });
});

describe('clientMetadataDocument', () => {
  const url = 'https://client.example/metadata.json';

  test('names its own URL as the client', () => {
    expect(
      clientMetadataDocument({
        url,
        metadata: { clientName: 'Test' },
        redirectUris: ['https://c.example/cb'],
      }),
    ).toEqual({
      client_id: url,
      client_name: 'Test',
      redirect_uris: ['https://c.example/cb'],
      application_type: 'web',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    });
  });

  test('publishes no private part of a key', () => {
    const document = clientMetadataDocument({
      url,
      metadata: { clientName: 'Test' },
      redirectUris: [],
      keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'CNRY', kid: 'k', alg: 'ES256' }],
    });
    expect(document.token_endpoint_auth_method).toBe('private_key_jwt');
    expect(document.jwks).toEqual({
      keys: [{ kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid: 'k', alg: 'ES256', use: 'sig' }],
    });
  });
});

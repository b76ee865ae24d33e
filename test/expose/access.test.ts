import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { addApiKey } from '../../src/expose/access/api-key-file.ts';
import { startExpose } from '../../src/expose/index.ts';
import { startIdentityServer } from '../namespace/identity-server.ts';
import { expose, jsonHeaders, LegacyClient, plainServer, until } from './expose-stage.ts';

const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
const post = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { ...jsonHeaders, ...headers }, body: ping });

function keyFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'postern-keys-')), 'keys.txt');
}

test('with API keys, each name has a child of its own, and a key of a name reaches no session of another', async () => {
  const file = keyFile();
  const keys = [await addApiKey(file, 'al'), await addApiKey(file, 'bo'), await addApiKey(file, 'al')];
  const { url } = await expose([], { access: { by: 'api-keys', file } });
  const clients = await Promise.all(
    keys.map((key) => LegacyClient.begin(url, { headers: { authorization: `Bearer ${key}` } })),
  );
  const pids = await Promise.all(clients.map((client) => client.text('pid')));
  expect(pids[0]).toBe(pids[2]);
  expect(pids[0]).not.toBe(pids[1]);
  const [al, bo] = clients as [LegacyClient, LegacyClient, LegacyClient];
  bo.headers['mcp-session-id'] = al.sessionId;
  expect((await bo.call('echo')).status).toBe(404);
  expect((await fetch(url, { method: 'DELETE', headers: bo.headers })).status).toBe(404);
  expect(await al.text('echo')).toBe('{}');
});

test('a file of API keys holds no key, is its owner’s alone, and counts as it is now', async () => {
  const file = keyFile();
  const key = await addApiKey(file, 'al');
  expect(readFileSync(file, 'utf8')).not.toContain(key);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { url } = await expose([], { access: { by: 'api-keys', file } });
  expect((await post(url, { 'x-api-key': key })).status).toBe(400);
  writeFileSync(file, '# nobody\n');
  await until('the key counts no more', async () => (await post(url, { 'x-api-key': key })).status === 401);
  const other = await addApiKey(file, 'al');
  await until('another counts', async () => (await post(url, { 'x-api-key': other })).status === 400);
});

test.each([
  ['a name without a hash', 'al\n'],
  ['a key in place of its hash', 'al pk_0123456789012345678901234567890123456789012\n'],
])('%s in the file of API keys keeps it from starting', async (_what, text) => {
  const file = keyFile();
  writeFileSync(file, text);
  await expect(expose([], { access: { by: 'api-keys', file } })).rejects.toMatchObject({
    code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
  });
});

test('without a key or with a wrong one nobody is let in, and no child is started', async () => {
  const file = keyFile();
  await addApiKey(file, 'al');
  const exposed = await expose([], { access: { by: 'api-keys', file } });
  for (const headers of [
    {},
    { authorization: 'Bearer pk_wrong' },
    { authorization: 'Basic YTpi' },
    { 'x-api-key': '' },
  ]) {
    const refused = await post(exposed.url, headers);
    expect(refused.status).toBe(401);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /u);
  }
  expect(exposed.counts.started).toBe(0);
});

test('behind a proxy, the endpoint is found with the path of its public address, and without', async () => {
  const file = keyFile();
  await addApiKey(file, 'al');
  const { url } = await expose([], {
    access: { by: 'api-keys', file },
    publicUrl: 'https://tools.example/weather',
    port: 20_000 + ((process.pid + 1) % 20_000),
  });
  expect(url).toBe('https://tools.example/weather/mcp');
  const at = `http://127.0.0.1:${20_000 + ((process.pid + 1) % 20_000)}`;
  for (const [path, status] of [
    ['/mcp', 401],
    ['/weather/mcp', 401],
    ['/weathermcp', 404],
    ['/other/mcp', 404],
  ] as const) {
    expect([path, (await post(at + path)).status]).toEqual([path, status]);
  }
});

test('with an issuer, its tokens for this server are let in, and it is said where to get one', async () => {
  await using identities = await startIdentityServer();
  const { issuer, jwksUrl } = identities;
  const port = 20_000 + (process.pid % 20_000);
  const exposed = await startExpose({
    command: { command: process.execPath, args: [plainServer] },
    port,
    access: { by: 'issuer', issuer, scopes: ['tools'] },
    fetch: async (url, init) =>
      url.includes('/.well-known/')
        ? Response.json({
            issuer,
            jwks_uri: jwksUrl.href,
            token_endpoint: `${issuer}/token`,
            authorization_endpoint: `${issuer}/auth`,
            response_types_supported: ['code'],
          })
        : fetch(url, init),
    logger: silentLogger,
    limits: { graceMs: 0 },
  });
  onTestFinished(() => exposed.stop());
  const { url } = exposed;
  const token = (claims: object): Promise<string> => identities.sign({ sub: 'al', aud: url, ...claims });
  const begin = async (claims: object): Promise<string> => {
    const client = await LegacyClient.begin(url, {
      headers: { authorization: `Bearer ${await token(claims)}` },
    });
    return client.text('pid');
  };
  expect(await begin({})).toBe(await begin({}));
  expect(await begin({})).not.toBe(await begin({ sub: 'bo' }));

  const none = await post(url);
  const metadataUrl =
    /resource_metadata="([^"]+)"/u.exec(none.headers.get('www-authenticate') ?? '')?.[1] ?? '';
  expect(none.headers.get('www-authenticate')).not.toContain('error=');
  expect(await (await fetch(metadataUrl)).json()).toMatchObject({
    resource: url,
    authorization_servers: [issuer],
    scopes_supported: ['tools'],
  });
  for (const claims of [
    { aud: 'https://other.example' },
    { iss: 'https://other.example' },
    { sub: '' },
    { exp: 1 },
  ]) {
    const refused = await post(url, { authorization: `Bearer ${await token(claims)}` });
    // `sign` sets an expiry of its own.
    if (!('exp' in claims)) expect(refused.status).toBe(401);
  }
  const forged = `${(await token({})).slice(0, -8)}AAAAAAAA`;
  const refused = await post(url, { authorization: `Bearer ${forged}` });
  expect(refused.status).toBe(401);
  expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"');
});

test.each([
  [{ host: '0.0.0.0' }],
  [{ host: '192.168.0.1' }],
  [{ publicUrl: 'https://tools.example' }],
  [{ secrets: [{ name: 'KEY' }] }],
  [{ access: { by: 'issuer' as const, issuer: 'https://login.example' }, port: 0 }],
])('%j is refused before anything is started', async (options) => {
  await expect(expose([], options)).rejects.toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
});

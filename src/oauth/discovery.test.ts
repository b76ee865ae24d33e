import { allowIssuerMismatch } from './allowed.ts';
import { describe, expect, test } from 'vitest';
import { programmableFetch, type Route } from '../../test/support/programmable-fetch.ts';
import { parseChallenge, type Challenge } from './challenge.ts';
import { discover, discoverySchema, type DiscoverOptions } from './discovery.ts';
import { createOAuthHttp } from './oauth-http.ts';

const server = 'https://mcp.example/v1/mcp';
const resourceAt = 'https://mcp.example/.well-known/oauth-protected-resource';
const as = 'https://as.example';
const coded = (code: string): unknown => expect.objectContaining({ code });

function metadata(issuer: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${as}/authorize`,
    token_endpoint: `${as}/token`,
    code_challenge_methods_supported: ['S256'],
    ...more,
  };
}

const about = (more: Record<string, unknown> = {}): Record<string, unknown> => ({
  resource: server,
  authorization_servers: [as],
  ...more,
});

function challenged(header: string): Challenge | undefined {
  return parseChallenge(new Response(null, { headers: { 'www-authenticate': header } }));
}

function run(
  routes: Record<string, Route>,
  options: { challenge?: Challenge | undefined; serverUrl?: string } & DiscoverOptions = {},
): { result: ReturnType<typeof discover>; asked: () => string[] } {
  const { fetch, sent } = programmableFetch(routes);
  const serverUrl = options.serverUrl ?? server;
  const http = createOAuthHttp({ fetch, trustedBy: serverUrl });
  return {
    result: discover(serverUrl, options.challenge, http, options),
    asked: () => sent.map(({ url }) => url),
  };
}

const standard: Record<string, Route> = {
  [`${resourceAt}/v1/mcp`]: about(),
  [`${as}/.well-known/oauth-authorization-server`]: metadata(as),
};

describe('protected-resource metadata', () => {
  test('is taken from where the challenge says, and nowhere else', async () => {
    const { result, asked } = run(
      {
        'https://mcp.example/custom': about({ scopes_supported: ['a', 'b'] }),
        [`${as}/.well-known/oauth-authorization-server`]: metadata(as),
      },
      { challenge: challenged('Bearer resource_metadata="https://mcp.example/custom", scope="a"') },
    );
    expect(await result).toMatchObject({
      resource: server,
      issuer: as,
      challengedScopes: ['a'],
      scopesSupported: ['a', 'b'],
      legacyEndpoints: false,
      dpopRequired: false,
    });
    expect(asked()).toEqual(['https://mcp.example/custom', `${as}/.well-known/oauth-authorization-server`]);
  });

  test.each([400, 401, 403, 404, 405, 410])('is looked for at the next place after a %i', async (status) => {
    const { result, asked } = run(
      {
        [`${resourceAt}/v1/mcp`]: new Response('no', { status }),
        [resourceAt]: about({ resource: 'https://mcp.example' }),
        [`${as}/.well-known/oauth-authorization-server`]: metadata(as),
      },
      { challenge: challenged('Bearer resource_metadata="https://mcp.example/gone"') },
    );
    expect((await result).resource).toBe('https://mcp.example');
    expect(asked().slice(0, 3)).toEqual(['https://mcp.example/gone', `${resourceAt}/v1/mcp`, resourceAt]);
  });

  test.each([
    'https://other.example/v1/mcp',
    'https://mcp.example/v1/mcp2',
    'https://mcp.example/v1/mcp/deeper',
    'https://mcp.example/v1/m',
    'http://mcp.example/v1/mcp',
    'https://mcp.example:444/v1/mcp',
    'https://mcp.example/v1/mcp#x',
    'mcp',
  ])('that describes %s is refused', async (resource) => {
    const { result } = run({ ...standard, [`${resourceAt}/v1/mcp`]: about({ resource }) });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_RESOURCE_MISMATCH'));
  });

  test.each(['https://mcp.example/v1', 'https://mcp.example/', 'https://mcp.example/v1/mcp/'])(
    'that describes %s covers the server, and is sent as it is written',
    async (resource) => {
      const { result } = run({ ...standard, [`${resourceAt}/v1/mcp`]: about({ resource }) });
      expect((await result).resource).toBe(resource);
    },
  );

  test.each([
    ['an array', []],
    ['null', null],
    ['no JSON', '{'],
    ['no resource', { authorization_servers: [as] }],
    ['nested a hundred thousand deep', '['.repeat(100_000)],
    [
      'nested in a field nobody reads',
      `${JSON.stringify(about()).slice(0, -1)},"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    ],
    ['not UTF-8', new Response(new Uint8Array([0x7b, 0xff, 0x7d]))],
  ])('that is %s is refused with a typed error', async (_, document) => {
    const { result } = run({ [`${resourceAt}/v1/mcp`]: document });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_METADATA_INVALID'));
  });

  test('may begin with a byte-order mark and have the wrong content type', async () => {
    const text = `\uFEFF${JSON.stringify(about())}`;
    const { result } = run({
      ...standard,
      [`${resourceAt}/v1/mcp`]: new Response(text, { headers: { 'content-type': 'text/plain' } }),
    });
    expect((await result).issuer).toBe(as);
  });

  test('that fails is not taken for absent: no credentials go to a guessed place', async () => {
    for (const answer of [new Response('', { status: 503 }), new TypeError('fetch failed')]) {
      const { result, asked } = run({ [`${resourceAt}/v1/mcp`]: answer });
      await expect(result).rejects.toThrow(
        '"https://mcp.example/.well-known/oauth-protected-resource/v1/mcp"',
      );
      expect(asked().some((url) => url.includes('authorization-server'))).toBe(false);
    }
  });

  test('that a challenge promises and nobody has is an error', async () => {
    const { result } = run({}, { challenge: challenged('Bearer resource_metadata="https://mcp.example/x"') });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_DISCOVERY_FAILED'));
  });

  test('that a challenge places in a private network is never asked for', async () => {
    const { result, asked } = run(standard, {
      challenge: challenged('Bearer resource_metadata="http://169.254.169.254/latest"'),
    });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'));
    expect(asked()).toEqual([]);
  });

  test('or a challenge can require tokens that are bound to a key', async () => {
    const byMetadata = run({
      ...standard,
      [`${resourceAt}/v1/mcp`]: about({ dpop_bound_access_tokens_required: true }),
    });
    expect((await byMetadata.result).dpopRequired).toBe(true);
    const byChallenge = run(standard, { challenge: challenged('DPoP algs="ES256"') });
    expect((await byChallenge.result).dpopRequired).toBe(true);
  });

  test('the record survives storage', async () => {
    const found = await run(standard).result;
    expect(discoverySchema.parse(JSON.parse(JSON.stringify(found)))).toEqual(found);
  });
});

describe('authorization-server metadata', () => {
  const tenant = `${as}/tenant`;
  const forTenant = { [`${resourceAt}/v1/mcp`]: about({ authorization_servers: [tenant] }) };

  test('of an issuer with a path is looked for at three places, in order', async () => {
    const { result, asked } = run(forTenant);
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_DISCOVERY_FAILED'));
    expect(asked().slice(1)).toEqual([
      `${as}/.well-known/oauth-authorization-server/tenant`,
      `${as}/.well-known/openid-configuration/tenant`,
      `${as}/tenant/.well-known/openid-configuration`,
    ]);
    await expect(result).rejects.toThrow(
      '"https://as.example/tenant/.well-known/openid-configuration" (status 404)',
    );
  });

  test('of an issuer without a path is looked for at two', async () => {
    const { result, asked } = run({ [`${resourceAt}/v1/mcp`]: about() });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_DISCOVERY_FAILED'));
    expect(asked().slice(1)).toEqual([
      `${as}/.well-known/oauth-authorization-server`,
      `${as}/.well-known/openid-configuration`,
    ]);
  });

  test('behind a web application that answers every path with its page is still found', async () => {
    const page = new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
    const { result } = run({
      ...forTenant,
      [`${as}/.well-known/oauth-authorization-server/tenant`]: page,
      [`${as}/.well-known/openid-configuration/tenant`]: page,
      [`${as}/tenant/.well-known/openid-configuration`]: metadata(tenant),
    });
    expect((await result).issuer).toBe(tenant);
  });

  // github/copilot-cli#4606, modelcontextprotocol/go-sdk#955: every hosted server of Google is named like that.
  test('that differs by the slash of an issuer without a path is the issuer’s, which is called as it calls itself', async () => {
    const { result } = run({
      ...standard,
      [`${resourceAt}/v1/mcp`]: about({ authorization_servers: [`${as}/`] }),
    });
    expect(await result).toMatchObject({ issuer: as, server: { issuer: as } });
  });

  test('that differs by a slash behind a path is refused, with both as they are and the option that allows it', async () => {
    const { result } = run({
      ...forTenant,
      [`${as}/.well-known/oauth-authorization-server/tenant`]: metadata(`${tenant}/`),
    });
    await expect(result).rejects.toMatchObject({
      code: 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
      message: expect.stringContaining(`names the issuer "${tenant}/", not "${tenant}"`) as string,
      hint: expect.stringContaining('"allowIssuerMismatch"') as string,
    });
  });

  test('that names one of the other names an issuer is known by is accepted, and any other is not', async () => {
    const named = (stated: string): Promise<unknown> =>
      run(
        { ...standard, [`${as}/.well-known/oauth-authorization-server`]: metadata(stated) },
        { statedIssuers: (issuer) => (issuer === as ? ['https://odd.example'] : []) },
      ).result;
    expect(await named('https://odd.example')).toMatchObject({ issuer: as });
    await expect(named('https://odd.example/')).rejects.toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
  });

  test.each([`${as}//`, 'https://AS.example', 'https://evil.example', 'https://as.example:443'])(
    'that names the issuer %s instead is refused',
    async (issuer) => {
      const { result } = run({
        ...standard,
        [`${as}/.well-known/oauth-authorization-server`]: metadata(issuer),
      });
      await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'));
    },
  );

  test('that names another issuer is accepted for an issuer the operator listed, and for no other', async () => {
    const routes = {
      ...standard,
      [`${as}/.well-known/oauth-authorization-server`]: metadata('https://odd.example'),
    };
    const { result } = run(routes, { [allowIssuerMismatch]: [as] });
    expect(await result).toMatchObject({ issuer: as, server: { issuer: 'https://odd.example' } });
    await expect(run(routes, { [allowIssuerMismatch]: ['https://x.example'] }).result).rejects.toEqual(
      coded('ERR_POSTERN_OAUTH_ISSUER_MISMATCH'),
    );
  });

  test.each([
    'authorization_endpoint',
    'token_endpoint',
    'registration_endpoint',
    'revocation_endpoint',
    'device_authorization_endpoint',
    'pushed_authorization_request_endpoint',
  ])('whose %s leads into a private network is refused', async (name) => {
    for (const url of [
      'http://169.254.169.254/',
      'https://127.0.0.1/',
      'javascript:alert(1)',
      'http://as.example/',
    ]) {
      const { result } = run({
        ...standard,
        [`${as}/.well-known/oauth-authorization-server`]: metadata(as, { [name]: url }),
      });
      await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_URL_FORBIDDEN'));
    }
  });

  test.each([
    ['has no token endpoint', metadata(as, { token_endpoint: undefined })],
    ['has a number for one', metadata(as, { token_endpoint: 1 })],
    ['has no issuer', { ...metadata(as), issuer: undefined }],
    ['is an array', [metadata(as)]],
  ])('that %s is refused', async (_, document) => {
    const { result } = run({ ...standard, [`${as}/.well-known/oauth-authorization-server`]: document });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_METADATA_INVALID'));
  });

  test('a list of the wrong type counts as absent', async () => {
    const { result } = run({
      ...standard,
      [`${as}/.well-known/oauth-authorization-server`]: metadata(as, {
        code_challenge_methods_supported: 'S256',
      }),
    });
    expect((await result).server.code_challenge_methods_supported).toBeUndefined();
  });

  test('of a host that does not answer is asked for once', async () => {
    const { result, asked } = run({
      ...forTenant,
      [`${as}/.well-known/oauth-authorization-server/tenant`]: new TypeError('fetch failed'),
    });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_UNREACHABLE'));
    expect(asked()).toHaveLength(2);
  });

  test('an issuer whose path begins with two slashes does not become another host', async () => {
    const { result, asked } = run({
      [`${resourceAt}/v1/mcp`]: about({ authorization_servers: [`${as}//evil.example/x`] }),
    });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_DISCOVERY_FAILED'));
    expect(asked().every((url) => ['as.example', 'mcp.example'].includes(new URL(url).host))).toBe(true);
  });
});

describe('several issuers', () => {
  const second = 'https://second.example';
  const routes = {
    [`${resourceAt}/v1/mcp`]: about({ authorization_servers: [as, second] }),
    [`${second}/.well-known/oauth-authorization-server`]: metadata(second),
  };

  test('the first that works is used', async () => {
    expect((await run(routes).result).issuer).toBe(second);
  });

  test('the caller may choose', async () => {
    const { result, asked } = run(routes, { selectIssuer: () => second });
    expect((await result).issuer).toBe(second);
    expect(asked().some((url) => url.startsWith(as))).toBe(false);
  });

  test('the caller may not choose one that the resource does not name', async () => {
    await expect(run(routes, { selectIssuer: () => 'https://third.example' }).result).rejects.toEqual(
      coded('ERR_POSTERN_CONFIG_MISCONFIGURED'),
    );
  });
});

describe('a server of revision 2025-03-26', () => {
  const origin = 'https://mcp.example';

  test('is its own issuer', async () => {
    const { result } = run({ [`${origin}/.well-known/oauth-authorization-server`]: metadata(origin) });
    expect(await result).toMatchObject({ issuer: origin, resource: server, legacyEndpoints: false });
  });

  test('without metadata has its endpoints at fixed places', async () => {
    const found = await run({}).result;
    expect(found).toMatchObject({
      issuer: origin,
      legacyEndpoints: true,
      server: {
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
      },
    });
  });

  test('that fails to serve its metadata is not guessed at', async () => {
    const { result } = run({
      [`${origin}/.well-known/oauth-authorization-server`]: new Response('', { status: 500 }),
    });
    await expect(result).rejects.toEqual(coded('ERR_POSTERN_OAUTH_DISCOVERY_FAILED'));
  });

  test.each([
    ['https://mcp.example/', 'https://mcp.example'],
    ['https://MCP.example:443', 'https://mcp.example'],
    ['https://mcp.example/a/', 'https://mcp.example/a/'],
    ['https://mcp.example/a?b=c#d', 'https://mcp.example/a?b=c'],
  ])('at %s is named as the resource %s', async (serverUrl, resource) => {
    expect((await run({}, { serverUrl }).result).resource).toBe(resource);
  });
});

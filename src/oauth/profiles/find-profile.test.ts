import { describe, expect, test } from 'vitest';
import { findProvider, layered, profileOf } from './find-profile.ts';
import { isHostPattern, matchesHost } from './host-pattern.ts';
import { givenProfileSchema, givenProfilesSchema, issuerProfileSchema } from './issuer-profile.ts';
import { providers } from './providers.ts';

const at = (authorize: string, token = authorize) => ({
  server: { authorization_endpoint: authorize, token_endpoint: token },
});

describe('a provider is recognised', () => {
  test.each([
    ['by its issuer’s host', { issuer: 'https://github.com/login/oauth' }, 'GitHub'],
    ['by a host below one of its own', { issuer: 'https://acme.okta.com/oauth2/default' }, 'Okta'],
    ['by a host two labels below', { issuer: 'https://acme.us.auth0.com/' }, 'Auth0'],
    [
      'by the MCP server, whatever its issuer is called',
      { issuer: 'https://login.example', serverUrl: 'https://mcp.asana.com/v2/mcp' },
      'Asana',
    ],
    [
      'by its endpoints, where somebody else’s metadata names them',
      { issuer: 'https://proxy.example', ...at('https://login.microsoftonline.com/t/oauth2/v2.0/authorize') },
      'Microsoft Entra ID',
    ],
    [
      'by the path of its endpoints, where everybody runs it at home',
      {
        issuer: 'https://sso.example/realms/a',
        ...at('https://sso.example/realms/a/protocol/openid-connect/auth'),
      },
      'Keycloak',
    ],
  ])('%s', (_how, subject, name) => {
    expect(findProvider(subject)?.name).toBe(name);
  });

  test.each([
    'https://evil-okta.com',
    'https://okta.com',
    'https://acme.okta.com.evil.example',
    'https://evil.example/acme.okta.com',
    'https://evil.example?acme.okta.com',
    'https://acme.okta.com@evil.example',
    'https://.okta.com',
    'https://acme.okta.com.',
    'https://github.com.evil.example',
    'https://notgithub.com',
    'https://github.com:8443',
    'not a URL',
  ])('not as %s', (issuer) => {
    expect(findProvider({ issuer })).toBeUndefined();
  });
});

describe('what lowers security', () => {
  test('counts for the issuer alone, and not where endpoints or a server lead to its provider', () => {
    const named = profileOf('https://api.salesforce.com/mcp');
    expect(named).toMatchObject({ pkceUnadvertised: true, statedIssuers: expect.any(Array) as unknown });
    const endpoint = 'https://login.salesforce.com/services/oauth2/token';
    const reached = profileOf({ issuer: 'https://evil.example', ...at(endpoint) });
    expect(reached).not.toHaveProperty('pkceUnadvertised');
    expect(reached).not.toHaveProperty('statedIssuers');
    const served = profileOf({ issuer: 'https://evil.example', serverUrl: 'https://mcp.monday.com/mcp' });
    expect(served).not.toHaveProperty('statedIssuers');
  });

  test('counts in an operator’s table by the same rule', () => {
    const table = { 'login.example': { pkceUnadvertised: true, omitResource: true } };
    expect(profileOf('https://login.example/a', table)).toMatchObject({ pkceUnadvertised: true });
    const reached = profileOf(
      { issuer: 'https://evil.example', ...at('https://login.example/token') },
      table,
    );
    expect(reached).toEqual({ omitResource: true });
  });

  test('hangs on no path, which anybody can have', () => {
    const loose = providers.filter(({ endpointPath }) => endpointPath !== undefined);
    expect(loose.length).toBeGreaterThan(0);
    for (const { profile } of loose) {
      expect([profile.pkceUnadvertised, profile.statedIssuers]).toEqual([undefined, undefined]);
    }
  });
});

test('that a provider registers nobody does not count for one that only leads on to it', () => {
  const endpoint = 'https://accounts.google.com/o/oauth2/v2/auth';
  const proxied = profileOf({ issuer: 'https://proxy.example', ...at(endpoint) });
  expect(proxied).toMatchObject({ omitOfflineAccess: true });
  expect(proxied).not.toHaveProperty('registration');
});

describe('an operator’s profile', () => {
  const google = 'https://accounts.google.com';

  test('is laid over the built-in one field by field, and of parameters entry by entry', () => {
    const profile = profileOf(google, { [google]: { authorizeParams: { hd: 'corp.example', prompt: '' } } });
    expect(profile.authorizeParams).toEqual({ access_type: 'offline', prompt: '', hd: 'corp.example' });
    expect(profile.omitOfflineAccess).toBe(true);
  });

  test('for an issuer is on top of one for its host, and that on top of one for all hosts below', () => {
    const issuer = 'https://a.login.example/tenant';
    const profile = profileOf(issuer, {
      [issuer]: { scopeSeparator: ';' },
      'a.login.example': { scopeSeparator: '+', omitResource: true },
      '*.login.example': { scopeSeparator: ',', omitResource: false, tokenMember: 'user' },
    });
    expect(profile).toEqual({ scopeSeparator: ';', omitResource: true, tokenMember: 'user' });
  });

  test('replaces lists whole', () => {
    expect(layered({ redirectUris: ['https'] }, { redirectUris: ['loopback'] })).toEqual({
      redirectUris: ['loopback'],
    });
  });

  test('is empty for an issuer that nobody has one for', () => {
    expect(profileOf('https://login.example')).toEqual({});
  });

  test.each([
    [{ refrshScope: 'granted' }, 'refrshScope'],
    [{ refreshScope: 'all' }, 'refreshScope'],
    [{ authorizeParams: { client_id: 'x' } }, 'authorizeParams.client_id'],
    [{ authorizeParams: { resource: 'x' } }, 'authorizeParams.resource'],
    [{ tokenParams: { code_verifier: 'x' } }, 'tokenParams.code_verifier'],
    [{ refreshParams: { refresh_token: '' } }, 'refreshParams.refresh_token'],
    [{ revokeParams: { token: 'x' } }, 'revokeParams.token'],
    [{ renameParams: { state: 'session' } }, 'renameParams.state'],
    [{ renameParams: { resource: 'redirect_uri' } }, 'renameParams.resource'],
    [{ renameParams: { resource: '' } }, 'renameParams.resource'],
    [{ hints: { somewhere: 'x' } }, 'hints.somewhere'],
    [{ redirectUris: 'https' }, 'redirectUris'],
    [{ authorizeParams: { a: 1 } }, 'authorizeParams.a'],
  ])('of %j is refused, and the place is named', (profile, place) => {
    const { error } = givenProfileSchema.safeParse(profile);
    const places = error?.issues.map((issue) =>
      [...issue.path, ...(issue.code === 'unrecognized_keys' ? issue.keys : [])].join('.'),
    );
    expect(places).toEqual([place]);
  });

  test.each([
    '*',
    '*.com',
    '*.',
    'login.example/',
    'a.*.example',
    'LOGIN.example',
    'ftp://login.example',
    '',
  ])('under the name %j is refused', (name) => {
    expect(givenProfilesSchema.safeParse({ [name]: {} }).success).toBe(false);
  });

  test.each(['login.example', '*.login.example', '127.0.0.1:8080', 'localhost', 'https://login.example/a'])(
    'under the name %j is taken',
    (name) => {
      expect(givenProfilesSchema.safeParse({ [name]: {} }).success).toBe(true);
    },
  );
});

describe('the registry', () => {
  test('is JSON, and each of its profiles could be an operator’s', () => {
    expect(JSON.parse(JSON.stringify(providers))).toEqual(providers);
    for (const { name, profile } of providers) {
      expect([name, givenProfileSchema.safeParse(profile).error?.issues]).toEqual([name, undefined]);
    }
  });

  test('finds each provider by something, says how it is met, and where that was reported', () => {
    for (const { name, hosts = [], servers = [], endpointPath, met, sources } of providers) {
      const places = [...hosts, ...servers];
      expect([name, places.length > 0 || endpointPath !== undefined]).toEqual([name, true]);
      expect([name, places.filter((host) => !isHostPattern(host))]).toEqual([name, []]);
      expect([name, met.length > 0, sources.length > 0]).toEqual([name, true, true]);
    }
  });

  test('keeps what a later release has stored', () => {
    const stored = { omitResource: true, somethingNew: { a: 1 } };
    expect(issuerProfileSchema.parse(stored)).toEqual(stored);
  });
});

test('a host below another has whole labels before it', () => {
  expect(matchesHost('https://a.b.example', '*.b.example')).toBe(true);
  expect(matchesHost('https://b.example', '*.b.example')).toBe(false);
  expect(matchesHost('https://ab.example', '*.b.example')).toBe(false);
});

import { describe, expect, test } from 'vitest';
import { parseServerConfig, parseServerConfigs } from './server-config.ts';

const url = 'https://calendar.example/mcp';

function problem(config: unknown, name = 'calendar'): string {
  try {
    parseServerConfig(name, config);
  } catch (error) {
    expect(error).toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
    return (error as Error).message;
  }
  return 'none';
}

describe('a server’s configuration', () => {
  test.each([
    ['a URL alone', { url }],
    ['the old transport', { url, transport: 'sse' }],
    ['OAuth with scopes', { url, auth: { type: 'oauth', scopes: ['a'] } }],
    ['an API key', { url, auth: { type: 'api_key', key: 'k', headerName: 'X-Key' } }],
    ['no authentication', { url, auth: { type: 'none' } }],
    ['a strategy of the host’s own', { url, auth: () => ({}) }],
    ['a command', { command: 'node', args: ['x.js'], env: { A: 'b' } }],
    ['a transport of the host’s own', { connect: () => ({}) }],
  ])('may be %s', (_, config) => {
    expect(problem(config)).toBe('none');
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', url],
    ['no URL', {}],
    ['a URL that is none', { url: 'calendar.example' }],
    ['a URL of another protocol', { url: 'file:///etc/passwd' }],
    ['a script for a URL', { url: 'javascript:alert(1)' }],
    ['an empty command', { command: '' }],
    ['a command and a URL', { command: 'node', url }],
    ['a misspelt option', { url, haeders: {} }],
    ['an unknown kind of authentication', { url, auth: { type: 'basic' } }],
    ['an empty API key', { url, auth: { type: 'api_key', key: '' } }],
  ])('may not be %s', (_, config) => {
    expect(problem(config)).toContain('"calendar" is not configured right');
  });

  test.each([
    [
      'a parameter that guards the sign-in',
      { authorizeParams: { state: 'CANARY' } },
      'auth.authorizeParams.state is set by the sign-in itself',
    ],
    [
      'a misspelt field of a profile',
      { profile: { refrshScope: 'granted' } },
      'auth.profile.refrshScope is no option that is known',
    ],
    [
      'a profile’s parameter that guards',
      { profile: { tokenParams: { code: 'CANARY' } } },
      'auth.profile.tokenParams.code is set by the sign-in itself',
    ],
    [
      'a profile’s value of the wrong kind',
      { profile: { omitResource: 'yes' } },
      'auth.profile.omitResource is a text, true or false is expected',
    ],
    [
      'an exception that is no list',
      { allowIssuerMismatch: 'https://a.example' },
      'auth.allowIssuerMismatch is a text, a list is expected',
    ],
    [
      'an exception for what is no issuer',
      { allowIssuerMismatch: ['CANARY'] },
      'auth.allowIssuerMismatch.0 is a text without "https://" in front, a whole http(s) address is expected',
    ],
    [
      'an exception in words',
      { allowPrivateNetwork: 'true' },
      'auth.allowPrivateNetwork is a text, true or false is expected',
    ],
    [
      'a misspelt exception',
      { allowPkceUnadvertized: true },
      'auth.allowPkceUnadvertized is no option that is known',
    ],
  ])('names the place of %s, what is there and what is expected, and no value', (_what, more, place) => {
    const message = problem({ url, auth: { type: 'oauth', ...more } });
    expect(message).toBe(`the server "calendar" is not configured right: ${place}`);
    expect(message).not.toContain('CANARY');
  });

  test.each([
    ['url is missing, a text is expected', {}],
    ['url is empty, a whole http(s) address is expected', { url: '' }],
    ['url is a text without "https://" in front, a whole http(s) address is expected', { url: 'CANARY/mcp' }],
    [
      'url is an address that begins with "file:", a whole http(s) address is expected',
      { url: 'file:///CANARY' },
    ],
    ['url is "/mcp", a whole http(s) address is expected', { url: '/mcp' }],
    ['url is 7, a text is expected', { url: 7 }],
    ['transport is a text, "streamable-http" or "sse" is expected', { url, transport: 'CANARY' }],
    ['headers.x is no text that a header can carry', { url, headers: { x: 'CANARY\n' } }],
    ['auth.type is a text, and has none of the forms that are known', { url, auth: { type: 'CANARY' } }],
    [
      'haeders is no option that is known; reason is empty, a text is expected',
      { url, haeders: {}, reason: '' },
    ],
  ])('says that %s', (words, config) => {
    expect(problem(config).split('not configured right: ')[1]?.split('; ').toSorted()).toEqual(
      words.split('; ').toSorted(),
    );
  });

  test('that is missing or empty is said to come from a variable, perhaps, that is not set', () => {
    for (const config of [{}, { url: '' }, { url: undefined }]) {
      expect(() => parseServerConfig('calendar', config)).toThrow(
        expect.objectContaining({
          hint: expect.stringMatching(/^Is the variable or option set/u) as string,
        }) as Error,
      );
    }
  });

  test('may say every exception and a profile in JSON', () => {
    const json = `{ "url": "${url}", "auth": { "type": "oauth", "allowPkceUnadvertised": true,
      "allowIssuerMismatch": ["https://a.example"], "allowPrivateNetwork": true,
      "client": { "clientId": "c", "redirectUris": ["http://127.0.0.1/callback"] },
      "profile": { "authorizeParams": { "prompt": "" }, "renameParams": { "resource": "audience" } } } }`;
    expect(problem(JSON.parse(json))).toBe('none');
  });

  test('is refused without repeating what is in it', () => {
    const message = problem({
      url,
      auth: { type: 'api_key', key: 7, headerName: 'CANARY-1' },
      headers: { authorization: 8 },
    });
    expect(message).not.toContain('CANARY');
    expect(message).toMatch(/auth|headers/u);
  });

  test.each(['', 'x'.repeat(101)])('needs a name of 1 to 100 characters, not %j', (name) => {
    expect(problem({ url }, name)).toContain('1 to 100 characters');
  });
});

test('what was checked already is not checked again', () => {
  const checked = parseServerConfigs({ calendar: { url } });
  expect(parseServerConfigs(checked)).toBe(checked);
});

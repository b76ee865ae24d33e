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

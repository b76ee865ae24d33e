import { describe, expect, test } from 'vitest';
import { readAccountName } from './identities.ts';

describe('what a person writes as their account', () => {
  test.for([
    ['alice.test', 'alice.test'],
    ['  @Alice.Example.COM ', 'alice.example.com'],
    ['\u202A@alice.test\u202C', 'alice.test'],
    ['al-ice.xn--80ak6aa92e.com', 'al-ice.xn--80ak6aa92e.com'],
    ['did:plc:ewvi7nxzyoun6zhxrhs64oiz', 'did:plc:ewvi7nxzyoun6zhxrhs64oiz'],
    ['did:web:alice.example', 'did:web:alice.example'],
    ['https://PDS.example/path?x', 'https://pds.example'],
    ['http://localhost:2583', 'http://localhost:2583'],
  ])('%j is %j', ([given, name]) => {
    expect(readAccountName(given)).toBe(name);
  });

  test.for([undefined, '', '  ', '@', '\u200B'])('%j says nothing', (given) => {
    expect(readAccountName(given)).toBeUndefined();
  });

  test.for([
    'alice',
    'alice@example.com',
    'alice..test',
    '-alice.test',
    'alice.test/x',
    'alice.1',
    'did:plc:short',
    'did:key:zQ3sh',
    'https://',
    'javascript:alert(1)',
    `${'a.'.repeat(130)}test`,
    'аlice test.com',
  ])('%j is refused, with a word on what a handle looks like', (given) => {
    expect(() => readAccountName(given)).toThrow(
      expect.objectContaining({
        code: 'ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN',
        hint: expect.stringContaining('has a dot'),
      }),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { OAuthCredential } from '../../interaction/oauth/grant-kind.ts';
import type { CredentialRequest } from '../credential-request.ts';
import type { LoginTool } from './login-tool.ts';
import { readHandle } from './handle.ts';
import { readCommand } from './login-command.ts';

describe('a handle', () => {
  test.each([
    ['alice.example', 'alice.example', 'alice.example'],
    [' \t@Alice.Example\n', 'alice.example', 'Alice.Example'],
    ['\u202Aal@Home.example\u202C', 'al@home.example', 'al@Home.example'],
    ['@ @twice', 'twice', 'twice'],
    [
      'did:plc:z72i7hdynmk6r22z27h6tvur',
      'did:plc:z72i7hdynmk6r22z27h6tvur',
      'did:plc:z72i7hdynmk6r22z27h6tvur',
    ],
  ])('%j is %s', (given, alias, hint) => {
    expect(readHandle(given)).toEqual({ alias, hint });
  });

  test('is the same account however it is written, and its account’s name is a handle of it', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z][\w.@-]{0,40}$/u),
        fc.constantFrom('', ' ', '@', ' @ '),
        (name, before) => {
          const alias = readHandle(`${before}${name} `)?.alias;
          expect(alias).toBe(name.toLowerCase());
          expect(readHandle(alias)?.alias).toBe(alias);
          expect(readHandle(name.toUpperCase())?.alias).toBe(alias);
        },
      ),
    );
  });

  test.each(['', ' ', '@', '\u200B', undefined])('%j is none', (given) => {
    expect(readHandle(given)).toBeUndefined();
  });

  test.each(['a\u0000b', 'a\nb', 'a'.repeat(101), 'a\uD800'])('%j is refused', (given) => {
    expect(() => readHandle(given)).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_OOB_LOGIN_INVALID' }),
    );
  });
});

test.each([
  [undefined, 'login'],
  ['', 'login'],
  [' List ', 'list'],
  ['DEFAULT', 'default'],
  ['delete', 'delete'],
  ['logout', undefined],
  ['__proto__', undefined],
])('the command %j is %s', (given, command) => {
  expect(readCommand(given)).toBe(command);
});

test('what a tool asks for by an account is what its flow leads to', () => {
  type Request = Awaited<ReturnType<LoginTool<OAuthCredential>['accounts']['request']>>;
  expectTypeOf<Request>().toEqualTypeOf<CredentialRequest<OAuthCredential>>();
});

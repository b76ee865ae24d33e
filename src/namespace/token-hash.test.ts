import { describe, expect, test } from 'vitest';
import { PosternError } from '../core/postern-error.ts';
import { encrypted } from '../storage/encrypted.ts';
import { createKeyring } from '../storage/keyring.ts';
import { MemoryBackend } from '../storage/memory-backend.ts';
import type { Caller } from './namespace-provider.ts';
import { tokenHash } from './token-hash.ts';

const salt = 'a salt of 16 bytes or more';
const refused = expect.objectContaining({ code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED' });
const tokenNamespaces = tokenHash({ salt });
const idOf = async (caller: Caller, namespaces = tokenNamespaces): Promise<string> =>
  (await namespaces.resolve(caller)).id;

describe('without a subject', () => {
  test('the same token is the same namespace in every process with the salt', async () => {
    const id = await idOf({ token: 'one' });
    await expect(idOf({ token: 'one' }, tokenHash({ salt: new TextEncoder().encode(salt) }))).resolves.toBe(
      id,
    );
    expect(id).toMatch(/^token:[\w-]{43}$/u);
  });

  test('two tokens are two namespaces', async () => {
    await expect(idOf({ token: 'one' })).resolves.not.toBe(await idOf({ token: 'two' }));
  });

  test('another salt is another namespace', async () => {
    const other = tokenHash({ salt: `${salt}!` });
    await expect(idOf({ token: 'one' }, other)).resolves.not.toBe(await idOf({ token: 'one' }));
  });

  test('the token is not in what is returned', async () => {
    expect(JSON.stringify(await tokenNamespaces.resolve({ token: 'CNRY_token' }))).not.toContain('CNRY');
  });

  test.each([
    ['nothing', {}],
    ['an empty token', { token: '' }],
    ['the text of undefined', { token: 'undefined' }],
    ['the text of null', { token: 'null' }],
    ['the text of an object', { token: '[object Object]' }],
    ['its scheme before the token', { token: 'Bearer one' }],
    ['a number', { token: 7 }],
    ['an array', { token: ['one'] }],
    ['an object with a toString', { token: { toString: () => 'one' } }],
    ['17 000 characters', { token: 'c'.repeat(17_000) }],
    ['no caller at all', undefined],
  ])('a caller that sends %s is refused, and falls into no shared namespace', async (_what, caller) => {
    await expect(idOf(caller as Caller)).rejects.toEqual(refused);
  });

  test('changing the salt after the provider was made changes nothing', async () => {
    const bytes = new TextEncoder().encode(salt);
    const namespaces = tokenHash({ salt: bytes });
    bytes.fill(0);
    await expect(idOf({ token: 'one' }, namespaces)).resolves.toBe(await idOf({ token: 'one' }));
  });
});

describe('with the subject of verified claims', () => {
  test('a refreshed token is the same namespace', async () => {
    const claims = { iss: 'https://as.example', sub: 'alice' };
    const before = await idOf({ token: 'before', claims });
    await expect(idOf({ token: 'after', claims })).resolves.toBe(before);
    expect(before).toMatch(/^subject:[\w-]{43}$/u);
  });

  test('two issuers with the same subject are two namespaces', async () => {
    const [one, two] = await Promise.all(
      ['https://one.example', 'https://two.example'].map((iss) => idOf({ claims: { iss, sub: 'alice' } })),
    );
    expect(one).not.toBe(two);
  });

  test('a subject is never the namespace of a token with the same text', async () => {
    const digest = (id: string): string | undefined => id.split(':')[1];
    const bySubject = await idOf({ claims: { sub: 'same' } });
    expect(digest(bySubject)).not.toBe(digest(await idOf({ token: 'same' })));
  });

  test.each([
    ['empty', { sub: '' }],
    ['a number', { sub: 7 }],
    ['null', { sub: null }],
    ['the text of undefined', { sub: 'undefined' }],
    ['not well-formed', { sub: 'a\uD800' }],
    ['of an issuer that is no text', { sub: 'alice', iss: 7 }],
  ])('a subject that is %s is refused, and the token is not taken instead', async (_what, claims) => {
    await expect(idOf({ token: 'one', claims })).rejects.toEqual(refused);
  });
});

describe('with subjectOf', () => {
  const subjects: Readonly<Record<string, string>> = { before: 'alice', after: 'alice', bob: 'bob' };
  const subjectOf = (token: string): Promise<string | undefined> => Promise.resolve(subjects[token]);

  test('a refreshed token is the same namespace, and another subject is another', async () => {
    const namespaces = tokenHash({ salt, subjectOf });
    const before = await idOf({ token: 'before' }, namespaces);
    await expect(idOf({ token: 'after' }, namespaces)).resolves.toBe(before);
    await expect(idOf({ token: 'bob' }, namespaces)).resolves.not.toBe(before);
  });

  test('a token that has no subject is its own namespace', async () => {
    await expect(idOf({ token: 'machine' }, tokenHash({ salt, subjectOf }))).resolves.toBe(
      await idOf({ token: 'machine' }),
    );
  });

  test('a subject that cannot be told just now is an error, not the namespace of the token', async () => {
    const fail = (): never => {
      throw new PosternError('ERR_POSTERN_OAUTH_UNREACHABLE', 'down');
    };
    for (const broken of [fail, async () => fail()]) {
      await expect(idOf({ token: 'before' }, tokenHash({ salt, subjectOf: broken }))).rejects.toMatchObject({
        code: 'ERR_POSTERN_NAMESPACE_UNVERIFIED',
        hint: 'Try again in a moment.',
        cause: { code: 'ERR_POSTERN_OAUTH_UNREACHABLE' },
      });
    }
  });

  test('an empty subject is refused', async () => {
    const namespaces = tokenHash({ salt, subjectOf: () => Promise.resolve('') });
    await expect(idOf({ token: 'before' }, namespaces)).rejects.toEqual(refused);
  });

  test('is asked once about a token, by whichever process sees it first, where there is a storage', async () => {
    const asked: string[] = [];
    const storage = new MemoryBackend();
    const counted = (token: string): Promise<string | undefined> => {
      asked.push(token);
      return subjectOf(token);
    };
    const first = await idOf({ token: 'before' }, tokenHash({ salt, storage, subjectOf: counted }));
    const down = (): Promise<never> => Promise.reject(new Error('down'));
    await expect(idOf({ token: 'before' }, tokenHash({ salt, storage, subjectOf: down }))).resolves.toBe(
      first,
    );
    expect(asked).toEqual(['before']);
  });

  test('is asked again a day later', async () => {
    let nowMs = 1_000;
    let asked = 0;
    const clock = (): number => nowMs;
    const storage = new MemoryBackend({ clock });
    const counted = (token: string): Promise<string | undefined> => {
      asked++;
      return subjectOf(token);
    };
    const namespaces = tokenHash({ salt, storage, clock, subjectOf: counted });
    await idOf({ token: 'before' }, namespaces);
    nowMs += 24 * 60 * 60_000;
    await idOf({ token: 'before' }, namespaces);
    expect(asked).toBe(2);
  });

  test('is remembered by the clock of the storage, though that of the process is two days behind', async () => {
    let asked = 0;
    const counted = async (): Promise<string> => `alice ${asked++}`;
    const clock = (): number => Date.now() - 48 * 3_600_000;
    const namespaces = tokenHash({ salt, storage: new MemoryBackend(), clock, subjectOf: counted });
    const first = await idOf({ token: 'same' }, namespaces);
    await expect(idOf({ token: 'same' }, namespaces)).resolves.toBe(first);
    expect(asked).toBe(1);
  });

  test('is asked for once more where it is sealed with a key that is lost', async () => {
    const raw = new MemoryBackend();
    const under = (id: string, fill: number) =>
      encrypted(raw, createKeyring([{ id, key: new Uint8Array(32).fill(fill) }]));
    let asked = 0;
    const alice = async (): Promise<string> => {
      asked++;
      return 'alice';
    };
    const first = await idOf(
      { token: 'same' },
      tokenHash({ salt, storage: under('before', 1), subjectOf: alice }),
    );
    const after = tokenHash({ salt, storage: under('after', 2), subjectOf: alice });
    expect([await idOf({ token: 'same' }, after), await idOf({ token: 'same' }, after)]).toEqual([
      first,
      first,
    ]);
    expect(asked).toBe(2);
  });

  test('leaves neither token nor subject in the storage, and nothing about a token without a subject', async () => {
    const commits: unknown[] = [];
    const storage = new MemoryBackend();
    const commit = storage.commit.bind(storage);
    storage.commit = (changes) => {
      commits.push(
        changes.map((change) => ({
          ...change,
          ...('value' in change && { value: new TextDecoder().decode(change.value) }),
        })),
      );
      return commit(changes);
    };
    const told = (token: string): Promise<string | undefined> =>
      Promise.resolve(token === 'CNRY_token' ? 'CNRY_subject' : undefined);
    const namespaces = tokenHash({ salt, storage, subjectOf: told });
    await idOf({ token: 'CNRY_token' }, namespaces);
    await idOf({ token: 'CNRY_machine' }, namespaces);
    expect(commits).toHaveLength(1);
    expect(JSON.stringify(commits)).not.toContain('CNRY');
  });
});

test.each([
  ['no salt', undefined],
  ['an empty salt', ''],
  ['15 bytes', new Uint8Array(15)],
  ['a number', 16],
  ['an array', Array.from({ length: 16 }, () => 1)],
])('%s is refused when the provider is made', (_what, wrong) => {
  expect(() => tokenHash({ salt: wrong as string })).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});

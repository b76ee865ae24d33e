import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { namespacePath, type NamespacePathOptions } from './namespace-path.ts';
import { createNamespace, type Namespace } from './namespace.ts';

const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu;
const pathOf = async (id: string, options?: NamespacePathOptions): Promise<string> =>
  (await namespacePath(createNamespace('user', id), options)).join('/');

/** What every file system must be able to take, whatever the id was. */
function expectHarmless(segments: readonly string[]): void {
  for (const segment of segments) {
    expect(segment).toMatch(/^[a-z\d](?:[a-z\d-]*[a-z\d])?$/u);
    expect(segment).not.toMatch(reserved);
    expect(segment.length).toBeLessThanOrEqual(105);
  }
}

describe('namespacePath', () => {
  test('is two levels of shards, then a readable name that ends in the whole hash', async () => {
    const [one, two, name, ...rest] = await namespacePath(createNamespace('user', 'Alice@example.com'));
    expect(rest).toEqual([]);
    expect(name).toMatch(/^user-alice-example-com-[\da-f]{64}$/u);
    expect(name).toContain(`-${one}${two}`);
    expect(`${one}/${two}`).toMatch(/^[\da-f]{2}\/[\da-f]{2}$/u);
  });

  test('stays what it is: files of earlier releases are found again', async () => {
    await expect(pathOf('alice')).resolves.toMatchInlineSnapshot(
      `"da/bd/user-alice-dabd1db8d35ab13106274f61f1bf977812cce4f477b15014cf38fb796c50a4c4"`,
    );
  });

  test.each([
    '../../etc/passwd',
    '..\\..',
    '/abs',
    'C:\\x',
    'CON',
    'con.txt',
    'nul',
    'COM1',
    'a\u0000b',
    '.',
    '..',
    '~',
    '-rf',
    '語',
    '🙂',
    'e\u0301',
    'é',
    ' ',
    'x\n',
    '\u202Eexe',
    '__proto__',
    '%2e%2e%2f',
    'a'.repeat(300),
  ])('leads nowhere else for the id %j', async (id) => {
    expectHarmless(await namespacePath(createNamespace('user', id)));
  });

  test.each(['CON', 'NUL', '..', '/', '', '語'])('leads nowhere else for the kind %j', async (kind) => {
    expectHarmless(await namespacePath({ kind, id: 'x', partition: `${kind}:x` }));
    expectHarmless(await namespacePath({ kind, id: kind, partition: `${kind}:${kind}` }, { levels: 0 }));
  });

  test('hashes an id of 5 kB that was never meant to be one', async () => {
    const id = '../'.repeat(1_700);
    expectHarmless(await namespacePath({ kind: 'user', id, partition: `user:${id}` }));
  });

  test.each([
    ['A', 'a'],
    ['é', 'e\u0301'],
    ['ß', 'ss'],
    ['K', '\u212A'],
    ['a/b', 'a:b'],
    ['a b', 'a-b'],
    ['user:a', 'user:a:b'],
    ['::a', 'a'],
    [`${'a'.repeat(200)}b`, `${'a'.repeat(200)}c`],
  ])('tells %j from %j, even where upper and lower case are one', async (one, other) => {
    const [first, second] = [await pathOf(one), await pathOf(other)];
    expect(first.toLowerCase()).not.toBe(second.toLowerCase());
    expect(first.normalize('NFD')).not.toBe(second.normalize('NFD'));
  });

  test('is the same for two namespaces only if they are the same, in any case and form', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    const hostile = fc.constantFrom('..', '/', '\\', 'CON', 'con', '\u0000', 'A', 'a', ':', '%', '.', ' ');
    const part = fc.oneof(
      text,
      fc.array(hostile, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')),
    );
    const principal = fc.tuple(part, part);
    await fc.assert(
      fc.asyncProperty(principal, principal, async ([kind, id], [otherKind, otherId]) => {
        fc.pre(![id, otherId].some((each) => ['undefined', 'null', 'NaN', '[object Object]'].includes(each)));
        const one: Namespace = createNamespace(kind, id);
        const other: Namespace = createNamespace(otherKind, otherId);
        const [first, second] = [await namespacePath(one), await namespacePath(other)];
        expectHarmless(first);
        const folded = (segments: readonly string[]): string =>
          segments.join('/').toLowerCase().normalize('NFKD');
        expect(folded(first) === folded(second)).toBe(kind === otherKind && id === otherId);
      }),
      { numRuns: 1_000 },
    );
  });

  test('spreads a thousand namespaces over most of 256 directories', async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `user-${n}`);
    const first = await Promise.all(ids.map(async (id) => (await pathOf(id, { levels: 1 })).split('/')[0]));
    expect(new Set(first).size).toBeGreaterThan(230);
  });

  test('takes as many shards as it is told, none among them', async () => {
    await expect(pathOf('alice', { levels: 0 })).resolves.not.toContain('/');
    expect((await pathOf('alice', { levels: 8, width: 8 })).split('/')).toHaveLength(9);
    expect((await pathOf('alice', { levels: 3, width: 1 })).split('/').map((one) => one.length)).toEqual([
      1, 1, 1, 75,
    ]);
  });

  test.each([
    { levels: -1 },
    { levels: 9 },
    { levels: 1.5 },
    { levels: Number.NaN },
    { width: 0 },
    { width: 9 },
  ])('refuses %j', async (options) => {
    await expect(pathOf('alice', options)).rejects.toThrow(RangeError);
  });
});

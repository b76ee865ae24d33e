import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryBackend } from '../storage/memory-backend.ts';
import { createNamespace, namespaceOf, storageOf } from './namespace.ts';

const refused = { code: 'ERR_POSTERN_NAMESPACE_INVALID' };

describe('createNamespace', () => {
  test('names a partition a person can read', () => {
    expect(createNamespace('client', 'user:alice')).toEqual({
      kind: 'client',
      id: 'user:alice',
      partition: 'client:user%3Aalice',
    });
  });

  test.each([
    ['an empty id', ''],
    ['undefined', undefined],
    ['null', null],
    ['the text of undefined', 'undefined'],
    ['the text of null', 'null'],
    ['the text of an object', '[object Object]'],
    ['a number', 7],
    ['an array', ['alice']],
    ['an object with a toString', { toString: () => 'alice' }],
    ['a lone surrogate', 'a\uD800'],
    ['301 characters', 'a'.repeat(301)],
    ['300 characters that no store takes once they are encoded', '語'.repeat(300)],
  ])('refuses %s', (_name, id) => {
    expect(() => createNamespace('client', id as string)).toThrow(expect.objectContaining(refused));
  });

  test('does not repeat a refused id in its message', () => {
    const id = `CNRY_${'x'.repeat(400)}`;
    expect(() => createNamespace('client', id)).not.toThrow('CNRY_');
    expect(() => createNamespace('client', id)).toThrow('client id');
  });

  test.each([
    '*',
    '?',
    '[ab]*',
    '\\*',
    '{tag}',
    '%',
    '_',
    "' OR 1=1--",
    '$gt',
    '../../etc/passwd',
    '..\\..',
    '/abs',
    'C:\\x',
    'CON',
    'a\u0000b',
    '.',
    '..',
    '::a',
    'a/b',
    'a?x',
    'x\n{"level":"info"}',
    '\u001B[31m',
    '__proto__',
  ])('takes %j literally, as printable ASCII that means nothing to a store', (id) => {
    const namespace = createNamespace('client', id);
    expect(namespace.partition).toMatch(/^client:[\w.%-]+$/u);
    expect(namespaceOf(namespace.partition)).toEqual(namespace);
  });

  test('gives two principals the same partition only if they are the same', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(part, part, part, part, (kind, id, otherKind, otherId) => {
        fc.pre(![id, otherId].some((text) => ['undefined', 'null', 'NaN', '[object Object]'].includes(text)));
        const same = kind === otherKind && id === otherId;
        expect(createNamespace(kind, id).partition === createNamespace(otherKind, otherId).partition).toBe(
          same,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['user:a', 'user:a:b'],
    ['al', 'alice'],
    ['a/b', 'a:b'],
    ['a?x', 'a?y'],
    ['::a', 'a'],
    ['user%3Aa', 'user:a'],
    ['*', 'alice'],
  ])('keeps %s apart from %s in reading, listing and clearing', async (one, other) => {
    const store = new MemoryBackend();
    const [first, second] = [one, other].map((id) => storageOf(store, createNamespace('client', id)));
    for (const storage of [first!, second!]) {
      await storage.commit([
        { put: storage.key(['a', 'b']), value: new TextEncoder().encode(storage.prefix[0]) },
      ]);
    }
    await expect(first!.list()).resolves.toHaveLength(1);
    await expect(first!.clear()).resolves.toBe(1);
    await expect(first!.get('a', 'b')).resolves.toBeUndefined();
    const left = await second!.get('a', 'b');
    expect(new TextDecoder().decode(left?.value)).toBe(second!.prefix[0]);
  });
});

describe('namespaceOf', () => {
  test.each(['resume', '', 'a:b:c', 'client:', 'client:undefined'])(
    'refuses the partition %j',
    (partition) => {
      expect(() => namespaceOf(partition)).toThrow(expect.objectContaining(refused));
    },
  );
});

describe('storageOf', () => {
  test('refuses a change of another namespace, by a promise like every other failure', async () => {
    const store = new MemoryBackend();
    const [alice, bob] = ['alice', 'bob'].map((id) => storageOf(store, createNamespace('client', id)));
    await expect(alice!.commit([{ delete: bob!.key(['a']) }])).rejects.toThrow(TypeError);
  });
});

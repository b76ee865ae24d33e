import type { Key, StorageBackend } from '../contract.ts';
import { encodePath } from '../keys.ts';
import { check, checkEqual, checkRejects, ConformanceError } from './check.ts';
import { defineCase, freshPartition, type ConformanceCase } from './conformance-case.ts';
import { bytes, put, textOf } from './subject-access.ts';

/** Segments that mean something to one store or another, and must not. */
export const hostileSegments: readonly string[] = [
  '*',
  '**',
  '?',
  '%',
  '%%',
  '_',
  '.',
  '..',
  '../..',
  '/',
  '\\',
  '\\*',
  '[ab]*',
  '{tag}',
  '}',
  '^',
  '$',
  '$gt',
  '#',
  '&',
  "' OR 1=1--",
  '"',
  '`',
  ';',
  ',',
  '|',
  '~',
  '!',
  '(',
  ')',
  '+',
  '-',
  '=',
  '@',
  '<b>',
  ' ',
  '  ',
  '\t',
  '\n',
  '\r\n',
  '\0',
  'a\0b',
  ':',
  '::',
  'a:b',
  'a',
  'b',
  'ab',
  'A',
  'al',
  'alice',
  'user:a',
  'user:a:b',
  '%3A',
  'a%3Ab',
  '%00',
  'null',
  'undefined',
  '__proto__',
  'constructor',
  '0',
  '00',
  '1',
  '10',
  '2',
  'é',
  'e\u0301',
  'ß',
  'İ',
  '漢字',
  'ไทย',
  '😀',
  '😀😀',
  '\u{10FFFF}',
  '\uFFFD',
  '\uFEFF',
  '\u202E',
  'CON',
  'absent',
];

function pathsOf(entries: readonly { readonly key: Key }[]): string[][] {
  return entries.map((entry) => entry.key.slice(1));
}

function byEncoding(a: readonly string[], b: readonly string[]): number {
  return encodePath(a) < encodePath(b) ? -1 : 1;
}

function inOrder(paths: readonly (readonly string[])[]): string[][] {
  return paths.map((path) => [...path]).toSorted(byEncoding);
}

async function putAll(
  store: StorageBackend,
  partition: string,
  paths: readonly (readonly string[])[],
): Promise<void> {
  for (let start = 0; start < paths.length; start += 50) {
    await store.commit(
      paths.slice(start, start + 50).map((path) => ({
        put: [partition, ...path] as const,
        value: bytes(JSON.stringify(path)),
      })),
    );
  }
}

export const listCases: readonly ConformanceCase[] = [
  defineCase('a listing holds what lies under the prefix, in the order of encoded paths', async (context) => {
    const { store, other, partition, key } = context;
    const paths = [
      ['b'],
      ['a', 'z'],
      ['a'],
      ['a', 'b', 'c'],
      ['a', 'B'],
      ['a', '10'],
      ['a', '9'],
      ['a', 'é'],
      ['a-b'],
      ['a0'],
    ];
    await putAll(store, partition, paths);
    checkEqual(pathsOf(await other.list(key())), inOrder(paths), 'the whole partition');
    const underA = inOrder(paths.filter(([first, ...rest]) => first === 'a' && rest.length > 0));
    checkEqual(pathsOf(await other.list(key('a'))), underA, 'under a');
    checkEqual(pathsOf(await other.list(key('a', 'b'))), [['a', 'b', 'c']], 'under a, b');
    checkEqual(await other.list(key('b')), [], 'the entry at the prefix is not under it');
  }),

  defineCase('a listing holds whole entries', async ({ store, key, now }) => {
    const expiresAtMs = Math.round(now()) + 3_600_000;
    const version = await put(store, key('a', 'b'), 'value', { expiresAtMs });
    checkEqual(await store.list(key('a')), [await store.get(key('a', 'b'))], 'the same as get');
    checkEqual(
      await store.list(key('a')),
      [{ key: key('a', 'b'), value: bytes('value'), version, expiresAtMs }],
      'key, value, version and expiry',
    );
  }),

  defineCase('a prefix ends at the end of a segment', async ({ store, partition, key }) => {
    await putAll(store, partition, [
      ['al', 'x'],
      ['alice', 'x'],
      ['a:b', 'c'],
      ['a', 'b:c'],
      ['a', 'b', 'c'],
      ['user:a', 'x'],
      ['user:a:b', 'x'],
    ]);
    checkEqual(pathsOf(await store.list(key('al'))), [['al', 'x']], 'al, not alice');
    checkEqual(pathsOf(await store.list(key('a:b'))), [['a:b', 'c']], 'a:b, not a and b');
    checkEqual(pathsOf(await store.list(key('a', 'b'))), [['a', 'b', 'c']], 'a and b, not a:b');
    checkEqual(
      pathsOf(await store.list(key('a'))),
      inOrder([
        ['a', 'b:c'],
        ['a', 'b', 'c'],
      ]),
      'a',
    );
    checkEqual(pathsOf(await store.list(key('user:a'))), [['user:a', 'x']], 'user:a, not user:a:b');
  }),

  defineCase('every segment is taken literally', async ({ store, other, partition, key }) => {
    const paths = hostileSegments.flatMap((segment) => [[segment], [segment, 'below'], ['below', segment]]);
    await putAll(store, partition, paths);
    for (const path of paths) {
      const value = textOf((await other.get(key(...path)))?.value);
      checkEqual(value, JSON.stringify(path), `get ${JSON.stringify(path)}`);
    }
    for (const segment of hostileSegments) {
      checkEqual(
        pathsOf(await other.list(key(segment))),
        [[segment, 'below']],
        `list ${JSON.stringify(segment)}`,
      );
    }
    checkEqual(pathsOf(await other.list(key(), { limit: 1_000 })), inOrder(paths), 'the whole partition');
    await store.commit([{ delete: key('*') }, { delete: key('%') }, { delete: key('_', 'below') }]);
    const left = paths.filter((path) => !['["*"]', '["%"]', '["_","below"]'].includes(JSON.stringify(path)));
    checkEqual(
      pathsOf(await other.list(key(), { limit: 1_000 })),
      inOrder(left),
      'a delete hits only its own key',
    );
  }),

  defineCase('partitions are apart, whatever they are called', async ({ store, other }) => {
    const run = freshPartition();
    const partitions = [
      run,
      ...hostileSegments.map((segment) => `${run}${segment}`),
      ...hostileSegments.map((segment) => `${segment}${run}`),
    ];
    for (const partition of partitions) {
      await store.commit([
        { put: [partition, 'a'], value: bytes(partition) },
        { put: [partition, 'a', 'b'], value: bytes(partition) },
      ]);
    }
    for (const partition of partitions) {
      const fact = JSON.stringify(partition);
      checkEqual(textOf((await other.get([partition, 'a']))?.value), partition, `get in ${fact}`);
      const listed = (await other.list([partition])).map((entry) => [...entry.key, textOf(entry.value)]);
      checkEqual(
        listed,
        [
          [partition, 'a', partition],
          [partition, 'a', 'b', partition],
        ],
        `list of ${fact}`,
      );
    }
    await store.commit([{ delete: [run, 'a'] }, { delete: [run, 'a', 'b'] }]);
    checkEqual(await other.list([run]), [], 'the cleared partition');
    for (const partition of partitions.slice(1)) {
      checkEqual((await other.list([partition])).length, 2, `${JSON.stringify(partition)} is left alone`);
    }
  }),

  defineCase(
    'every partition that holds something is named, whatever it is called, a page at a time',
    async ({ store, other }) => {
      // What cannot be found out is left out.
      if (store.partitions === undefined) return;
      const run = freshPartition();
      const held = [
        ...Array.from({ length: 60 }, (_, index) => `${run}${index}`),
        ...hostileSegments.map((segment) => `${segment}${run}`),
        // Longer than a key of some stores may be, once it is encoded.
        `${run}${'漢'.repeat(400)}`,
      ];
      // Two entries each: a partition is named, and not its entries.
      for (let at = 0; at < held.length; at += 20) {
        await Promise.all(
          held.slice(at, at + 20).map((partition) =>
            store.commit([
              { put: [partition, 'a'], value: bytes('') },
              { put: [partition, 'b'], value: bytes('') },
            ]),
          ),
        );
      }
      const named = new Set<string>();
      let pages = 0;
      for (let after: string | undefined; ;) {
        const page = await other.partitions!({ after, limit: 100 });
        check(page.partitions.length <= 1_000, 'a page is bounded');
        for (const partition of page.partitions) named.add(partition);
        pages++;
        if (page.next === undefined) break;
        check(page.next !== after, 'each page goes on where the one before it ended');
        after = page.next;
      }
      check(pages > 1, 'a page of 100 does not hold all');
      checkEqual(
        held.filter((partition) => !named.has(partition)),
        [],
        'partitions that are not named',
      );
      for (const partition of named) {
        if (!partition.includes(run) || held.includes(partition)) continue;
        throw new ConformanceError(`a partition is named that there is not: ${JSON.stringify(partition)}`);
      }
      for (const limit of [0, 1_001, 1.5]) {
        await checkRejects(store.partitions({ limit }), 'TypeError', `limit ${limit}`);
      }
    },
  ),

  defineCase('pages begin and end where they are asked to', async ({ store, partition, key }) => {
    const paths = Array.from({ length: 12 }, (_, index) => ['p', String(index).padStart(2, '0')]);
    await putAll(store, partition, [...paths, ['o'], ['q'], ['pp', 'x']]);
    for (const limit of [0, 1, 5, 11, 12, 13]) {
      checkEqual(pathsOf(await store.list(key('p'), { limit })), paths.slice(0, limit), `limit ${limit}`);
    }
    for (const limit of [1, 5, 12]) {
      const walked: string[][] = [];
      for (let after: Key | undefined; walked.length <= paths.length;) {
        const page = await store.list(key('p'), { limit, after });
        check(page.length <= limit, 'a page is no longer than its limit');
        if (page.length === 0) break;
        walked.push(...pathsOf(page));
        after = page.at(-1)!.key;
      }
      checkEqual(walked, paths, `pages of ${limit}`);
    }
    checkEqual(pathsOf(await store.list(key('p'), { after: key('p', '11') })), [], 'after the last');
    checkEqual(
      pathsOf(await store.list(key('p'), { after: key('p', '055') })),
      paths.slice(6),
      'after a missing key',
    );
    checkEqual(
      pathsOf(await store.list(key('p'), { after: key('a') })),
      paths,
      'after a key before the prefix',
    );
    checkEqual(pathsOf(await store.list(key('p'), { after: key('z') })), [], 'after a key behind the prefix');
  }),

  defineCase(
    'a page has 100 entries unless it is told otherwise, and at most 1,000',
    async ({ store, partition, key }) => {
      const paths = Array.from({ length: 1_001 }, (_, index) => [String(index).padStart(4, '0')]);
      await putAll(store, partition, paths);
      checkEqual(pathsOf(await store.list(key())), paths.slice(0, 100), 'no limit');
      checkEqual(pathsOf(await store.list(key(), { limit: 1_000 })), paths.slice(0, 1_000), 'limit 1,000');
      for (const limit of [1_001, -1, 1.5, Number.NaN]) {
        await checkRejects(store.list(key(), { limit }), 'TypeError', `limit ${limit}`);
      }
      await checkRejects(
        store.list(key(), { after: [freshPartition(), 'a'] }),
        'TypeError',
        'after in another partition',
      );
    },
  ),

  defineCase(
    'a listing may be cleared page by page while it is read',
    async ({ store, other, partition, key }) => {
      await putAll(
        store,
        partition,
        Array.from({ length: 250 }, (_, index) => ['x', `${index}`]),
      );
      await put(store, key('y'), 'kept');
      for (;;) {
        const page = await store.list(key('x'), { limit: 100 });
        if (page.length === 0) break;
        await store.commit(page.map((entry) => ({ delete: entry.key })));
      }
      checkEqual(pathsOf(await other.list(key())), [['y']], 'what is left');
    },
  ),
];

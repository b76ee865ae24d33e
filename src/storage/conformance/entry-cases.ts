import { absent, type Change } from '../contract.ts';
import { check, checkEqual, checkRejects } from './check.ts';
import { defineCase, freshPartition, type ConformanceCase } from './conformance-case.ts';
import { bytes, put, versionOf } from './subject-access.ts';

const impossible = 'a version that no store ever gave';

export const entryCases: readonly ConformanceCase[] = [
  defineCase(
    'an entry that was put is read back whole, also by another handle',
    async ({ store, other, key, now }) => {
      const expiresAtMs = Math.round(now()) + 3_600_000;
      const [version] = (await store.commit([{ put: key('a', 'b'), value: bytes('one'), expiresAtMs }])) ?? [
        undefined,
      ];
      check(typeof version === 'string' && version !== '' && version !== absent, 'a put returns its version');
      const expected = { key: key('a', 'b'), value: bytes('one'), version, expiresAtMs };
      checkEqual(await store.get(key('a', 'b')), expected, 'the writer reads the entry');
      checkEqual(await other.get(key('a', 'b')), expected, 'another handle reads the entry');
    },
  ),

  defineCase('what was never put is undefined', async ({ store, key }) => {
    checkEqual(await store.get(key('nothing')), undefined, 'get');
    checkEqual(await store.list(key('nothing')), [], 'list');
    checkEqual(await store.list(key()), [], 'list of the whole partition');
  }),

  defineCase('a second put replaces value, version and expiry', async ({ store, key, now }) => {
    const first = await put(store, key('a'), 'one', { expiresAtMs: Math.round(now()) + 3_600_000 });
    const second = await put(store, key('a'), 'two');
    check(first !== second, 'the version changes');
    checkEqual(
      await store.get(key('a')),
      { key: key('a'), value: bytes('two'), version: second },
      'the entry',
    );
  }),

  defineCase('putting the same value again makes a new version', async ({ store, key }) => {
    const first = await put(store, key('a'), 'same');
    check(first !== (await put(store, key('a'), 'same')), 'the version changes');
  }),

  defineCase('a put that expects absence fails on a live entry', async ({ store, other, key }) => {
    const version = await put(store, key('a'), 'one', { expect: absent });
    check(version !== undefined, 'the first one succeeds');
    checkEqual(await put(other, key('a'), 'two', { expect: absent }), undefined, 'the second one');
    checkEqual(await versionOf(store, key('a')), version, 'the version afterwards');
  }),

  defineCase('a put that expects a version fails on any other', async ({ store, other, key }) => {
    const first = await put(store, key('a'), 'one');
    const second = await put(other, key('a'), 'two', { expect: first });
    check(second !== undefined, 'the version it has is accepted');
    checkEqual(await put(store, key('a'), 'three', { expect: first }), undefined, 'the version before');
    checkEqual(await put(store, key('a'), 'three', { expect: impossible }), undefined, 'an unknown version');
    checkEqual(await put(store, key('a'), 'three', { expect: '' }), undefined, 'an empty version');
    checkEqual((await store.get(key('a')))?.value, bytes('two'), 'the value afterwards');
  }),

  defineCase('a put that expects a version fails on a missing entry', async ({ store, key }) => {
    checkEqual(await put(store, key('a'), 'one', { expect: impossible }), undefined, 'the put');
    checkEqual(await store.get(key('a')), undefined, 'the entry afterwards');
  }),

  defineCase('a delete obeys its expectation', async ({ store, key }) => {
    const first = await put(store, key('a'), 'one');
    const second = await put(store, key('a'), 'two');
    checkEqual(await store.commit([{ delete: key('a'), expect: first }]), undefined, 'an old version');
    checkEqual(
      await store.commit([{ delete: key('a'), expect: absent }]),
      undefined,
      'absence, of a live entry',
    );
    check((await store.get(key('a'))) !== undefined, 'the entry is still there');
    checkEqual(await store.commit([{ delete: key('a'), expect: second }]), [''], 'its version');
    checkEqual(await store.get(key('a')), undefined, 'the entry afterwards');
    checkEqual(
      await store.commit([{ delete: key('a'), expect: second }]),
      undefined,
      'its version, once deleted',
    );
    checkEqual(
      await store.commit([{ delete: key('a'), expect: absent }]),
      [''],
      'absence, of a missing entry',
    );
    checkEqual(await store.commit([{ delete: key('a') }]), [''], 'no expectation, of a missing entry');
  }),

  defineCase(
    'versions never return, however often a key is deleted and made again',
    async ({ store, other, key }) => {
      const seen = new Set<string>();
      for (let round = 0; round < 50; round++) {
        const version = await put(round % 2 ? store : other, key('a'), 'same', { expect: absent });
        check(version !== undefined && !seen.has(version), `version ${round} is new`);
        seen.add(version);
        await store.commit([{ delete: key('a'), expect: version }]);
      }
      await put(store, key('a'), 'same');
      for (const version of seen) {
        checkEqual(await store.commit([{ delete: key('a'), expect: version }]), undefined, 'a stale holder');
      }
    },
  ),

  defineCase(
    'a commit of many changes is applied whole, with a version for each',
    async ({ store, other, key }) => {
      await put(store, key('gone'), 'old');
      const changes: Change[] = Array.from({ length: 99 }, (_, index) => ({
        put: key('item', String(index)),
        value: bytes(`value ${index}`),
        expect: absent,
      }));
      const versions = await store.commit([...changes, { delete: key('gone') }]);
      check(versions?.length === 100, 'as many versions as changes');
      checkEqual(versions[99], '', 'the version of a delete');
      for (const index of [0, 50, 98]) {
        const entry = await other.get(key('item', String(index)));
        checkEqual(entry?.version, versions[index], `the version of item ${index}`);
        checkEqual(entry?.value, bytes(`value ${index}`), `the value of item ${index}`);
      }
      checkEqual(await other.get(key('gone')), undefined, 'the deleted entry');
    },
  ),

  defineCase(
    'one failed expectation undoes the whole commit, wherever it stands',
    async ({ store, other, key }) => {
      const kept = await put(store, key('kept'), 'old');
      const changes: Change[] = [
        { put: key('new'), value: bytes('new'), expect: absent },
        { put: key('kept'), value: bytes('changed'), expect: kept },
        { delete: key('kept too') },
      ];
      const keptToo = await put(store, key('kept too'), 'old');
      for (let at = 0; at <= changes.length; at++) {
        const failing: Change = { put: key('missing'), value: bytes('x'), expect: impossible };
        checkEqual(await store.commit(changes.toSpliced(at, 0, failing)), undefined, `failing at ${at}`);
        checkEqual(await other.get(key('new')), undefined, 'nothing was put');
        checkEqual(await versionOf(other, key('kept')), kept, 'nothing was changed');
        checkEqual(await versionOf(other, key('kept too')), keptToo, 'nothing was deleted');
      }
      check((await store.commit(changes)) !== undefined, 'without the failing change it is applied');
    },
  ),

  defineCase('a failed commit beside others in flight undoes nothing of theirs', async ({ store, key }) => {
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        store.commit([
          { put: key('good', String(index)), value: bytes('x') },
          { put: key('gate', String(index)), value: bytes('x'), expect: index % 2 ? impossible : absent },
        ]),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      checkEqual(outcome !== undefined, index % 2 === 0, `commit ${index}`);
      const entry = await store.get(key('good', String(index)));
      checkEqual(entry !== undefined, index % 2 === 0, `the entry of commit ${index}`);
    }
  }),

  defineCase('an empty commit changes nothing and succeeds', async ({ store }) => {
    checkEqual(await store.commit([]), [], 'the versions');
  }),

  defineCase('a commit that names one key twice is refused', async ({ store, key }) => {
    const change: Change = { put: key('a'), value: bytes('x') };
    await checkRejects(store.commit([change, change]), 'TypeError', 'two puts');
    await checkRejects(store.commit([change, { delete: key('a') }]), 'TypeError', 'a put and a delete');
    checkEqual(await store.get(key('a')), undefined, 'the entry');
  }),

  defineCase('a commit across two partitions is refused', async ({ store, key }) => {
    const elsewhere = freshPartition();
    await checkRejects(
      store.commit([
        { put: key('a'), value: bytes('x') },
        { put: [elsewhere, 'b'], value: bytes('x') },
      ]),
      'TypeError',
      'the commit',
    );
    checkEqual(await store.get(key('a')), undefined, 'the entry of the first partition');
    checkEqual(await store.get([elsewhere, 'b']), undefined, 'the entry of the second partition');
  }),

  defineCase('keys that name nothing are refused', async ({ store, partition, key }) => {
    const wrong: readonly (readonly [string, ...string[]])[] = [
      [partition],
      ['', 'a'],
      key(''),
      key('a', ''),
      key('\uD800'),
      key('x'.repeat(2_000)),
      key(undefined as unknown as string),
    ];
    for (const bad of wrong) {
      const code = 'ERR_POSTERN_STORAGE_KEY_INVALID';
      const fact = JSON.stringify(bad).slice(0, 60);
      await checkRejects(store.get(bad), code, `get ${fact}`);
      await checkRejects(store.commit([{ put: bad, value: bytes('x') }]), code, `put ${fact}`);
      await checkRejects(store.commit([{ delete: bad }]), code, `delete ${fact}`);
    }
  }),
];

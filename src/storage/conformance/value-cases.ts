import { check, checkEqual, checkRejects } from './check.ts';
import { defineCase, type ConformanceCase } from './conformance-case.ts';

function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

export const valueCases: readonly ConformanceCase[] = [
  defineCase('values come back byte for byte', async ({ store, other, key }) => {
    const values: Record<string, Uint8Array> = {
      empty: new Uint8Array(0),
      nul: Uint8Array.of(0),
      nuls: Uint8Array.of(0, 0, 65, 0, 0),
      'all bytes': patterned(256),
      'invalid UTF-8': Uint8Array.of(0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80),
      'byte order mark': Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
      'line ends': Uint8Array.of(13, 10, 10, 13, 26),
      '64 KiB': patterned(65_536),
    };
    for (const [name, value] of Object.entries(values)) {
      await store.commit([{ put: key(name), value }]);
      const found = (await other.get(key(name)))?.value;
      check(found instanceof Uint8Array, `${name}: a value is a Uint8Array`);
      checkEqual(found, value, `${name}: get`);
    }
    for (const entry of await other.list(key())) {
      checkEqual(entry.value, values[entry.key[1]!], `${entry.key[1]}: list`);
    }
  }),

  defineCase('a view of a larger buffer stores only what it shows', async ({ store, key }) => {
    const buffer = patterned(100);
    await store.commit([{ put: key('a'), value: buffer.subarray(10, 20) }]);
    checkEqual((await store.get(key('a')))?.value, buffer.slice(10, 20), 'the value');
  }),

  defineCase('a store keeps its own copy of a value, and hands out another', async ({ store, key }) => {
    const value = patterned(1_000);
    const committed = store.commit([{ put: key('a'), value }]);
    value.fill(0);
    await committed;
    const first = (await store.get(key('a')))?.value;
    checkEqual(first, patterned(1_000), 'changed by the writer after the call');
    first?.fill(0);
    checkEqual((await store.get(key('a')))?.value, patterned(1_000), 'changed by a reader');
    (await store.list(key()))[0]?.value.fill(0);
    checkEqual((await store.list(key()))[0]?.value, patterned(1_000), 'changed by a reader of a listing');
  }),

  defineCase(
    'a value of the largest size is kept, and one byte more is refused',
    async ({ store, other, key }) => {
      const { maxValueBytes } = store.capabilities;
      check(maxValueBytes >= 65_536, 'a store takes values of 64 KiB at least');
      // A store without a practical limit of its own is not asked to hold gigabytes.
      if (maxValueBytes <= 4_194_304) {
        const value = new Uint8Array(maxValueBytes).fill(7);
        await store.commit([{ put: key('fits'), value }]);
        const found = (await other.get(key('fits')))?.value;
        check(
          found?.length === value.length && found.every((byte) => byte === 7),
          'the largest value comes back',
        );
        const code = 'ERR_POSTERN_STORAGE_VALUE_TOO_LARGE';
        const tooLarge = new Uint8Array(maxValueBytes + 1);
        await checkRejects(store.commit([{ put: key('large'), value: tooLarge }]), code, 'one byte more');
        await checkRejects(
          store.commit([
            { put: key('small'), value: Uint8Array.of(1) },
            { put: key('large'), value: tooLarge },
          ]),
          code,
          'beside a small value',
        );
        checkEqual(await store.get(key('large')), undefined, 'the large entry');
        checkEqual(await store.get(key('small')), undefined, 'the small entry beside it');
      }
    },
  ),

  defineCase('what is not bytes, or has no real expiry, is refused', async ({ store, key }) => {
    const notBytes = 'text' as unknown as Uint8Array;
    await checkRejects(store.commit([{ put: key('a'), value: notBytes }]), 'TypeError', 'a text as value');
    for (const expiresAtMs of [Number.NaN, Infinity, 2 ** 60]) {
      await checkRejects(
        store.commit([{ put: key('a'), value: Uint8Array.of(1), expiresAtMs }]),
        'TypeError',
        `expiry ${expiresAtMs}`,
      );
    }
    checkEqual(await store.get(key('a')), undefined, 'the entry');
  }),
];

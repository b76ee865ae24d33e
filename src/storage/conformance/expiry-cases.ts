import { absent } from '../contract.ts';
import { check, checkEqual } from './check.ts';
import { defineCase, type CaseContext, type ConformanceCase } from './conformance-case.ts';
import { bytes, put, take } from './subject-access.ts';

/** Long enough that a slow store is not taken for an early one, short enough to be waited for in real time. */
const lifeMs = 1_500;

/** An entry that has expired, and may still lie in the store. */
async function putExpired({ store, key, now, advance }: CaseContext): Promise<string> {
  const version = await put(store, key('a'), 'old', { expiresAtMs: Math.round(now()) + lifeMs });
  check(version !== undefined, 'the entry was put');
  await advance(lifeMs + 100);
  return version;
}

export const expiryCases: readonly ConformanceCase[] = [
  defineCase('an entry lives until its time and not beyond, for get and list alike', async (context) => {
    const { store, other, key, now, advance } = context;
    const expiresAtMs = Math.round(now()) + lifeMs;
    await put(store, key('a'), 'mortal', { expiresAtMs });
    await put(store, key('b'), 'immortal');
    checkEqual((await other.get(key('a')))?.expiresAtMs, expiresAtMs, 'get before its time');
    checkEqual((await other.list(key()))[0]?.expiresAtMs, expiresAtMs, 'list before its time');
    await advance(lifeMs + 100);
    checkEqual(await store.get(key('a')), undefined, 'get after its time');
    checkEqual(await other.get(key('a')), undefined, 'get of another handle after its time');
    checkEqual(
      (await other.list(key())).map((entry) => entry.key),
      [key('b')],
      'list after its time',
    );
  }),

  defineCase('an entry whose time is over when it is put never exists', async ({ store, key, now }) => {
    await put(store, key('a'), 'late', { expiresAtMs: Math.round(now()) - 1_000 });
    checkEqual(await store.get(key('a')), undefined, 'get');
    checkEqual(await store.list(key()), [], 'list');
  }),

  defineCase('a put that expects absence succeeds over an expired entry', async (context) => {
    const expired = await putExpired(context);
    const version = await put(context.store, context.key('a'), 'new', { expect: absent });
    check(version !== undefined && version !== expired, 'it gets a version of its own');
    const entry = await context.other.get(context.key('a'));
    checkEqual(entry, { key: context.key('a'), value: bytes('new'), version }, 'the entry');
  }),

  defineCase('the version of an expired entry is expected in vain', async (context) => {
    const { store, key } = context;
    const expect = await putExpired(context);
    checkEqual(await put(store, key('a'), 'new', { expect }), undefined, 'by a put');
    checkEqual(await store.commit([{ delete: key('a'), expect }]), undefined, 'by a delete');
    checkEqual(await store.commit([{ delete: key('a'), expect: absent }]), [''], 'absence holds instead');
  }),

  defineCase('an expired entry cannot be taken', async (context) => {
    await putExpired(context);
    checkEqual(await take(context.store, context.key('a')), undefined, 'what was taken');
  }),

  defineCase('a later put can extend a life, shorten it, or make it endless', async (context) => {
    const { store, key, now, advance } = context;
    const soon = Math.round(now()) + lifeMs;
    await put(store, key('extended'), 'x', { expiresAtMs: soon });
    await put(store, key('extended'), 'x', { expiresAtMs: soon + 3_600_000 });
    await put(store, key('endless'), 'x', { expiresAtMs: soon });
    await put(store, key('endless'), 'x');
    await put(store, key('shortened'), 'x', { expiresAtMs: soon + 3_600_000 });
    await put(store, key('shortened'), 'x', { expiresAtMs: soon });
    await advance(lifeMs + 100);
    const left = (await store.list(key())).map((entry) => entry.key[1]);
    checkEqual(left, ['endless', 'extended'], 'what is left');
  }),

  defineCase('expired entries neither fill a page nor hide the live ones behind them', async (context) => {
    const { store, key, now, advance } = context;
    const expiresAtMs = Math.round(now()) + lifeMs;
    await store.commit(
      Array.from({ length: 60 }, (_, index) => {
        const name = String(index).padStart(2, '0');
        return { put: key(name), value: bytes(name), ...(index % 10 === 9 ? {} : { expiresAtMs }) };
      }),
    );
    await advance(lifeMs + 100);
    const page = await store.list(key(), { limit: 4 });
    checkEqual(
      page.map((entry) => entry.key[1]),
      ['09', '19', '29', '39'],
      'the first page',
    );
    const rest = await store.list(key(), { limit: 4, after: key('39') });
    checkEqual(
      rest.map((entry) => entry.key[1]),
      ['49', '59'],
      'the second page',
    );
  }),
];

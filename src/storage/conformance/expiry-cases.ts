import { absent } from '../contract.ts';
import { check, checkEqual } from './check.ts';
import { defineCase, type CaseContext, type ConformanceCase } from './conformance-case.ts';
import { bytes, put, take, versionOf } from './subject-access.ts';

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

  defineCase(
    'as an entry expires, a put of its version and one that expects its absence never both succeed',
    async ({ store, other, key, now, advance }) => {
      const count = 22;
      const firstMs = Math.round(now()) + lifeMs;
      const lives = await Promise.all(
        Array.from({ length: count }, async (_, index) => {
          const expiresAtMs = firstMs + index * 20;
          return {
            path: key(`${index}`),
            expiresAtMs,
            expect: await put(store, key(`${index}`), 'old', { expiresAtMs }),
          };
        }),
      );
      for (const [index, { path, expiresAtMs, expect }] of lives.entries()) {
        await advance(Math.max(0, expiresAtMs - now() - 5 + (index % 11)));
        const forEver = { expiresAtMs: firstMs + 3_600_000 };
        const keepers = [store, other].map(
          (handle) => () => put(handle, path, 'kept', { expect, ...forEver }),
        );
        const takers = [store, other].map(
          (handle) => () => put(handle, path, 'taken', { expect: absent, ...forEver }),
        );
        const inTurn = index % 2 ? [...keepers, ...takers] : [...takers, ...keepers];
        const puts = await Promise.all(inTurn.map((contend) => contend()));
        const successes = puts.filter((version) => version !== undefined);
        check(successes.length <= 1, 'how many succeeded');
        const stands = await versionOf(other, path);
        check(successes.length === 0 || stands === successes[0], 'the version that stands');
      }
    },
  ),

  defineCase(
    'once an entry was read as gone, no commit that begins later succeeds under its version',
    async ({ store, other, key, now, advance }) => {
      const firstMs = Math.round(now()) + lifeMs;
      const living = new Map<string, string | undefined>();
      for (let index = 0; index < 20; index++) {
        const expiresAtMs = firstMs + index * 9;
        living.set(`${index}`, await put(store, key(`${index}`), 'old', { expiresAtMs }));
      }
      await advance(Math.max(0, firstMs - now() - 5));
      while (living.size > 0) {
        for (const [name, expect] of living) {
          if ((await other.get(key(name))) !== undefined) continue;
          living.delete(name);
          checkEqual(await put(store, key(name), 'new', { expect }), undefined, 'a put of its version');
          checkEqual(
            await store.commit([{ delete: key(name), expect }]),
            undefined,
            'a delete of its version',
          );
        }
        await advance(1);
      }
    },
  ),

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

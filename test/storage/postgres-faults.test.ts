import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { isPosternError } from '../../src/core/postern-error.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { NamespacedStorage } from '../../src/storage/namespaced-storage.ts';
import { waitFor } from '../../src/sync/wait-for.ts';
import { FaultProxy } from '../support/fault-proxy.ts';
import { describeWithService } from '../support/services.ts';
import { placeFor, through, type PostgresPlace } from './postgres-place.ts';

const value = new TextEncoder().encode('x');
const unavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );
}

async function expectSoon(isTrue: () => boolean, timeoutMs: number): Promise<number> {
  const started = performance.now();
  while (!isTrue()) {
    if (performance.now() - started > timeoutMs) throw new Error(`not within ${timeoutMs} ms`);
    await pause(10);
  }
  return performance.now() - started;
}

/** How long it takes until calls succeed again, in milliseconds. */
async function recoveryOf(store: StorageBackend): Promise<number> {
  const started = performance.now();
  for (;;) {
    if ((await failureOf(store.commit([{ put: ['p', 'recovered'], value }]))) === 'no failure') break;
    if (performance.now() - started > 10_000) throw new Error('no recovery within 10 s');
  }
  return performance.now() - started;
}

await describeWithService('postgres', 'PostgreSQL with faults between it and the store', ({ where }) => {
  const { port, hostname } = new URL(where);

  async function behindProxy(
    options: { timeoutMs?: number; max?: number } = {},
  ): Promise<{ place: PostgresPlace; proxy: FaultProxy; store: StorageBackend; direct: StorageBackend }> {
    const place = placeFor(where);
    const proxy = await FaultProxy.open({ host: hostname, port: Number(port || 5432) });
    onTestFinished(() => proxy.close());
    const direct = await place.open();
    const { timeoutMs = 1_000, max = 4 } = options;
    const pool = place.pool({
      connectionString: through(where, proxy.port),
      max,
      connectionTimeoutMillis: 500,
    });
    return { place, proxy, direct, store: await place.open({ pool, timeoutMs }) };
  }

  test.each(['request', 'reply'] as const)(
    'a connection cut at the %s of a commit is a typed error with its cause, and the next call works',
    async (moment) => {
      const { proxy, store, direct } = await behindProxy();
      const cut = proxy.cutNext(moment);
      const error = await failureOf(
        store.commit([
          { put: ['p', 'a'], value },
          { put: ['p', 'b'], value },
        ]),
      );
      await cut;
      expect(error).toEqual(unavailable);
      expect(isPosternError(error) && error.cause).toBeInstanceOf(Error);
      const written = (await direct.list(['p'])).map((entry) => entry.key[1]);
      expect(written).toEqual(moment === 'request' ? [] : ['a', 'b']);
      expect(await store.commit([{ put: ['p', 'c'], value }])).toHaveLength(1);
    },
  );

  test('a read whose connection is cut is tried again, and nobody notices', async () => {
    const { proxy, store } = await behindProxy();
    await store.commit([{ put: ['p', 'a'], value }]);
    for (const moment of ['request', 'reply'] as const) {
      const cut = proxy.cutNext(moment);
      expect((await store.get(['p', 'a']))?.value).toEqual(value);
      await cut;
    }
  });

  test('in a black hole every call ends at its deadline, which the error names, and works again afterwards', async () => {
    const { proxy, store } = await behindProxy({ timeoutMs: 1_500 });
    await store.commit([{ put: ['p', 'a'], value }]);
    proxy.blackHole();
    for (let round = 0; round < 2; round++) {
      const started = performance.now();
      const errors = await Promise.all(
        [
          store.get(['p', 'a']),
          store.list(['p']),
          store.commit([{ put: ['p', 'b'], value }]),
          store.signal('c'),
          store.listen('c', () => {}),
          ...Array.from({ length: 50 }, () => store.get(['p', 'a'])),
        ].map(failureOf),
      );
      expect(performance.now() - started).toBeLessThan(8_000);
      for (const error of errors) expect(error).toEqual(unavailable);
      expect(
        errors.filter((error) => isPosternError(error) && error.message.includes('1500 ms')),
      ).not.toEqual([]);
    }
    proxy.pass();
    expect(await recoveryOf(store)).toBeLessThan(5_000);
    expect((await store.get(['p', 'a']))?.value).toEqual(value);
  });

  test('a store that only one process can reach fails in the other, which remembers nothing', async () => {
    const { proxy, store, direct } = await behindProxy();
    await store.commit([{ put: ['p', 'lease'], value, expect: 'absent' }]);
    proxy.refuse();
    expect(await failureOf(store.get(['p', 'lease']))).toEqual(unavailable);
    expect(await failureOf(store.commit([{ put: ['p', 'own'], value, expect: 'absent' }]))).toEqual(
      unavailable,
    );
    expect((await direct.list(['p'])).map((entry) => entry.key[1])).toEqual(['lease']);
    proxy.pass();
    expect(await recoveryOf(store)).toBeLessThan(5_000);
  });

  test('a pool without a free connection is a typed error at the deadline, and no connection is lost by it', async () => {
    const place = placeFor(where);
    const pool = place.pool({ max: 2 });
    const store = await place.open({ pool, timeoutMs: 1_500 });
    const held = [await pool.connect(), await pool.connect()];
    const started = performance.now();
    const errors = await Promise.all(Array.from({ length: 100 }, () => failureOf(store.get(['p', 'a']))));
    expect(performance.now() - started).toBeLessThan(8_000);
    for (const error of errors) expect(error).toEqual(unavailable);
    expect(isPosternError(errors[0]) && errors[0].message).toContain('1500 ms');
    for (const client of held) client.release();
    expect(await store.get(['p', 'a'])).toBeUndefined();
    await expectSoon(() => pool.idleCount === pool.totalCount, 2_000);
    expect(pool.waitingCount).toBe(0);
  });

  test('a store that is closed while it waits for a connection to listen on closes, and keeps none', async () => {
    const place = placeFor(where);
    const pool = place.pool({ max: 2 });
    const store = await place.open({ pool });
    const held = [await pool.connect(), await pool.connect()];
    const listening = failureOf(store.listen('c', () => {}));
    await pause(50);
    const closed = store.close();
    for (const client of held) client.release();
    await Promise.race([closed, pause(3_000).then(() => Promise.reject(new Error('it does not close')))]);
    expect(await listening).toEqual(unavailable);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('a lock that is never given back ends a commit at its deadline, here and in the server', async () => {
    const place = placeFor(where);
    const store = await place.open({ timeoutMs: 1_500 });
    await store.commit([{ put: ['p', 'a'], value }]);
    const intruder = place.pool({ max: 1 });
    await intruder.query(`BEGIN; UPDATE "${place.schema}".entries SET version = version`);
    const started = performance.now();
    expect(await failureOf(store.commit([{ put: ['p', 'a'], value: Uint8Array.of(9) }]))).toEqual(
      unavailable,
    );
    expect(performance.now() - started).toBeLessThan(8_000);
    await pause(1_700);
    await intruder.query('ROLLBACK');
    // Nothing waits in the server to overwrite what others wrote since.
    await store.commit([{ put: ['p', 'a'], value: Uint8Array.of(1) }]);
    await pause(300);
    expect((await store.get(['p', 'a']))?.value).toEqual(Uint8Array.of(1));
  });

  test('after pg_terminate_backend on every connection calls work within 5 s, and listeners hear again', async () => {
    const { place, proxy, store, direct } = await behindProxy();
    let woken = 0;
    await store.listen('c', () => woken++);
    const name = place.schema;
    const admin = place.pool({ max: 1 });
    // Those of the store under test come through the proxy; the server knows them by what they last did.
    const { rows } = await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%' || $1 || '%'`,
      [name],
    );
    expect(rows.length).toBeGreaterThan(0);
    expect(await recoveryOf(store)).toBeLessThan(5_000);
    await expectSoon(() => woken > 0, 2_000);
    woken = 0;
    expect(await recoveryOf(direct)).toBeLessThan(5_000);
    await direct.signal('c');
    await expectSoon(() => woken > 0, 2_000);
    expect(proxy.accepted).toBeGreaterThan(1);
  });

  test('a listener whose connection is cut is woken when it listens again, within 2 s, and hears from then on', async () => {
    const { proxy, store, direct } = await behindProxy();
    let woken = 0;
    await store.listen('c', () => woken++);
    proxy.cut();
    expect(await expectSoon(() => woken > 0, 2_000)).toBeLessThan(2_000);
    woken = 0;
    await direct.signal('c');
    await expectSoon(() => woken > 0, 2_000);
  });

  test('a listener whose connection went silently dead is woken within a heartbeat and a deadline', async () => {
    const { proxy, store, direct } = await behindProxy({ timeoutMs: 1_500 });
    let woken = 0;
    await store.listen('c', () => woken++);
    proxy.blackHole();
    proxy.pass();
    await direct.signal('c');
    await expectSoon(() => woken > 0, 8_000);
    woken = 0;
    await direct.signal('c');
    await expectSoon(() => woken > 0, 2_000);
  });

  test('whoever waits learns within 2 s what was written while the signals were lost', async () => {
    const { proxy, store, direct } = await behindProxy();
    const namespace = new NamespacedStorage(store, ['p']);
    const found = waitFor(namespace, ['a'], () => namespace.get('a'), { timeoutMs: 10_000 });
    await pause(300);
    proxy.refuse();
    await direct.commit([{ put: ['p', 'a'], value }]);
    await direct.signal('p:a');
    await pause(500);
    const started = performance.now();
    proxy.pass();
    expect((await found)?.value).toEqual(value);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('with every answer late, nothing is lost and nothing is done twice', async () => {
    const { proxy, store, direct } = await behindProxy({ timeoutMs: 5_000 });
    let woken = 0;
    await store.listen('c', () => woken++);
    proxy.delay(60);
    await direct.commit([{ put: ['p', 'a'], value }]);
    await direct.signal('c');
    await expectSoon(() => woken > 0, 2_000);
    const takes = Array.from({ length: 10 }, () => new NamespacedStorage(store, ['p']).take('a'));
    expect((await Promise.all(takes)).filter((entry) => entry !== undefined)).toHaveLength(1);
  });

  test('signals that are forged, doubled or as long as can be wake nobody they do not name', async () => {
    const { place, store, direct } = await behindProxy();
    let [own, foreign] = [0, 0];
    await store.listen('own', () => own++);
    await store.listen('foreign', () => foreign++);
    const admin = place.pool({ max: 1 });
    for (const payload of ['', 'own', 'foreign', '__proto__', 'x'.repeat(7_999)]) {
      await admin.query('SELECT pg_notify($1, $2)', [`postern_${place.schema}`, payload]);
    }
    await Promise.all([direct.signal('own'), direct.signal('own')]);
    await direct.signal(`${'long'.repeat(5_000)}\0\uD800`);
    await expectSoon(() => own > 0, 2_000);
    await pause(200);
    expect(foreign).toBe(0);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { LineProcess, startTogether } from '../support/line-process.ts';
import { describeWithService } from '../support/services.ts';
import { placeFor } from './postgres-place.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Several processes on one schema, started at the same moment once all have opened it. What each made of its task. */
async function inProcesses<T>(count: number, task: string, where: string, schema: string): Promise<T[]> {
  const script = join(import.meta.dirname, 'postgres-worker.ts');
  const workers = Array.from({ length: count }, () => new LineProcess([script, task, where, schema]));
  onTestFinished(async () => void (await Promise.all(workers.map((worker) => worker.kill()))));
  await startTogether(workers);
  return Promise.all(workers.map((worker) => worker.outcome<T>()));
}

await describeWithService('postgres', 'PostgreSQL shared by processes', ({ where }) => {
  test('of 20,000 entries that two processes try to take, none is taken twice and none is lost', async () => {
    const place = placeFor(where);
    const store = await place.open();
    for (let start = 0; start < 20_000; start += 500) {
      await store.commit(
        Array.from({ length: 500 }, (_, index) => ({
          put: ['queue', `${start + index}`] as const,
          value: encoder.encode(`${start + index}`),
        })),
      );
    }
    const taken = await inProcesses<string[]>(2, 'take', where, place.schema);
    const all = taken.flat();
    expect(all).toHaveLength(20_000);
    expect(new Set(all).size).toBe(20_000);
    // Otherwise the processes only took turns, and nothing was proved.
    for (const each of taken) expect(each.length).toBeGreaterThan(0);
    expect(await store.list(['queue'])).toEqual([]);
  }, 120_000);

  test('commits of two keys, named in either order by three processes, lose no update', async () => {
    const place = placeFor(where);
    const store = await place.open();
    await store.commit([
      { put: ['counter', 'left'], value: encoder.encode('0') },
      { put: ['counter', 'right'], value: encoder.encode('0') },
    ]);
    const collisions = await inProcesses<number>(3, 'transfer', where, place.schema);
    const counters = await store.list(['counter']);
    expect(counters.map(({ value }) => decoder.decode(value))).toEqual(['450', '-450']);
    expect(collisions.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  }, 120_000);

  test('blind deletes and checks of absence in one commit keep others from making the entry meanwhile', async () => {
    const place = placeFor(where);
    const [store, other] = [await place.open(), await place.open()];
    for (let round = 0; round < 100; round++) {
      const [left, right]: [readonly [string, string, string], readonly [string, string, string]] = [
        ['skew', `${round}`, 'left'],
        ['skew', `${round}`, 'right'],
      ];
      // Each makes one entry provided that the other does not exist: both together would be a contradiction.
      const outcomes = await Promise.all([
        store.commit([
          { put: left, value: encoder.encode('x'), expect: 'absent' },
          { delete: right, expect: 'absent' },
        ]),
        other.commit([
          { put: right, value: encoder.encode('x'), expect: 'absent' },
          { delete: left, expect: 'absent' },
        ]),
      ]);
      expect(outcomes.filter((outcome) => outcome !== undefined)).toHaveLength(1);
    }
  });

  test('of 200 tenants and 20,000 operations, none reads another, and a dump holds no value in the clear', async () => {
    const place = placeFor(where);
    const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(7) }]);
    const model = storageConformance({ operations: 20_000, namespaces: 200, seed: 7 }).at(-1)!;
    expect(model.title).toContain('200 namespaces');
    await model.run({ separateHandles: true, open: async () => encrypted(await place.open(), keyring) });

    const { rows } = await place
      .pool({ max: 1 })
      .query<{ count: string; dump: string }>(
        `SELECT count(*) AS count, coalesce(string_agg(encode(value, 'escape'), ' '), '') AS dump FROM "${place.schema}".entries`,
      );
    expect(Number(rows[0]?.count)).toBeGreaterThan(200);
    expect(rows[0]?.dump).not.toContain('CNRY');
  }, 180_000);

  test('a canary in the clear would be found by that search', async () => {
    const place = placeFor(where);
    await (await place.open()).commit([{ put: ['p', 'a'], value: encoder.encode('CNRY p') }]);
    const { rows } = await place
      .pool({ max: 1 })
      .query<{ dump: string }>(
        `SELECT string_agg(encode(value, 'escape'), ' ') AS dump FROM "${place.schema}".entries`,
      );
    expect(rows[0]?.dump).toContain('CNRY');
  });

  test('rows that have expired are cleared while others are written', async () => {
    const place = placeFor(where);
    const store = await place.open();
    const admin = place.pool({ max: 1 });
    const count = async (): Promise<number> =>
      Number((await admin.query(`SELECT count(*) AS n FROM "${place.schema}".entries`)).rows[0].n);
    for (let start = 0; start < 5_000; start += 500) {
      await store.commit(
        Array.from({ length: 500 }, (_, index) => ({
          put: ['mortal', `${start + index}`] as const,
          value: Uint8Array.of(1),
          expiresAtMs: Date.now() + 2_000,
        })),
      );
    }
    await store.commit([
      { put: ['live', 'a'], value: Uint8Array.of(1), expiresAtMs: Date.now() + 3_600_000 },
    ]);
    await admin.query('SELECT pg_sleep(2)');
    for (let turn = 0; turn < 1_800; turn += 20) {
      await Promise.all(
        Array.from({ length: 20 }, () => store.commit([{ put: ['live', 'b'], value: Uint8Array.of(1) }])),
      );
    }
    expect(await count()).toBe(2);
  }, 60_000);

  test('signals are cleared, and only the last thousand or so are kept', async () => {
    const place = placeFor(where);
    const store = await place.open();
    for (let turn = 0; turn < 40; turn++) {
      await Promise.all(Array.from({ length: 100 }, () => store.signal('c')));
    }
    const { rows } = await place
      .pool({ max: 1 })
      .query(`SELECT count(*) AS kept, max(seq) AS last FROM "${place.schema}".signals`);
    expect(Number(rows[0].last)).toBe(4_000);
    expect(Number(rows[0].kept)).toBeLessThanOrEqual(1_400);
  }, 60_000);

  test('a handle that listens does not keep the process alive once its pool may rest', async () => {
    const place = placeFor(where);
    const module = join(import.meta.dirname, '../../src/storage/postgres/index.ts');
    const script = `const { Pool } = await import('pg'); const { openPostgres } = await import(${JSON.stringify(module)});
      const pool = new Pool({ connectionString: process.argv[1], allowExitOnIdle: true, connectionTimeoutMillis: 5000 });
      const store = await openPostgres({ pool, schema: process.argv[2] });
      await store.listen('c', () => {}); console.log('listening');`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, where, place.schema], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 15_000,
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    expect([code, output]).toEqual([0, 'listening\n']);
  });
});

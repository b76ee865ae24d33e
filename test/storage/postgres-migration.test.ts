import { expect, onTestFinished, test } from 'vitest';
import { isPosternError } from '../../src/core/postern-error.ts';
import { PostgresCalls } from '../../src/storage/postgres/postgres-calls.ts';
import type { PostgresClient, PostgresPool } from '../../src/storage/postgres/postgres-connection.ts';
import { migratePostgres } from '../../src/storage/postgres/postgres-migration.ts';
import { postgresMigrations } from '../../src/storage/postgres/postgres-schema.ts';
import { openPostgres } from '../../src/storage/postgres/index.ts';
import { describeWithService } from '../support/services.ts';
import { placeFor, through } from './postgres-place.ts';

const value = Uint8Array.of(1);
const unsupported = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED' });
const unavailable = expect.objectContaining({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

await describeWithService('postgres', 'the schema in PostgreSQL', ({ where }) => {
  test('twelve openings at the same moment agree on one schema', async () => {
    const place = placeFor(where);
    const stores = await Promise.all(Array.from({ length: 12 }, () => place.open({}, { max: 2 })));
    const outcomes = await Promise.all(
      stores.map((store) => store.commit([{ put: ['p', 'a'], value, expect: 'absent' }])),
    );
    expect(outcomes.filter((outcome) => outcome !== undefined)).toHaveLength(1);
    const { rows } = await place.pool().query(`SELECT version FROM "${place.schema}".schema_version`);
    expect(rows).toEqual([{ version: postgresMigrations.length }]);
  });

  test('an older schema is upgraded once, keeps its entries, and is then refused by the older version', async () => {
    const place = placeFor(where);
    const older = await place.open();
    await older.commit([{ put: ['p', 'a'], value }]);
    const newer = [
      ...postgresMigrations,
      (schema: string) => `ALTER TABLE "${schema}".entries ADD COLUMN note text NOT NULL DEFAULT ''`,
    ];
    const calls = new PostgresCalls(place.pool(), 5_000);
    await Promise.all([1, 2, 3].map(() => migratePostgres(calls, place.schema, newer)));

    expect((await older.get(['p', 'a']))?.value).toEqual(value);
    const error = await failureOf(place.open());
    expect(error).toEqual(unsupported);
    expect(isPosternError(error) && error.message).toContain(`version ${newer.length}`);
  });

  test('an upgrade may take longer than a call', async () => {
    const place = placeFor(where);
    await place.open();
    const slow = [...postgresMigrations, () => 'SELECT pg_sleep(3)'];
    await migratePostgres(new PostgresCalls(place.pool(), 2_000), place.schema, slow);
    const { rows } = await place.pool().query(`SELECT version FROM "${place.schema}".schema_version`);
    expect(rows).toEqual([{ version: slow.length }]);
  });

  test('an upgrade that fails leaves the schema as it was', async () => {
    const place = placeFor(where);
    const store = await place.open();
    await store.commit([{ put: ['p', 'a'], value }]);
    const broken = [
      ...postgresMigrations,
      (schema: string) => `DROP TABLE "${schema}".entries; SELECT 1 / 0`,
    ];
    expect(
      await failureOf(migratePostgres(new PostgresCalls(place.pool(), 5_000), place.schema, broken)),
    ).toEqual(unavailable);
    expect((await (await place.open()).get(['p', 'a']))?.value).toEqual(value);
  });

  test('a schema with the tables of another program is refused, and not changed', async () => {
    const place = placeFor(where);
    const admin = place.pool({ max: 1 });
    await admin.query(`CREATE SCHEMA "${place.schema}"; CREATE TABLE "${place.schema}".entries (theirs int)`);
    expect(await failureOf(place.open())).toEqual(unsupported);
    const { rows } = await admin.query(
      'SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace($1)',
      [place.schema],
    );
    expect(rows).toEqual([{ relname: 'entries' }]);
  });

  test('a user who may only use the schema works with what its owner has made, and is told so before', async () => {
    const place = placeFor(where);
    const admin = place.pool({ max: 1 });
    const role = `${place.schema}_app`;
    await admin.query(`CREATE ROLE "${role}" LOGIN`);
    onTestFinished(async () => {
      const last = place.pool({ max: 1 });
      await last.query(`DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    });
    const url = new URL(through(where, Number(new URL(where).port || 5432)));
    url.username = role;
    const asApp = { connectionString: url.href };

    const refused = await failureOf(place.open({}, asApp));
    expect(refused).toEqual(unavailable);
    expect(isPosternError(refused) && refused.hint).toContain('owner');
    await place.open();
    await admin.query(`
      GRANT USAGE ON SCHEMA "${place.schema}" TO "${role}";
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "${place.schema}" TO "${role}";
    `);
    const store = await place.open({}, asApp);
    await store.commit([{ put: ['p', 'a'], value }]);
    await store.signal('c');
    expect((await store.get(['p', 'a']))?.value).toEqual(value);
  });

  test('tables that are dropped while the store is open are a typed error with a hint', async () => {
    const place = placeFor(where);
    const store = await place.open();
    await place.pool({ max: 1 }).query(`DROP SCHEMA "${place.schema}" CASCADE`);
    const error = await failureOf(store.get(['p', 'a']));
    expect(error).toEqual(unavailable);
    expect(isPosternError(error) && error.hint).toContain('dropped');
  });

  test('a password, a database and a port that are wrong are typed errors, and none repeats the URL', async () => {
    const place = placeFor(where);
    const url = new URL(where);
    url.password = 'CNRY';
    url.pathname = '/no_such_database';
    const port = new URL(url);
    port.hostname = '127.0.0.1';
    port.port = '1';
    for (const connectionString of [url.href, port.href]) {
      const error = await failureOf(place.open({}, { connectionString }));
      expect(error).toEqual(unavailable);
      expect(isPosternError(error) && error.hint).toBeDefined();
      expect(isPosternError(error) && error.message).not.toContain('CNRY');
    }
  });

  test('a server setting that writes bytes in another way changes nothing', async () => {
    const place = placeFor(where);
    const store = await place.open(
      {},
      { options: '-c bytea_output=escape -c search_path= -c lc_messages=C' },
    );
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await store.commit([{ put: ['p', 'a'], value: bytes }]);
    expect((await store.get(['p', 'a']))?.value).toEqual(bytes);
  });

  test('names of schemas that are words of SQL are ordinary, and what is no name is refused', async () => {
    const pool = placeFor(where).pool();
    const store = await openPostgres({ pool, schema: 'order' });
    onTestFinished(async () => {
      await pool.query('DROP SCHEMA "order" CASCADE');
    });
    await store.commit([{ put: ['p', 'a'], value }]);
    await store.close();
    for (const schema of ['', 'A', 'a"; DROP TABLE x; --', 'a b', '1a', 'x'.repeat(49)]) {
      expect(await failureOf(openPostgres({ pool, schema })), schema).toBeInstanceOf(TypeError);
    }
    for (const wrong of [
      { timeoutMs: 0 },
      { timeoutMs: Number.NaN },
      { timeoutMs: 2 ** 31 },
      { pollMs: 0 },
    ]) {
      expect(await failureOf(openPostgres({ pool, ...wrong })), JSON.stringify(wrong)).toBeInstanceOf(
        TypeError,
      );
    }
  });

  test('a pool that may wait for ever for a connection is warned of', async () => {
    const place = placeFor(where);
    const warnings: string[] = [];
    const onWarning = (message: string): void => void warnings.push(message);
    await place.open({ onWarning }, { connectionTimeoutMillis: 0 });
    await place.open({ onWarning });
    expect(warnings).toEqual([expect.stringContaining('connectionTimeoutMillis')]);
  });
});

test('a standby is refused', async () => {
  const client: PostgresClient = {
    processID: 1,
    query: async () => ({ rows: [{ standby: 't' }] }),
    on: () => {},
    removeListener: () => {},
    release: () => {},
  };
  const pool: PostgresPool = { connect: async () => client, on: () => {} };
  const error = await failureOf(openPostgres({ pool }));
  expect(error).toEqual(unavailable);
  expect(isPosternError(error) && error.hint).toContain('primary');
});

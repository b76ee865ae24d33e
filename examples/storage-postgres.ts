/**
 * A store in PostgreSQL, sealed: `node examples/storage-postgres.ts`.
 *
 * It needs a server on loopback, or `POSTGRES_URL`, and makes a schema of its own there, which it drops at the end.
 */
import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { encrypted, generateKeyText, keyringFromText } from '../src/index.ts';
import { NamespacedStorage } from '../src/kernel.ts';
import { openPostgres } from '../src/storage/postgres/index.ts';

const connectionString = process.env['POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
const schema = `postern_example_${process.pid}`;

const pool = new Pool({ connectionString, max: 5, connectionTimeoutMillis: 3_000 });
const keyring = keyringFromText(generateKeyText());
const storage = encrypted(await openPostgres({ pool, schema }), keyring);

try {
  const alice = new NamespacedStorage(storage, ['client:user:alice']);

  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  const unlisten = await alice.listen(['inbox'], wake);
  await alice.commit([
    {
      put: alice.key(['inbox', 'letter']),
      value: new TextEncoder().encode('the gate is open'),
      expiresAtMs: Date.now() + 60_000,
      expect: 'absent',
    },
  ]);
  console.log('put    a letter for alice, to be kept for a minute');

  await alice.signal('inbox');
  await woken;
  await unlisten();
  console.log('signal heard');

  const { rows } = await pool.query<{ path: string; value: Buffer }>(
    `SELECT path, value FROM ${schema}.entries`,
  );
  assert.equal(rows.length, 1);
  assert.ok(!rows[0]!.value.includes('gate'));
  console.log(`row    ${rows[0]!.path}: ${rows[0]!.value.length} bytes, none of them readable`);

  const takes = await Promise.all([1, 2, 3].map(() => alice.take('inbox', 'letter')));
  const taken = takes.filter((entry) => entry !== undefined);
  assert.equal(taken.length, 1);
  console.log(`take   by three at once, and one got "${new TextDecoder().decode(taken[0]!.value)}"`);
} finally {
  await storage.close();
  await pool.query(`DROP SCHEMA ${schema} CASCADE`);
  await pool.end();
}

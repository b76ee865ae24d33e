import { Pool, type PoolConfig } from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { storageConformance, type ConformanceSubject } from '../../src/storage/conformance/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { openPostgres } from '../../src/storage/postgres/index.ts';
import { describeWithService } from '../support/services.ts';

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

interface Store {
  readonly title: string;
  readonly pool?: PoolConfig;
  readonly isSealed?: boolean;
}

/** The whole kit runs on each. */
const stores: readonly Store[] = [
  { title: 'openPostgres' },
  { title: 'encrypted(openPostgres)', isSealed: true },
  {
    title: 'openPostgres where transactions are serializable by default',
    pool: { options: '-c default_transaction_isolation=serializable' },
  },
  {
    title: 'openPostgres where reads are repeatable by default',
    pool: { options: '-c default_transaction_isolation=repeatable\\ read' },
  },
];

await describeWithService('postgres', 'the conformance kit on PostgreSQL', ({ where }) => {
  describe.each(stores)('$title', ({ pool: config, isSealed }) => {
    const schema = `kit_${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`;
    const pool = new Pool({ connectionString: where, max: 12, connectionTimeoutMillis: 5_000, ...config });
    afterAll(async () => {
      await pool.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
      await pool.end();
    });
    const open = async (): Promise<StorageBackend> => {
      const store = await openPostgres({ pool, schema, timeoutMs: 20_000 });
      return isSealed ? encrypted(store, keyring) : store;
    };
    const subject: ConformanceSubject = { separateHandles: true, open };
    const cases = storageConformance({ operations: 2_000 });
    test.each(cases)(
      '$title',
      async ({ run }) => {
        await expect(run(subject)).resolves.toBeUndefined();
      },
      120_000,
    );
  });
});

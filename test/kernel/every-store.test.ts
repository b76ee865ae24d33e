import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { createNamespace } from '../../src/namespace/namespace.ts';
import { Pendings } from '../../src/pending/pendings.ts';
import { Continuations } from '../../src/resume/continuations.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { openSqlite } from '../../src/storage/sqlite/index.ts';
import { storeTime } from '../../src/sync/store-time.ts';
import { openChaosStore } from '../chaos/stores.ts';
import { placeFor } from '../storage/postgres-place.ts';
import { openStorageUrl } from '../support/open-storage.ts';
import { describeWithService } from '../support/services.ts';
import { checkStoreFacts } from './store-facts.ts';

const directory = await mkdtemp(join(tmpdir(), 'postern-ends-'));
const dynamodb = await openChaosStore('dynamodb', directory);
afterAll(async () => {
  await dynamodb.close();
  await rm(directory, { recursive: true, force: true });
});
const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

async function atUrl(url: string): Promise<readonly [StorageBackend, StorageBackend]> {
  const open = async (): Promise<StorageBackend> => {
    const store = await openStorageUrl(url, { keyring, onWarning: () => {}, timeoutMs: 20_000 });
    onTestFinished(() => store.close());
    return store;
  };
  return [await open(), await open()];
}

describe('pendings in memory', () => {
  const store = new MemoryBackend();
  checkStoreFacts({ rounds: 400, atOnce: 100, handles: async () => [store, store] });
});

describe('pendings in one SQLite file', () => {
  const open = (): StorageBackend => {
    const store = openSqlite(join(directory, 'ends.db'));
    onTestFinished(() => store.close());
    return store;
  };
  checkStoreFacts({ rounds: 200, atOnce: 50, handles: async () => [open(), open()] });
});

describe('pendings in one DynamoDB table', () => {
  checkStoreFacts({ rounds: 60, atOnce: 15, handles: () => atUrl(dynamodb.urlAt(dynamodb.port)) });
});

await describeWithService('redis', 'pendings in one Redis', ({ where }) => {
  const prefix = `ends-${crypto.randomUUID()}`;
  checkStoreFacts({ rounds: 200, atOnce: 50, handles: () => atUrl(`${where}?prefix=${prefix}`) });
});

await describeWithService('postgres', 'pendings in one PostgreSQL', ({ where }) => {
  checkStoreFacts({
    rounds: 200,
    atOnce: 50,
    handles: async () => {
      const place = placeFor(where);
      return [await place.open(), await place.open()];
    },
  });

  test('98 parked calls go on after a completion in time whose transaction ended after that time', async () => {
    const place = placeFor(where);
    const pool = place.pool();
    const storage = await place.open({ pool });
    const pendings = new Pendings({ storage, linkFor: (id) => `https://a.example/${id}` });
    const alice = createNamespace('client', 'alice');
    const heard: string[] = [];
    const continuations = new Continuations({ storage, sweepMs: 50, readyMs: 50 });
    onTestFinished(() => continuations.stop());
    continuations.register('answer', {
      resume: async () => void heard.push('resumed'),
      abandon: async (_continuation, code) => void heard.push(code),
    });
    const pending = await pendings.create(alice, { kind: 'test', data: null, ttlMs: 6_000 });
    for (let index = 0; index < 98; index++) {
      await continuations.park(alice, { handler: 'answer', payload: index, waitingFor: pending.id });
    }
    await pool.query(`
      CREATE FUNCTION "${place.schema}".end_slowly() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN PERFORM pg_sleep(0.6); RETURN NULL; END $body$;
      CREATE CONSTRAINT TRIGGER end_slowly AFTER UPDATE ON "${place.schema}".entries
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.path LIKE 'pending:%')
        EXECUTE FUNCTION "${place.schema}".end_slowly();`);
    await continuations.start();
    await sleep(pending.expiresAtMs - (await storeTime(storage, systemClock)) - 200);
    await expect(pendings.in(alice).complete(pending.id)).resolves.toMatchObject({ status: 'completed' });
    const deadline = performance.now() + 40_000;
    while (heard.length < 98 && performance.now() < deadline) await sleep(20);
    expect(heard).toEqual(Array.from({ length: 98 }, () => 'resumed'));
  });
});

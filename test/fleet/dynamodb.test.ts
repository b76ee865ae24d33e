import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { openChaosStore } from '../chaos/stores.ts';
import { checkWakeFacts } from './wake-facts.ts';

const directory = await mkdtemp(join(tmpdir(), 'postern-fleet-'));
const store = await openChaosStore('dynamodb', directory);

describe('processes on one DynamoDB table', () => {
  afterAll(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  checkWakeFacts({ name: 'dynamodb', wakes: 20, storageUrlIn: () => store.urlAt(store.port) });
});

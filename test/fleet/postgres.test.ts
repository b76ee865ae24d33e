import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll } from 'vitest';
import { describeWithService } from '../support/services.ts';
import { checkWakeFacts } from './wake-facts.ts';

await describeWithService('postgres', 'processes on one PostgreSQL', ({ where }) => {
  const schema = `fleet_${randomUUID().replaceAll('-', '')}`;
  afterAll(async () => {
    const client = new Client({ connectionString: where });
    await client.connect();
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    await client.end();
  });
  checkWakeFacts({ name: 'postgres', wakes: 200, storageUrlIn: () => `${where}?schema=${schema}` });
});

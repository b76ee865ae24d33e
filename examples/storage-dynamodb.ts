/**
 * A store in DynamoDB, sealed: `node examples/storage-dynamodb.ts`.
 *
 * It starts dynalite, which speaks DynamoDB's protocol, in this process. With `DYNAMODB_ENDPOINT`, such as
 * `http://127.0.0.1:8000` for Amazon's DynamoDB Local, it uses that server instead. It makes a table of its own there,
 * which it drops at the end.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeleteTableCommand, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
// @ts-expect-error -- it has no types
import createDynalite from 'dynalite';
import { encrypted, generateKeyText, keyringFromText } from '../src/index.ts';
import { NamespacedStorage } from '../src/kernel.ts';
import { createDynamoDbBackend, ensureDynamoDbTable } from '../src/storage/dynamodb/index.ts';

let server: Server | undefined;
let endpoint = process.env['DYNAMODB_ENDPOINT'];
if (endpoint === undefined) {
  server = (createDynalite as (options: object) => Server)({ createTableMs: 0 }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const tableName = `postern_example_${process.pid}`;
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const client = new DynamoDBClient({ endpoint, region: 'local', credentials });
await ensureDynamoDbTable(client, tableName);
const keyring = keyringFromText(generateKeyText());
const storage = encrypted(createDynamoDbBackend({ client, tableName }), keyring);

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

  // From another handle, as from another process: the listener looks every half second.
  const other = new NamespacedStorage(createDynamoDbBackend({ client, tableName }), ['client:user:alice']);
  const started = performance.now();
  await other.signal('inbox');
  await woken;
  await unlisten();
  console.log(`signal heard after ${Math.round(performance.now() - started)} ms`);

  const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
  const item = Items.find(({ s }) => s?.S === 'inbox:letter');
  const bytes = Buffer.from(item?.['v']?.B ?? []);
  assert.ok(bytes.length > 0 && !bytes.includes('gate'));
  console.log(`item   ${item?.['s']?.S}: ${bytes.length} bytes, none of them readable`);

  const takes = await Promise.all([1, 2, 3].map(() => alice.take('inbox', 'letter')));
  const taken = takes.filter((entry) => entry !== undefined);
  assert.equal(taken.length, 1);
  console.log(`take   by three at once, and one got "${new TextDecoder().decode(taken[0]!.value)}"`);
} finally {
  await storage.close();
  await client.send(new DeleteTableCommand({ TableName: tableName }));
  client.destroy();
  server?.close();
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import {
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import { createDynamoDbBackend, ensureDynamoDbTable } from '../../src/storage/dynamodb/index.ts';
import { filled } from './driver-side.ts';
import { listLength, value, valueBytes, type Side, type StoreUnderBench } from './store-under-bench.ts';

/** The driver's default is shown: what a program gets. */
const pollMs = 500;

/** Dynalite in a process of its own, by clients of the AWS SDK. */
export async function openDynamoDbStore(): Promise<StoreUnderBench> {
  const script = fileURLToPath(new URL('./dynalite-process.ts', import.meta.url));
  const server = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 300_000,
    killSignal: 'SIGKILL',
  });
  const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
  const clients: DynamoDBClient[] = [];
  const newClient = (): DynamoDBClient => {
    const client = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: 'local',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    clients.push(client);
    return client;
  };
  const bare = newClient();
  for (const table of ['postern', 'raw']) await ensureDynamoDbTable(bare, table);
  const newHandle = () => createDynamoDbBackend({ client: newClient(), tableName: 'postern', pollMs });
  const handles = [newHandle(), newHandle()] as const;
  return {
    label: 'DynamoDB (dynalite)',
    notes: [
      'DynamoDB: dynalite, which keeps everything in memory, stands in for it, so only ratios say anything; namespaces end at 1,000 there.',
    ],
    handles,
    raw: { side: await rawSide(bare, 'raw') },
    pollMs,
    sizes: [100, 1_000],
    async openFilled(namespaces) {
      const tableName = `filled-${namespaces}`;
      await ensureDynamoDbTable(bare, tableName);
      return filled(createDynamoDbBackend({ client: bare, tableName }), namespaces, {
        async bareGet(namespace) {
          const Key = { p: { S: namespace }, s: { S: 'record' } };
          const command = new GetItemCommand({ TableName: tableName, Key, ConsistentRead: true });
          return isWhole((await bare.send(command)).Item);
        },
        close: () => {},
      });
    },
    async close() {
      await Promise.all(handles.map((handle) => handle.close()));
      for (const client of clients) client.destroy();
      server.kill('SIGKILL');
    },
  };
}

async function rawSide(client: DynamoDBClient, TableName: string): Promise<Side> {
  const versions = new Map<number, string>();
  let last = 0;
  const keyOf = (at: number) => ({ p: { S: `client:user:${at % 64}` }, s: { S: `record:${at}` } });

  const write = async (at: number, condition: object): Promise<boolean> => {
    const version = String(++last);
    const Item = { ...keyOf(at), v: { B: value }, r: { S: version } };
    await client.send(new PutItemCommand({ TableName, Item, ...condition }));
    versions.set(at, version);
    return true;
  };
  for (let at = 0; at < listLength; at++) {
    const Item = { p: { S: 'list' }, s: { S: String(at + 100) }, v: { B: value }, r: { S: '0' } };
    await client.send(new PutItemCommand({ TableName, Item }));
  }
  return {
    put: (at) => write(at, {}),
    replace: (at) =>
      write(at, {
        ConditionExpression: 'r = :r',
        ExpressionAttributeValues: { ':r': { S: versions.get(at) ?? '' } },
      }),
    async get(at) {
      const { Item } = await client.send(
        new GetItemCommand({ TableName, Key: keyOf(at), ConsistentRead: true }),
      );
      return isWhole(Item);
    },
    async list() {
      const { Items = [] } = await client.send(
        new QueryCommand({
          TableName,
          ConsistentRead: true,
          KeyConditionExpression: 'p = :p',
          ExpressionAttributeValues: { ':p': { S: 'list' } },
          Limit: 100,
        }),
      );
      return Items.filter(isWhole).length === listLength;
    },
    async take(at) {
      const { Attributes } = await client.send(
        new DeleteItemCommand({ TableName, Key: keyOf(at), ReturnValues: 'ALL_OLD' }),
      );
      return isWhole(Attributes);
    },
  };
}

function isWhole(item: { v?: { B?: Uint8Array | undefined } } | undefined): boolean {
  return item?.v?.B?.byteLength === valueBytes;
}

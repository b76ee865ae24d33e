import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createInterface } from 'node:readline';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
// @ts-expect-error -- it has no types
import createDynalite from 'dynalite';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { storageConformance } from '../../src/storage/conformance/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import {
  createDynamoDbBackend,
  ensureDynamoDbTable,
  type DynamoDbOptions,
} from '../../src/storage/dynamodb/index.ts';
import { encrypted } from '../../src/storage/encrypted.ts';
import { createKeyring } from '../../src/storage/keyring.ts';
import { FaultProxy } from '../support/fault-proxy.ts';

const tableName = 'postern';
const value = Uint8Array.of(1);
const dynalite = (createDynalite as (options: object) => Server)({ createTableMs: 0 });
const server = createServer();
const stopServing = serveTransactions(server, dynalite);
dynalite.listen(0, '127.0.0.1');
server.listen(0, '127.0.0.1');
await Promise.all([once(dynalite, 'listening'), once(server, 'listening')]);
afterAll(stopServing);

/** What dynalite is asked to do inside a transaction. */
interface WireWrite {
  readonly TableName: string;
  readonly Key?: Record<string, object>;
  readonly Item?: Record<string, object>;
}

/**
 * Puts the one operation that dynalite lacks in front of it: `TransactWriteItems` of puts and deletes.
 *
 * dynalite judges each condition. That all happens or nothing, and that nobody sees a part, comes from here: a
 * transaction runs while no other request does, and undoes what it did when a condition fails.
 */
function serveTransactions(front: Server, inner: Server): () => void {
  const [handle] = inner.listeners('request') as RequestListener[];
  const done = new Map<string, string>();
  const running = new Set<Promise<unknown>>();
  let lastTransaction: Promise<unknown> = Promise.resolve();

  const ask = async (
    request: IncomingMessage,
    operation: string,
    input: object,
  ): Promise<[number, object]> => {
    const headers = { ...(request.headers as Record<string, string>) };
    headers['x-amz-target'] = `DynamoDB_20120810.${operation}`;
    delete headers['content-length'];
    const url = `http://127.0.0.1:${(inner.address() as AddressInfo).port}`;
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(input) });
    return [answer.status, (await answer.json()) as object];
  };

  const transact = async (request: IncomingMessage, body: string): Promise<[number, object]> => {
    const { TransactItems, ClientRequestToken } = JSON.parse(body) as {
      TransactItems: Record<string, WireWrite>[];
      ClientRequestToken: string;
    };
    const error = (name: string, more: object = {}): [number, object] => [
      400,
      { __type: `v#${name}`, ...more },
    ];
    if (TransactItems.length > 100) return error('ValidationException');
    const before = done.get(ClientRequestToken);
    if (before !== undefined)
      return before === body ? [200, {}] : error('IdempotentParameterMismatchException');
    const undo: [string, object][] = [];
    for (const [index, item] of TransactItems.entries()) {
      const [[kind, write]] = Object.entries(item) as [[string, WireWrite]];
      const { TableName, Item } = write;
      const Key = write.Key ?? { p: Item!['p']!, s: Item!['s']! };
      const [, old] = await ask(request, 'GetItem', { TableName, Key, ConsistentRead: true });
      const [status, answer] = await ask(request, `${kind}Item`, write);
      if (status === 200) {
        undo.push('Item' in old ? ['PutItem', { TableName, ...old }] : ['DeleteItem', { TableName, Key }]);
        continue;
      }
      for (const [operation, input] of undo) expect((await ask(request, operation, input))[0]).toBe(200);
      if (!JSON.stringify(answer).includes('ConditionalCheckFailedException')) return [status, answer];
      const CancellationReasons = TransactItems.map((_, at) => ({
        Code: at === index ? 'ConditionalCheckFailed' : 'None',
      }));
      return error('TransactionCanceledException', { CancellationReasons });
    }
    done.set(ClientRequestToken, body);
    return [200, {}];
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    request.on('error', () => {});
    if (!request.headers['x-amz-target']?.toString().endsWith('.TransactWriteItems')) {
      for (let seen; seen !== lastTransaction;) await (seen = lastTransaction);
      const answered = once(response, 'close').finally(() => running.delete(answered));
      running.add(answered);
      handle!.call(inner, request, response);
      return;
    }
    const body = await text(request);
    const others = lastTransaction;
    const transaction = (async () => {
      await others;
      await Promise.all(running);
      return transact(request, body);
    })();
    lastTransaction = transaction.catch(() => {});
    const [status, answer] = await transaction;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
  };
  front.on('request', (request, response) => void serve(request, response));
  return () => {
    for (const each of [front, inner]) each.closeAllConnections();
    front.close();
    inner.close();
  };
}

function newClient(port = (server.address() as AddressInfo).port): DynamoDBClient {
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  afterAll(() => client.destroy());
  return client;
}

const client = newClient();
await ensureDynamoDbTable(client, tableName);

function open(options: Partial<DynamoDbOptions> = {}): StorageBackend {
  const store = createDynamoDbBackend({ client, tableName, ...options });
  onTestFinished(() => store.close());
  return store;
}

function manualClock(): { now: () => number; advance: (ms: number) => void } {
  let nowMs = 1_800_000_000_000;
  return { now: () => nowMs, advance: (ms) => void (nowMs += ms) };
}

const keyring = createKeyring([{ id: 'k1', key: new Uint8Array(32).fill(1) }]);

describe.each(['plain', 'encrypted'])('a DynamoDB store, %s', (form) => {
  test.each(storageConformance({ operations: 1_000 }).map((each) => ({ ...each })))(
    '$title',
    async ({ run }) => {
      const clock = manualClock();
      const make = (): StorageBackend =>
        createDynamoDbBackend({ client: newClient(), tableName, clock: clock.now, pollMs: 40 });
      const subject = {
        clock,
        separateHandles: true,
        open: async () => (form === 'plain' ? make() : encrypted(make(), keyring)),
      };
      await expect(run(subject)).resolves.toBeUndefined();
    },
    120_000,
  );
});

test('entries live and end by the real clock', async () => {
  const store = open();
  const expiresAtMs = Date.now() + 700;
  await store.commit([{ put: ['real clock', 'a'], value, expiresAtMs }]);
  expect(await store.get(['real clock', 'a'])).toMatchObject({ expiresAtMs });
  await expect.poll(() => store.get(['real clock', 'a']), { timeout: 2_000 }).toBeUndefined();
  expect(Date.now()).toBeGreaterThanOrEqual(expiresAtMs);
});

// Fewer than at the other stores: most of what each costs here is dynalite's.
test('of 2,500 entries that two processes try to take, none is taken twice and none is lost', async () => {
  const names = Array.from({ length: 2_500 }, (_, index) => String(index).padStart(5, '0'));
  for (let start = 0; start < names.length; start += 25) {
    const requests = names.slice(start, start + 25).map((name) => ({
      PutRequest: {
        Item: {
          p: { S: 'queue' },
          s: { S: name },
          v: { B: new TextEncoder().encode(name) },
          r: { S: `v${name}` },
        },
      },
    }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [tableName]: requests } }));
  }
  const script = `
    import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
    const { createDynamoDbBackend } = await import('../../src/storage/dynamodb/index.ts');
    const client = new DynamoDBClient({ endpoint: process.argv[1], region: 'local', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } });
    const store = createDynamoDbBackend({ client, tableName: '${tableName}', timeoutMs: 30_000 });
    const taken = [];
    console.log('ready');
    await new Promise((start) => process.stdin.once('data', start));
    for (;;) {
      const entries = await store.list(['queue'], { limit: 100 });
      if (entries.length === 0) break;
      await Promise.all(entries.map(async ({ key, version, value }) => {
        if (await store.commit([{ delete: key, expect: version }])) taken.push(new TextDecoder().decode(value));
      }));
    }
    process.stdout.write(JSON.stringify(taken) + '\\n', () => process.exit(0));`;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workers = [1, 2].map(() => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, url], {
      cwd: import.meta.dirname,
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 280_000,
      killSignal: 'SIGKILL',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
  });
  for (const { lines } of workers) expect((await lines.next()).value).toBe('ready');
  for (const { child } of workers) child.stdin.write('go\n');
  const taken = await Promise.all(
    workers.map(async ({ lines }) => JSON.parse(String((await lines.next()).value)) as string[]),
  );
  expect(taken.flat().toSorted()).toEqual(names);
  // Otherwise the processes only took turns, and nothing was proved.
  for (const each of taken) expect(each.length).toBeGreaterThan(100);
}, 300_000);

describe('what is in the table', () => {
  test('an item has its keys, value, version, end in milliseconds, and the second from which DynamoDB may delete it', async () => {
    const store = open();
    const [version] = (await store.commit([
      { put: ['in table', 'a:b', 'c'], value, expiresAtMs: 1_800_000_000_001 },
    ]))!;
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    expect(Items.filter(({ p }) => p?.S === 'in table')).toEqual([
      {
        p: { S: 'in table' },
        s: { S: 'a%3Ab:c' },
        v: { B: value },
        r: { S: version },
        e: { N: '1800000000001' },
        t: { N: '1800000001' },
      },
    ]);
  });

  test('the item of a signal is in no listing, not even of the partition it lies in', async () => {
    const store = open();
    await store.signal('channel');
    const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
    const partitions = Items.filter(({ s }) => s?.S === '!signal').map(({ p }) => p!.S!);
    expect(partitions.length).toBeGreaterThan(0);
    for (const partition of partitions) expect(await store.list([partition])).toEqual([]);
  });

  test('an item of another program is reported as corrupt, not as missing', async () => {
    const Item = { p: { S: 'foreign' }, s: { S: 'a' }, v: { S: 'text' } };
    await client.send(new PutItemCommand({ TableName: tableName, Item }));
    const corrupt = { code: 'ERR_POSTERN_STORAGE_CORRUPT' };
    await expect(open().get(['foreign', 'a'])).rejects.toMatchObject(corrupt);
    const store = open();
    await store.commit([{ put: ['foreign', 'b'], value }]);
    expect(await store.list(['foreign'])).toMatchObject([
      { key: ['foreign', 'a'], unreadable: corrupt },
      { key: ['foreign', 'b'], value },
    ]);
  });

  test('the longest keys that are allowed fit, and a partition of more bytes than DynamoDB takes is refused', async () => {
    const store = open();
    const partition = 'é'.repeat(1_024);
    await store.commit([{ put: [partition, 'x'.repeat(1_024)], value: new Uint8Array(350_000) }]);
    await store.commit([
      { put: [partition, 'y'.repeat(1_022)], value },
      { put: [partition, 'y'.repeat(1_022), 'z'], value },
    ]);
    expect(await store.list([partition, 'y'.repeat(1_022)])).toHaveLength(1);
    expect(await store.list([partition, 'x'.repeat(1_024)])).toEqual([]);
    expect(await store.list([partition], { after: [partition, 'x'.repeat(1_024)] })).toHaveLength(2);
    const invalid = { code: 'ERR_POSTERN_STORAGE_KEY_INVALID' };
    const tooLong = '漢'.repeat(683);
    await expect(store.get([tooLong, 'a'])).rejects.toMatchObject(invalid);
    await expect(store.list([tooLong])).rejects.toMatchObject(invalid);
    await expect(store.commit([{ put: [tooLong, 'a'], value }])).rejects.toMatchObject(invalid);
  });

  test('a listing goes on past 2,000 expired entries', async () => {
    const clock = manualClock();
    const store = open({ clock: clock.now });
    for (let start = 0; start < 2_000; start += 100) {
      await store.commit(
        Array.from({ length: 100 }, (_, index) => ({
          put: ['mortal', String(start + index).padStart(4, '0')] as const,
          value,
          expiresAtMs: clock.now() + 1,
        })),
      );
    }
    await store.commit([{ put: ['mortal', 'survivor'], value }]);
    clock.advance(1);
    expect((await store.list(['mortal'], { limit: 2 })).map(({ key }) => key[1])).toEqual(['survivor']);
  }, 120_000);
});

describe('ensureDynamoDbTable', () => {
  test('a table that is there is left as it is', async () => {
    await expect(ensureDynamoDbTable(client, tableName)).resolves.toBeUndefined();
  });

  test('a table of another program is refused', async () => {
    await client.send(
      new CreateTableCommand({
        TableName: 'theirs',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await expect(ensureDynamoDbTable(client, 'theirs')).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED',
    });
  });
});

test('a missing table is unavailable, with cause and hint', async () => {
  await expect(open({ tableName: 'missing' }).get(['p', 'a'])).rejects.toMatchObject({
    code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    cause: { name: 'ResourceNotFoundException' },
    hint: expect.stringContaining('dynamoDbTable'),
  });
});

describe('on a connection that fails', () => {
  const unavailable = { code: 'ERR_POSTERN_STORAGE_UNAVAILABLE', cause: expect.any(Error) };

  async function openProxied(options: Partial<DynamoDbOptions> = {}): Promise<[StorageBackend, FaultProxy]> {
    const proxy = await FaultProxy.open({ port: (server.address() as AddressInfo).port });
    onTestFinished(() => proxy.close());
    return [open({ client: newClient(proxy.port), ...options }), proxy];
  }

  test.each(['request', 'reply'] as const)(
    'a put whose %s is cut off is unavailable and not sent again, and the next call succeeds',
    async (moment) => {
      const [store, proxy] = await openProxied();
      const key = ['cut put', moment] as const;
      await store.get(key);
      const cut = proxy.cutNext(moment);
      await expect(store.commit([{ put: key, value, expect: 'absent' }])).rejects.toMatchObject(unavailable);
      await cut;
      expect((await store.get(key)) !== undefined).toBe(moment === 'reply');
      expect(await store.commit([{ put: key, value }])).toHaveLength(1);
    },
  );

  test('an entry that was taken is not put back by a put whose answer was lost', async () => {
    const [store, proxy] = await openProxied();
    const other = open();
    const key = ['taken', 'a'] as const;
    await store.get(key);
    const taken = proxy.cutNext('reply').then(async () => other.commit([{ delete: key }]));
    await expect(store.commit([{ put: key, value, expect: 'absent' }])).rejects.toMatchObject(unavailable);
    expect(await taken).toEqual(['']);
    expect(await other.get(key)).toBeUndefined();
  });

  test('a replacement whose answer was lost is recognised as done when it is sent again', async () => {
    const [store, proxy] = await openProxied();
    const key = ['replaced', 'a'] as const;
    const [first] = (await store.commit([{ put: key, value }]))!;
    const cut = proxy.cutNext('reply');
    const [second] = (await store.commit([{ put: key, value, expect: first }]))!;
    await cut;
    expect((await store.get(key))?.version).toBe(second);
    expect(second).not.toBe(first);
  });

  test('a take whose answer was lost is never reported as lost to another', async () => {
    const [store, proxy] = await openProxied();
    const key = ['take', 'a'] as const;
    const [version] = (await store.commit([{ put: key, value }]))!;
    const cut = proxy.cutNext('reply');
    await expect(store.commit([{ delete: key, expect: version }])).rejects.toMatchObject({
      code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
    });
    await cut;
    expect(await store.get(key)).toBeUndefined();
  });

  test.each(['request', 'reply'] as const)(
    'a commit of several changes whose %s is cut off is done once, and says so',
    async (moment) => {
      const [store, proxy] = await openProxied();
      await store.get(['cut commit', moment]);
      const cut = proxy.cutNext(moment);
      const versions = await store.commit([
        { put: ['cut commit', moment], value, expect: 'absent' },
        { put: ['cut commit', moment, 'beside'], value, expect: 'absent' },
      ]);
      await cut;
      expect(versions?.[0]).toBe((await store.get(['cut commit', moment]))?.version);
    },
  );

  test('in a black hole every call ends at its deadline, which the error names, and later calls succeed', async () => {
    const [store, proxy] = await openProxied({ timeoutMs: 1_500 });
    await store.get(['hole', 'a']);
    proxy.blackHole();
    const calls: (() => Promise<unknown>)[] = [
      () => store.get(['hole', 'a']),
      () => store.list(['hole']),
      () => store.commit([{ put: ['hole', 'a'], value }]),
      () => store.commit([{ put: ['hole', 'a'], value }, { delete: ['hole', 'b'] }]),
      () => store.signal('hole'),
      () => store.listen('hole', () => {}),
    ];
    const started = performance.now();
    for (const outcome of await Promise.allSettled(calls.map((call) => call()))) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { ...unavailable, message: expect.stringContaining('1500 ms') },
      });
    }
    expect(performance.now() - started).toBeGreaterThan(1_490);
    expect(performance.now() - started).toBeLessThan(8_000);
    proxy.pass();
    for (const call of calls) await call();
    expect(await store.get(['hole', 'a'])).toBeDefined();
  });

  test('a handle is closed at the latest when the deadline of its last call is over', async () => {
    const [store, proxy] = await openProxied({ timeoutMs: 1_500 });
    proxy.blackHole();
    const read = store.get(['hole', 'a']).catch((error: unknown) => error);
    const started = performance.now();
    await store.close();
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(await read).toMatchObject(unavailable);
  });

  test('a listener hears, after a cut, the signal that was sent meanwhile', async () => {
    const [store, proxy] = await openProxied({ pollMs: 50, timeoutMs: 1_500 });
    let heard = 0;
    await store.listen('cut off', () => heard++);
    proxy.refuse();
    await open().signal('cut off');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(heard).toBe(0);
    proxy.pass();
    await expect.poll(() => heard, { timeout: 2_000 }).toBe(1);
  });
});

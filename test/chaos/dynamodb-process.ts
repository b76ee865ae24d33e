/**
 * A DynamoDB in a process of its own: `node dynamodb-process.ts <port> <directory>`.
 *
 * dynalite lacks one operation, `TransactWriteItems`; it is done here, out of puts and deletes, while no other request
 * runs. SIGTERM cuts every connection between two transactions and never within one, as the real service would.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import {
  createServer,
  request as sendRequest,
  Agent,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
// @ts-expect-error -- it has no types
import createDynalite from 'dynalite';

interface WireWrite {
  readonly TableName: string;
  readonly Key?: Record<string, object>;
  readonly Item?: Record<string, object>;
}

type Reply = readonly [status: number, answer: object];

const [port = '0', directory = ''] = process.argv.slice(2);
const inner = (createDynalite as (options: object) => Server)({ path: directory, createTableMs: 0 });
inner.listen(0, '127.0.0.1');
await once(inner, 'listening');
const { port: innerPort } = inner.address() as AddressInfo;
const agent = new Agent({ keepAlive: true });

/** Tokens of transactions that were done, in a file: an attempt that comes again after a restart is known. */
const tokenFile = `${directory}.tokens`;
const done = new Set(existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').split('\n') : []);
const running = new Set<Promise<unknown>>();
let transaction: Promise<unknown> = Promise.resolve();
let isEnding = false;

async function ask(
  headers: IncomingMessage['headers'],
  operation: string,
  body: string,
): Promise<[number, string]> {
  const { 'content-length': _length, ...rest } = headers;
  const sent = sendRequest({
    host: '127.0.0.1',
    port: innerPort,
    method: 'POST',
    agent,
    headers: {
      ...rest,
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'content-length': Buffer.byteLength(body),
    },
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return [answer.statusCode ?? 500, await text(answer)];
}

async function transact(headers: IncomingMessage['headers'], body: string): Promise<Reply> {
  const { TransactItems, ClientRequestToken } = JSON.parse(body) as {
    TransactItems: Record<string, WireWrite>[];
    ClientRequestToken: string;
  };
  if (done.has(ClientRequestToken)) return [200, {}];
  const undo: [operation: string, input: object][] = [];
  for (const [index, item] of TransactItems.entries()) {
    const [[kind, write] = ['Put', { TableName: '' }]] = Object.entries(item);
    const { TableName, Item } = write;
    const Key = write.Key ?? { p: Item?.['p'], s: Item?.['s'] };
    const [, old] = await ask(headers, 'GetItem', JSON.stringify({ TableName, Key, ConsistentRead: true }));
    const [status, answer] = await ask(headers, `${kind}Item`, JSON.stringify(write));
    if (status === 200) {
      const { Item: before } = JSON.parse(old) as { Item?: object };
      undo.push(
        before === undefined ? ['DeleteItem', { TableName, Key }] : ['PutItem', { TableName, Item: before }],
      );
      continue;
    }
    for (const [operation, input] of undo.toReversed()) await ask(headers, operation, JSON.stringify(input));
    if (!answer.includes('ConditionalCheckFailedException')) return [status, JSON.parse(answer) as object];
    const CancellationReasons = TransactItems.map((_, at) => ({
      Code: at === index ? 'ConditionalCheckFailed' : 'None',
    }));
    return [
      400,
      { __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException', CancellationReasons },
    ];
  }
  done.add(ClientRequestToken);
  appendFileSync(tokenFile, `${ClientRequestToken}\n`);
  return [200, {}];
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
  if (operation !== 'TransactWriteItems') {
    for (let seen; seen !== transaction;) await (seen = transaction);
    const asked = ask(request.headers, operation, body);
    const tracked = asked.catch(() => {}).finally(() => running.delete(tracked));
    running.add(tracked);
    const [status, reply] = await asked;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(reply);
    return;
  }
  const before = transaction;
  const mine = (async () => {
    await before;
    await Promise.all(running);
    if (isEnding) return [500, { __type: 'InternalServerError' }] as const;
    return transact(request.headers, body);
  })();
  transaction = mine.catch(() => {});
  const [status, reply] = await mine;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(reply));
}

const server = createServer(
  (request, response) => void serve(request, response).catch(() => response.destroy()),
);
server.listen(Number(port), '127.0.0.1');

process.on('SIGTERM', () => {
  isEnding = true;
  void transaction.then(() => process.exit(0));
});

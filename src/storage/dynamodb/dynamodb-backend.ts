import type { ScanCommandInput, TransactWriteItem } from '@aws-sdk/client-dynamodb';
import { encodeBase64Url } from '../../core/base64url.ts';
import { systemClock, type Clock } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { systemRandom } from '../../core/random.ts';
import { checkCommit, entryPathOf, type CheckedChange, type CheckedCommit } from '../checked-commit.ts';
import {
  absent,
  type Capabilities,
  type Change,
  type Entry,
  type Key,
  type Page,
  type Partitions,
  type PartitionsPage,
  type StorageBackend,
} from '../contract.ts';
import { DynamoDbCalls, type DynamoDbCall } from './dynamodb-calls.ts';
import { checkDynamoDbClient, type DynamoDbClient } from './dynamodb-client.ts';
import {
  checkPartition,
  conditionOf,
  entryOf,
  itemKey,
  itemOf,
  wholeMs,
  type DynamoDbItem,
} from './dynamodb-item.ts';
import { dynamoDbSignalNumbers, signalPath } from './dynamodb-signals.ts';
import { decodePath, maxEncodedBytes } from '../keys.ts';
import { pageRange, partitionsLimit } from '../page-range.ts';
import { PolledSignals } from '../polled-signals.ts';
import { listedEntry } from '../unreadable.ts';

/** What a DynamoDB store is made of. */
export interface DynamoDbOptions {
  /** Made and destroyed by the program. It must not be made with `cacheMiddleware`. */
  readonly client: DynamoDbClient;
  /** A table as `dynamoDbTable` describes it, for Postern alone. */
  readonly tableName: string;
  /** How long one call may take, with all its attempts, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /** Judges expiry. DynamoDB has no clock to ask, so processes on one table must agree on theirs. */
  readonly clock?: Clock | undefined;
  /** How often a process that listens looks for the signals of others, in milliseconds. Default 500. */
  readonly pollMs?: number | undefined;
}

/** DynamoDB's limit of changes in one transaction. */
const maxChanges = 100;

/** DynamoDB takes 4 MiB of items in one transaction; this leaves room for the names and numbers of 100 of them. */
const maxCommitBytes = 4_100_000;

/** Items that one `Query` looks at, at most. */
const maxQueryLength = 1_000;

/** A letter before all that an encoded path begins with. */
const beforeAllPaths = '!~';

/** The driver. Use `createDynamoDbBackend` to make one. */
export class DynamoDbBackend implements StorageBackend {
  readonly capabilities: Capabilities = {
    durable: true,
    shared: true,
    atRest: 'plain',
    // DynamoDB's 400 KB are for the whole item: this leaves room for both keys at their longest.
    maxValueBytes: 350_000,
  };

  readonly #calls: DynamoDbCalls;
  readonly #signals: PolledSignals;
  readonly #tableName: string;
  readonly #name: string;
  readonly #clock: Clock;

  constructor(options: DynamoDbOptions) {
    const { client, tableName, timeoutMs = 5_000, clock = systemClock, pollMs = 500 } = options;
    if (!(timeoutMs >= 1)) throw new TypeError('timeoutMs must be at least 1');
    if (!(pollMs >= 1)) throw new TypeError('pollMs must be at least 1');
    checkDynamoDbClient(client);
    this.#name = `the DynamoDB table ${JSON.stringify(tableName)}`;
    this.#tableName = tableName;
    this.#clock = clock;
    this.#calls = new DynamoDbCalls(client, { name: this.#name, timeoutMs });
    const numbers = dynamoDbSignalNumbers(this.#calls, { tableName, newNumber: newVersion, now: clock });
    this.#signals = new PolledSignals(numbers, pollMs);
  }

  async get(key: Key): Promise<Entry | undefined> {
    this.#calls.mustBeOpen();
    const path = entryPathOf(key);
    const [partition] = key;
    checkPartition(partition);
    const item = await this.#calls.run('read', (call) => this.#getItem(call, partition, path));
    return item && entryOf(partition, item, this.#clock());
  }

  async list(prefix: Key, page?: Page): Promise<Entry[]> {
    this.#calls.mustBeOpen();
    const { partition, after, before, limit } = pageRange(prefix, page);
    checkPartition(partition);
    // Nothing can lie there, and DynamoDB refuses to look.
    if (limit === 0 || after >= before || before.length > maxEncodedBytes) return [];
    return this.#calls.run('listed', async (call) => {
      const entries: Entry[] = [];
      let start: DynamoDbItem | undefined;
      // A key condition has no "after", so the entry at `after` itself may come first, and is one too many.
      for (let length = page?.after === undefined ? limit : limit + 1; ; length *= 2) {
        const now = this.#clock();
        const found = await call.read((client, watched, options) =>
          client.send(
            watched(
              new call.sdk.QueryCommand({
                TableName: this.#tableName,
                ConsistentRead: true,
                KeyConditionExpression: 'p = :p AND s BETWEEN :after AND :before',
                FilterExpression: 'attribute_not_exists(e) OR e > :now',
                ExpressionAttributeValues: {
                  ':p': { S: partition },
                  ':after': { S: after === '' ? beforeAllPaths : after },
                  ':before': { S: before },
                  ':now': { N: wholeMs(now) },
                },
                Limit: Math.min(length, maxQueryLength),
                ExclusiveStartKey: start,
              }),
            ),
            options,
          ),
        );
        for (const item of found.Items ?? []) {
          if (item['s']?.S === after) continue;
          const key: Key = [partition, ...decodePath(item['s']?.S ?? '')];
          const entry = listedEntry(key, () => entryOf(partition, item, now));
          if (entry === undefined) continue;
          entries.push(entry);
          if (entries.length === limit) return entries;
        }
        // A page may hold only what has expired; only the lack of a place to go on from ends the listing.
        start = found.LastEvaluatedKey;
        if (start === undefined) return entries;
      }
    });
  }

  async partitions(page: PartitionsPage = {}): Promise<Partitions> {
    this.#calls.mustBeOpen();
    const size = partitionsLimit(page);
    return this.#calls.run('walked through', async (call) => {
      const { Items = [], LastEvaluatedKey } = await call.read((client, watched, options) =>
        client.send(watched(new call.sdk.ScanCommand(scanOf(this.#tableName, page.after, size))), options),
      );
      const partitions = new Set(Items.flatMap(({ p, s }) => (s?.S === signalPath ? [] : (p?.S ?? []))));
      return {
        partitions: [...partitions],
        ...(LastEvaluatedKey && {
          next: JSON.stringify([LastEvaluatedKey['p']?.S, LastEvaluatedKey['s']?.S]),
        }),
      };
    });
  }

  now(): Promise<number> {
    return Promise.resolve(this.#clock());
  }

  async commit(changes: readonly Change[]): Promise<readonly string[] | undefined> {
    this.#calls.mustBeOpen();
    const checked = checkCommit(changes, this.capabilities.maxValueBytes);
    const [first] = checked.changes;
    if (first === undefined) return [];
    this.#checkSize(checked);
    // DynamoDB refuses an empty text as a key, and no version is empty.
    if (checked.changes.some(({ expect }) => expect === '')) return undefined;
    // Copied before anything is awaited: the caller may reuse its arrays.
    const copied = checked.changes.map((change) =>
      change.value === undefined ? change : { ...change, value: new Uint8Array(change.value) },
    );
    const { partition } = checked;
    return this.#calls.run('written', (call) =>
      copied.length === 1
        ? this.#commitOne(call, partition, copied[0]!)
        : this.#commitMany(call, partition, copied),
    );
  }

  async signal(channel: string): Promise<void> {
    this.#calls.mustBeOpen();
    await this.#signals.signal(channel);
  }

  async listen(channel: string, wake: () => void): Promise<() => Promise<void>> {
    this.#calls.mustBeOpen();
    const unlisten = await this.#signals.listen(channel, wake);
    return async () => unlisten();
  }

  /** Waits for the calls that were made, each within its deadline. The client stays open: it is the program's. */
  async close(): Promise<void> {
    this.#signals.close();
    await this.#calls.close();
  }

  #checkSize({ partition, changes }: CheckedCommit): void {
    checkPartition(partition);
    const refused = (what: string): PosternError =>
      new PosternError('ERR_POSTERN_STORAGE_VALUE_TOO_LARGE', `one commit to ${this.#name} would ${what}`);
    if (changes.length > maxChanges) {
      throw refused(`make ${changes.length} changes; the limit is ${maxChanges}`);
    }
    if (changes.length === 1) return;
    const bytes = changes.reduce((sum, { path, value }) => sum + path.length + (value?.byteLength ?? 0), 0);
    if (bytes > maxCommitBytes) throw refused(`hold ${bytes} bytes; the limit is ${maxCommitBytes}`);
  }

  async #getItem(call: DynamoDbCall, partition: string, path: string): Promise<DynamoDbItem | undefined> {
    const { Item } = await call.read((client, watched, options) =>
      client.send(
        watched(
          new call.sdk.GetItemCommand({
            TableName: this.#tableName,
            Key: itemKey(partition, path),
            ConsistentRead: true,
          }),
        ),
        options,
      ),
    );
    return Item;
  }

  async #commitOne(
    call: DynamoDbCall,
    partition: string,
    change: CheckedChange,
  ): Promise<readonly string[] | undefined> {
    const { path, value, expect } = change;
    const version = value === undefined ? '' : newVersion();
    const TableName = this.#tableName;
    // A version never comes back, so a write that expects one happens at most once. Any other could undo what was
    // done between its two times: put back an entry that was taken meanwhile.
    const isRepeatable = expect !== undefined && expect !== absent;
    const { isDone, undecidedBy } = await call.write(isRepeatable, (client, watched, options) => {
      const condition = conditionOf(expect, this.#clock());
      if (value === undefined) {
        const Key = itemKey(partition, path);
        return client.send(
          watched(new call.sdk.DeleteItemCommand({ TableName, Key, ...condition })),
          options,
        );
      }
      const Item = itemOf(partition, change, version);
      return client.send(watched(new call.sdk.PutItemCommand({ TableName, Item, ...condition })), options);
    });
    if (isDone) return [version];
    if (undecidedBy === undefined) return undefined;
    if (value !== undefined && (await this.#getItem(call, partition, path))?.['r']?.S === version)
      return [version];
    throw new PosternError(
      'ERR_POSTERN_STORAGE_UNAVAILABLE',
      `${this.#name} did not say whether a write was done, and the entry has changed since`,
      { cause: undecidedBy },
    );
  }

  async #commitMany(
    call: DynamoDbCall,
    partition: string,
    changes: readonly CheckedChange[],
  ): Promise<readonly string[] | undefined> {
    const TableName = this.#tableName;
    // One moment and one token for all attempts: by the token DynamoDB knows an attempt it has already done.
    const now = this.#clock();
    const ClientRequestToken = newVersion();
    const versions = changes.map(({ value }) => (value === undefined ? '' : newVersion()));
    const TransactItems = changes.map((change, index): TransactWriteItem => {
      const condition = conditionOf(change.expect, now);
      return change.value === undefined
        ? { Delete: { TableName, Key: itemKey(partition, change.path), ...condition } }
        : { Put: { TableName, Item: itemOf(partition, change, versions[index]!), ...condition } };
    });
    const input = { TransactItems, ClientRequestToken };
    const { isDone } = await call.write(true, (client, watched, options) =>
      client.send(watched(new call.sdk.TransactWriteItemsCommand(input)), options),
    );
    return isDone ? versions : undefined;
  }
}

/** The input that reads on through the table, from where another page ended. */
function scanOf(TableName: string, after: string | undefined, Limit: number): ScanCommandInput {
  const input = { TableName, ConsistentRead: true, ProjectionExpression: 'p, s', Limit };
  if (after === undefined) return input;
  const [partition, path] = JSON.parse(after) as [string, string];
  return { ...input, ExclusiveStartKey: itemKey(partition, path) };
}

/** 96 random bits: no version returns, and none needs to be remembered. */
function newVersion(): string {
  return encodeBase64Url(systemRandom(12));
}

import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { PosternError } from '../../core/postern-error.ts';
import type { CheckedChange } from '../checked-commit.ts';
import { absent, type Entry } from '../contract.ts';
import { decodePath } from '../keys.ts';

/** An item of the table, or the key of one. */
export type DynamoDbItem = Record<string, AttributeValue>;

/** DynamoDB's own limit of a partition key, in bytes of UTF-8. */
const maxPartitionBytes = 2_048;

const encoder = new TextEncoder();

/**
 * Checks what this store alone cannot keep: a partition may be 1,024 letters of three bytes.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_KEY_INVALID
 */
export function checkPartition(partition: string): void {
  // Only then can it be too long.
  if (partition.length * 3 <= maxPartitionBytes) return;
  const { length } = encoder.encode(partition);
  if (length <= maxPartitionBytes) return;
  throw new PosternError(
    'ERR_POSTERN_STORAGE_KEY_INVALID',
    `a storage key has a partition of ${length} bytes; the limit of DynamoDB is ${maxPartitionBytes}`,
  );
}

export function itemKey(partition: string, path: string): { p: AttributeValue; s: AttributeValue } {
  return { p: { S: partition }, s: { S: path } };
}

/** The item that a change puts. */
export function itemOf(partition: string, change: CheckedChange, version: string): DynamoDbItem {
  const { path, value, expiresAtMs } = change;
  const item: DynamoDbItem = { ...itemKey(partition, path), v: { B: value! }, r: { S: version } };
  if (expiresAtMs !== undefined) {
    item['e'] = { N: String(expiresAtMs) };
    // Whole seconds, never before the entry's own end.
    item['t'] = { N: String(Math.ceil(expiresAtMs / 1_000)) };
  }
  return item;
}

/**
 * The live entry in an item, or `undefined` when its time is over.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_CORRUPT when another program wrote the item.
 */
export function entryOf(partition: string, item: DynamoDbItem, now: number): Entry | undefined {
  const { s, v, r, e } = item;
  if (s?.S === undefined || !(v?.B instanceof Uint8Array) || r?.S === undefined) {
    throw new PosternError(
      'ERR_POSTERN_STORAGE_CORRUPT',
      'an item of the table is not one that Postern wrote',
      {
        hint: 'Give Postern a table of its own.',
      },
    );
  }
  // A copy: the SDK's bytes may lie in a buffer shared with other answers.
  const entry = { key: [partition, ...decodePath(s.S)] as const, value: new Uint8Array(v.B), version: r.S };
  if (e?.N === undefined) return entry;
  const expiresAtMs = Number(e.N);
  return expiresAtMs > now ? { ...entry, expiresAtMs } : undefined;
}

/** The part of a write that holds an expectation. */
export interface DynamoDbCondition {
  ConditionExpression?: string;
  ExpressionAttributeValues?: DynamoDbItem;
}

/** What must hold of the item that is there, by the present in milliseconds. */
export function conditionOf(expect: string | undefined, now: number): DynamoDbCondition {
  if (expect === undefined) return {};
  const present: AttributeValue = { N: wholeMs(now) };
  if (expect === absent) {
    return {
      ConditionExpression: 'attribute_not_exists(s) OR e <= :now',
      ExpressionAttributeValues: { ':now': present },
    };
  }
  return {
    ConditionExpression: 'r = :version AND (attribute_not_exists(e) OR e > :now)',
    ExpressionAttributeValues: { ':version': { S: expect }, ':now': present },
  };
}

/** A moment as a number of DynamoDB. Ends are whole milliseconds, so rounding down changes no comparison. */
export function wholeMs(now: number): string {
  return String(Math.floor(now));
}

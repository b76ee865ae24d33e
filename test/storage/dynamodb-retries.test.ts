import { DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Change, StorageBackend } from '../../src/storage/contract.ts';
import { createDynamoDbBackend } from '../../src/storage/dynamodb/index.ts';

type Json = Record<string, unknown>;

/** An answer of the service: a status and a body. */
type Answer = readonly [status: number, body: Json];

interface Sent {
  readonly operation: string;
  readonly body: Json;
}

const ok: Answer = [200, {}];
const failed: Answer = [500, { __type: 'InternalServerError' }];
const unmet: Answer = [400, { __type: 'v#ConditionalCheckFailedException' }];
const refused = (name: string, more: Json = {}): Answer => [400, { __type: `v#${name}`, ...more }];
const cancelled = (...codes: string[]): Answer =>
  refused('TransactionCanceledException', { CancellationReasons: codes.map((Code) => ({ Code })) });
const throttled = refused('ProvisionedThroughputExceededException');

const value = Uint8Array.of(1);
const one: Change[] = [{ put: ['p', 'a'], value }];
const onlyIfAbsent: Change[] = [{ put: ['p', 'a'], value, expect: 'absent' }];
const overVersion: Change[] = [{ put: ['p', 'a'], value, expect: 'v1' }];
const two: Change[] = [{ put: ['p', 'a'], value, expect: 'absent' }, { delete: ['p', 'b'] }];

/** A store whose service answers as it is told, the last answer for ever. */
function openAnswering(
  answers: readonly Answer[],
  config: DynamoDBClientConfig = {},
  timeoutMs = 5_000,
): [StorageBackend, Sent[]] {
  const sent: Sent[] = [];
  const client = new DynamoDBClient({
    endpoint: 'http://dynamodb.invalid',
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: {
      handle: async ({ headers, body }: { headers: Record<string, string>; body: Uint8Array }) => {
        const operation = headers['x-amz-target']!.split('.')[1]!;
        sent.push({ operation, body: JSON.parse(new TextDecoder().decode(body)) as Json });
        const [statusCode, answer] = answers[sent.length - 1] ?? answers.at(-1)!;
        const bytes = new TextEncoder().encode(JSON.stringify(answer));
        return {
          response: { statusCode, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: bytes },
        };
      },
    },
    ...config,
  });
  const store = createDynamoDbBackend({ client, tableName: 'postern', timeoutMs });
  onTestFinished(() => store.close());
  return [store, sent];
}

const operations = (sent: readonly Sent[]): string[] => sent.map(({ operation }) => operation);
const unavailable = (name: string): object => ({
  code: 'ERR_POSTERN_STORAGE_UNAVAILABLE',
  cause: expect.objectContaining({ name }),
});

describe('a throttled table', () => {
  test.each<[string, (store: StorageBackend) => Promise<unknown>]>([
    ['get', (store) => store.get(['p', 'a'])],
    ['list', (store) => store.list(['p'])],
    ['one change', (store) => store.commit(onlyIfAbsent)],
    ['several changes', (store) => store.commit(two)],
    ['signal', (store) => store.signal('c')],
  ])('is asked again until it answers: %s', async (_name, call) => {
    const [store, sent] = openAnswering([throttled, throttled, throttled, throttled, throttled, ok]);
    await expect(call(store)).resolves.not.toThrow();
    expect(sent).toHaveLength(6);
  });

  test('is given up at the deadline, with the reason and what to do', async () => {
    const [store, sent] = openAnswering([throttled], {}, 600);
    const started = performance.now();
    await expect(store.commit(one)).rejects.toMatchObject({
      ...unavailable('ProvisionedThroughputExceededException'),
      message: expect.stringContaining('600 ms'),
      hint: expect.stringContaining('capacity'),
    });
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThan(590);
    expect(tookMs).toBeLessThan(4_000);
    const attempts = sent.length;
    expect(attempts).toBeGreaterThan(2);
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(sent).toHaveLength(attempts);
  });

  test('is not stormed: the pauses grow', async () => {
    const [store, sent] = openAnswering([throttled], { maxAttempts: 1 }, 2_000);
    await expect(store.get(['p', 'a'])).rejects.toMatchObject({ code: 'ERR_POSTERN_STORAGE_UNAVAILABLE' });
    expect(sent.length).toBeGreaterThan(3);
    expect(sent.length).toBeLessThan(40);
  });
});

describe('a transaction', () => {
  test.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'that another one kept from running (%s) is tried again, as the same one',
    async (reason) => {
      const [store, sent] = openAnswering([cancelled('None', reason), cancelled(reason, reason), ok]);
      expect(await store.commit(two)).toEqual([expect.any(String), '']);
      expect(sent).toHaveLength(3);
      expect(sent[1]).toEqual(sent[0]);
      expect(sent[2]).toEqual(sent[0]);
      expect(sent[0]?.body['ClientRequestToken']).toMatch(/^[\w-]{16}$/u);
    },
  );

  test('whose answer was lost is sent again as the same one', async () => {
    const [store, sent] = openAnswering([failed, ok]);
    expect(await store.commit(two)).toHaveLength(2);
    expect(sent[1]).toEqual(sent[0]);
  });

  test('is never taken for another one', async () => {
    const [store, sent] = openAnswering([ok]);
    await store.commit(two);
    await store.commit(two);
    expect(sent[1]?.body['ClientRequestToken']).not.toBe(sent[0]?.body['ClientRequestToken']);
  });

  test('with a condition that did not hold is undefined at once, whatever else kept it from running', async () => {
    const [store, sent] = openAnswering([cancelled('ConditionalCheckFailed', 'TransactionConflict')]);
    expect(await store.commit(two)).toBeUndefined();
    expect(sent).toHaveLength(1);
  });

  test.each([['ValidationError'], []])(
    'that can never run is an error at once: %s',
    async (...codes: string[]) => {
      const [store, sent] = openAnswering([cancelled(...codes)]);
      await expect(store.commit(two)).rejects.toMatchObject(unavailable('TransactionCanceledException'));
      expect(sent).toHaveLength(1);
    },
  );

  test('of more changes or bytes than DynamoDB takes is refused before it is sent', async () => {
    const [store, sent] = openAnswering([ok]);
    const many = (count: number, size: number): Change[] =>
      Array.from({ length: count }, (_, index) => ({ put: ['p', `${index}`], value: new Uint8Array(size) }));
    const tooLarge = { code: 'ERR_POSTERN_STORAGE_VALUE_TOO_LARGE' };
    await expect(store.commit(many(101, 1))).rejects.toMatchObject(tooLarge);
    await expect(store.commit(many(12, 350_000))).rejects.toMatchObject(tooLarge);
    await expect(store.commit(many(1, 350_001))).rejects.toMatchObject(tooLarge);
    expect(sent).toEqual([]);
    expect(await store.commit(many(100, 40_000))).toHaveLength(100);
  });
});

describe('one change', () => {
  test('whose condition did not hold is undefined, and not sent again', async () => {
    const [store, sent] = openAnswering([unmet]);
    expect(await store.commit(overVersion)).toBeUndefined();
    expect(operations(sent)).toEqual(['PutItem']);
  });

  test.each<[string, Change[]]>([
    ['without an expectation', one],
    ['that expects absence', onlyIfAbsent],
    ['a delete without an expectation', [{ delete: ['p', 'a'] }]],
  ])('whose answer was lost is not sent again: %s', async (_name, changes) => {
    const [store, sent] = openAnswering([failed, ok]);
    await expect(store.commit(changes)).rejects.toMatchObject(unavailable('InternalServerError'));
    expect(sent).toHaveLength(1);
  });

  test('that conflicts with a transaction is sent again', async () => {
    const [store, sent] = openAnswering([refused('TransactionConflictException'), ok]);
    expect(await store.commit(onlyIfAbsent)).toHaveLength(1);
    expect(sent).toHaveLength(2);
  });

  test('over a version, whose answer was lost: sent again; not done when the entry changed in between is an error, not "undefined"', async () => {
    const other = [
      200,
      { Item: { p: { S: 'p' }, s: { S: 'a' }, v: { B: 'AQ==' }, r: { S: 'v9' } } },
    ] as const;
    const [store, sent] = openAnswering([failed, unmet, other]);
    await expect(store.commit(overVersion)).rejects.toMatchObject(unavailable('InternalServerError'));
    expect(operations(sent)).toEqual(['PutItem', 'PutItem', 'GetItem']);
  });

  test('that expects an empty version never holds, and is not sent', async () => {
    const [store, sent] = openAnswering([ok]);
    expect(await store.commit([{ delete: ['p', 'a'], expect: '' }])).toBeUndefined();
    expect(sent).toEqual([]);
  });
});

test('get and list read consistently', async () => {
  const [store, sent] = openAnswering([ok]);
  await store.get(['p', 'a']);
  await store.list(['p', 'a']);
  expect(operations(sent)).toEqual(['GetItem', 'Query']);
  expect(sent.map(({ body }) => body['ConsistentRead'])).toEqual([true, true]);
});

test('a signal is written again when its answer was lost', async () => {
  const [store, sent] = openAnswering([failed, ok]);
  await expect(store.signal('c')).resolves.toBeUndefined();
  expect(sent).toHaveLength(2);
});

test.each([
  ['AccessDeniedException', 'actions'],
  ['UnknownOperationException', 'transactions'],
  ['ValidationException', 'keys'],
  ['UnrecognizedClientException', 'credentials'],
])('%s is an error at once, with a hint', async (name, hint) => {
  const [store, sent] = openAnswering([refused(name)], { maxAttempts: 1 });
  await expect(store.commit(two)).rejects.toMatchObject({
    ...unavailable(name),
    hint: expect.stringContaining(hint),
  });
  expect(sent).toHaveLength(1);
});

test('credentials that cannot be had are an error at once, and nothing is sent', async () => {
  const cause = Object.assign(new Error('no credentials'), { name: 'CredentialsProviderError' });
  const [store, sent] = openAnswering([ok], { credentials: () => Promise.reject(cause) });
  await expect(store.commit(one)).rejects.toMatchObject({
    ...unavailable('CredentialsProviderError'),
    hint: expect.stringContaining('credentials'),
  });
  expect(sent).toEqual([]);
});

test('credentials that never come are an error at the deadline', async () => {
  const [store, sent] = openAnswering([ok], { credentials: () => new Promise(() => {}) }, 300);
  await expect(store.get(['p', 'a'])).rejects.toMatchObject(unavailable('TimeoutError'));
  expect(sent).toEqual([]);
});

test('a client that caches middleware is refused', () => {
  expect(() => openAnswering([ok], { cacheMiddleware: true })).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});

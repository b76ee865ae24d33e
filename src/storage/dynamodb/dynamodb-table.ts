import type {
  CreateTableCommandInput,
  TableDescription,
  UpdateTimeToLiveCommandInput,
} from '@aws-sdk/client-dynamodb';
import { sleep } from '../../core/clock.ts';
import { isPosternError, PosternError } from '../../core/postern-error.ts';
import { loadDynamoDbSdk, type DynamoDbClient } from './dynamodb-client.ts';
import { dynamoDbError } from './dynamodb-error.ts';

/** How long a new table may take until it can be used. */
const longestCreationMs = 60_000;
const lookEveryMs = 250;

/** The table the driver needs, as the input of `CreateTableCommand`. Capacity is paid per request. */
export function dynamoDbTable(tableName: string): CreateTableCommandInput {
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'p', AttributeType: 'S' },
      { AttributeName: 's', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'p', KeyType: 'HASH' },
      { AttributeName: 's', KeyType: 'RANGE' },
    ],
  };
}

/** What lets DynamoDB delete expired entries for nothing, as the input of `UpdateTimeToLiveCommand`. */
export function dynamoDbTimeToLive(tableName: string): UpdateTimeToLiveCommandInput {
  return { TableName: tableName, TimeToLiveSpecification: { AttributeName: 't', Enabled: true } };
}

/**
 * Creates the table when it is missing and waits until it can be used, at most 60 seconds.
 *
 * For development and tests: in production a table belongs to whoever deploys, with its backups and alarms.
 *
 * @throws {PosternError} ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED when a table of that name has other keys.
 * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
 */
export async function ensureDynamoDbTable(client: DynamoDbClient, tableName: string): Promise<void> {
  const name = `the DynamoDB table ${JSON.stringify(tableName)}`;
  const sdk = await loadDynamoDbSdk();
  const abortSignal = AbortSignal.timeout(longestCreationMs);
  try {
    const isNew = await client
      .send(new sdk.CreateTableCommand(dynamoDbTable(tableName)), { abortSignal })
      .then(
        () => true,
        (error: unknown) => {
          if (nameOf(error) === 'ResourceInUseException') return false;
          throw error;
        },
      );
    for (;;) {
      const describe = new sdk.DescribeTableCommand({ TableName: tableName });
      const { Table } = await client.send(describe, { abortSignal });
      checkKeys(name, Table);
      if (Table?.TableStatus === 'ACTIVE') break;
      await sleep(lookEveryMs, { signal: abortSignal });
    }
    if (!isNew) return;
    await client
      .send(new sdk.UpdateTimeToLiveCommand(dynamoDbTimeToLive(tableName)), { abortSignal })
      .catch((error: unknown) => {
        // An emulator that deletes nothing. Expired entries do not exist anyway.
        if (nameOf(error) !== 'UnknownOperationException') throw error;
      });
  } catch (error) {
    if (isPosternError(error)) throw error;
    throw dynamoDbError(`${name} could not be created`, error);
  }
}

function checkKeys(name: string, table: TableDescription | undefined): void {
  const wanted = dynamoDbTable('');
  const keysOf = ({ KeySchema = [], AttributeDefinitions = [] }: TableDescription): string[] =>
    KeySchema.map(({ AttributeName, KeyType }) => {
      const definition = AttributeDefinitions.find((each) => each.AttributeName === AttributeName);
      return `${KeyType} ${AttributeName} ${definition?.AttributeType}`;
    });
  if (keysOf(table ?? {}).join() === keysOf(wanted).join()) return;
  throw new PosternError('ERR_POSTERN_STORAGE_SCHEMA_UNSUPPORTED', `${name} has other keys than p and s`, {
    hint: 'The table belongs to another program. Give Postern one of its own.',
  });
}

function nameOf(error: unknown): string | undefined {
  return error instanceof Error ? error.name : undefined;
}

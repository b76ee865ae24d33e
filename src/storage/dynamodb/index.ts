import type { StorageBackend } from '../contract.ts';
import { DynamoDbBackend, type DynamoDbOptions } from './dynamodb-backend.ts';

export type { DynamoDbOptions } from './dynamodb-backend.ts';
export type { DynamoDbClient } from './dynamodb-client.ts';
export { dynamoDbTable, dynamoDbTimeToLive, ensureDynamoDbTable } from './dynamodb-table.ts';

/**
 * A store in one DynamoDB table, on a client of the AWS SDK for JavaScript 3.
 *
 * Nothing is sent until the first call. Values are kept as they are given: put `encrypted` around it. One commit takes
 * up to 100 changes and about 4 MB; more is refused with `ERR_POSTERN_STORAGE_VALUE_TOO_LARGE` before it is sent.
 * DynamoDB has no push: the signals of other processes arrive within `pollMs`. A listing that runs beside a commit of
 * several changes may show some of them and not yet others.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the client caches middleware.
 */
export function createDynamoDbBackend(options: DynamoDbOptions): StorageBackend {
  return new DynamoDbBackend(options);
}

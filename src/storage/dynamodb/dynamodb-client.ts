import type * as sdk from '@aws-sdk/client-dynamodb';
import { PosternError } from '../../core/postern-error.ts';

/** What the driver needs of a client: `DynamoDBClient` of the AWS SDK for JavaScript, version 3. */
export type DynamoDbClient = Pick<sdk.DynamoDBClient, 'send'>;

/** The commands of the SDK. They are classes, so the package is needed when the program runs. */
export type DynamoDbSdk = typeof sdk;

let loaded: Promise<DynamoDbSdk> | undefined;

/**
 * Loads the commands at the first call, so that importing the driver does not need the package.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the package is not installed.
 */
export function loadDynamoDbSdk(): Promise<DynamoDbSdk> {
  loaded ??= import('@aws-sdk/client-dynamodb').catch((cause: unknown) => {
    throw new PosternError(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
      'the package @aws-sdk/client-dynamodb could not be loaded',
      { cause, hint: 'Install it beside postern: npm install @aws-sdk/client-dynamodb' },
    );
  });
  return loaded;
}

/**
 * Refuses a client on which a command cannot be watched.
 *
 * @throws {PosternError} ERR_POSTERN_CONFIG_MISCONFIGURED when the client caches middleware.
 */
export function checkDynamoDbClient(client: DynamoDbClient): void {
  const { config } = client as { readonly config?: { readonly cacheMiddleware?: unknown } };
  if (config?.cacheMiddleware !== true) return;
  // The SDK would repeat a write whose answer was lost, and the driver would not learn of it.
  throw new PosternError(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
    'the DynamoDB client was made with cacheMiddleware, which hides repeated writes from the driver',
    { hint: 'Make a client without cacheMiddleware for Postern.' },
  );
}

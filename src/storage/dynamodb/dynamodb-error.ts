import { PosternError } from '../../core/postern-error.ts';

/**
 * What a failed request says about the work it asked for.
 *
 * `condition`: not done, a condition did not hold. `busy`: not done, and the same may be done in a moment.
 * `refused`: not done, and trying again is in vain. `undecided`: done or not done, the answer was lost.
 */
export type DynamoDbFault = 'condition' | 'busy' | 'refused' | 'undecided';

const busy: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);

/** Why one item ended a transaction, when another attempt may succeed. `None`: it was another item's fault. */
const busyReasons: ReadonlySet<string | undefined> = new Set([
  'None',
  'ProvisionedThroughputExceeded',
  'ThrottlingError',
  'TransactionConflict',
]);

const credentials =
  'Check the credentials the client was made with, their region and the clock of this machine.';
const capacity = 'The table is throttled. Raise its capacity or its limits, or use on-demand capacity.';
const network = 'Nothing answers at the endpoint. Are the endpoint and the region of the client right?';

/** By the name of the service's error, or the system's code. */
const hints: Readonly<Record<string, string>> = {
  AccessDeniedException: 'Grant the actions that docs/storage-dynamodb.md lists, on this table.',
  CredentialsProviderError: credentials,
  ECONNREFUSED: network,
  ENOTFOUND: network,
  ExpiredTokenException: credentials,
  InvalidSignatureException: credentials,
  ProvisionedThroughputExceededException: capacity,
  RequestLimitExceeded: capacity,
  ResourceNotFoundException: 'Create the table as dynamoDbTable() describes it, and wait until it is active.',
  ThrottlingException: capacity,
  UnknownOperationException:
    'The server lacks an operation of DynamoDB; dynalite, for one, has no transactions.',
  UnrecognizedClientException: credentials,
  ValidationException: 'Does the table have the keys dynamoDbTable() describes: p and s, both texts?',
};

interface ServiceError {
  readonly name: string;
  readonly code?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number | undefined } | undefined;
  readonly $retryable?: { readonly throttling?: boolean | undefined } | undefined;
  readonly CancellationReasons?: readonly { readonly Code?: string | undefined }[] | undefined;
}

/** Judges what the SDK threw, by names and codes. */
export function faultOf(error: unknown): DynamoDbFault {
  if (!(error instanceof Error)) return 'undecided';
  const { name, $metadata, $retryable, CancellationReasons } = error as ServiceError;
  if (name === 'ConditionalCheckFailedException') return 'condition';
  if (name === 'TransactionCanceledException') {
    const reasons = CancellationReasons?.map(({ Code }) => Code) ?? [];
    if (reasons.includes('ConditionalCheckFailed')) return 'condition';
    return reasons.length > 0 && reasons.every((reason) => busyReasons.has(reason)) ? 'busy' : 'refused';
  }
  const status = $metadata?.httpStatusCode ?? 0;
  if (busy.has(name) || $retryable?.throttling === true || status === 429) return 'busy';
  return status >= 400 && status < 500 ? 'refused' : 'undecided';
}

/** What the SDK threw, as the error of the contract. `what` names the thing that failed. */
export function dynamoDbError(what: string, cause: unknown): PosternError {
  return new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', what, { cause, hint: hintFor(cause) });
}

function hintFor(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { name, code } = cause as ServiceError;
  return hints[name] ?? (typeof code === 'string' ? hints[code] : undefined);
}

import type { SignalNumbers } from '../polled-signals.ts';
import type { DynamoDbCall, DynamoDbCalls } from './dynamodb-calls.ts';
import { itemKey, type DynamoDbItem } from './dynamodb-item.ts';

/** The sort key of signals. No encoded path begins with this letter, so no listing of entries meets one. */
export const signalPath = '!signal';

/** How long a signal is kept for those who look for it. */
const keptSeconds = 3_600;

/** The numbers of one table's signals: an item for each channel, whose key spreads them. */
export function dynamoDbSignalNumbers(
  calls: DynamoDbCalls,
  options: { tableName: string; newNumber: () => string; now: () => number },
): SignalNumbers {
  const { tableName, newNumber, now } = options;
  // Not read consistently: what is a moment old costs half.
  const read = async (call: DynamoDbCall, ids: readonly string[]): Promise<Map<string, string>> => {
    const Keys = ids.map((id) => itemKey(id, signalPath));
    const { Responses } = await call.read((client, watched, sending) =>
      client.send(
        watched(
          new call.sdk.BatchGetItemCommand({
            RequestItems: { [tableName]: { Keys, ProjectionExpression: 'p, r' } },
          }),
        ),
        sending,
      ),
    );
    // There is one table; its name in the answer may be shorter than the one that was asked for.
    const items = Object.values(Responses ?? {}).flat();
    return new Map(items.map(({ p, r }) => [p?.S ?? '', r?.S ?? '']));
  };
  return {
    // DynamoDB's limit of one `BatchGetItem`.
    maxIds: 100,
    async renew(id) {
      const item: DynamoDbItem = {
        ...itemKey(id, signalPath),
        r: { S: newNumber() },
        t: { N: String(Math.ceil(now() / 1_000) + keptSeconds) },
      };
      await calls.run('signalled', (call) =>
        call.write(true, (client, watched, sending) =>
          client.send(watched(new call.sdk.PutItemCommand({ TableName: tableName, Item: item })), sending),
        ),
      );
    },
    read: (ids, why) => calls.run(why, (call) => read(call, ids)),
  };
}

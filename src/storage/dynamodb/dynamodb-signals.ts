import { hashId } from '../../core/random.ts';
import { ChannelListeners } from '../channel-listeners.ts';
import type { DynamoDbCall, DynamoDbCalls } from './dynamodb-calls.ts';
import { itemKey, type DynamoDbItem } from './dynamodb-item.ts';

/** The sort key of signals. No encoded path begins with this letter, so no listing of entries meets one. */
export const signalPath = '!signal';

/** How long a signal is kept for those who look for it. */
const keptSeconds = 3_600;

/** DynamoDB's limit of one `BatchGetItem`. */
const maxBatchLength = 100;

interface Watched {
  /** The hash of the channel. A channel may be longer than a key, and this spreads them. */
  readonly id: Promise<string>;
  /** Resolves once the signal that was last before the listening is known. */
  ready: Promise<void>;
  isReady: boolean;
  seen: string | undefined;
  listeners: number;
}

/**
 * The signals of one table.
 *
 * DynamoDB tells nobody that an item has changed. So each channel has an item with a number that every signal renews,
 * and those who listen look at the items of their channels, as long as somebody listens.
 */
export class DynamoDbSignals {
  readonly #calls: DynamoDbCalls;
  readonly #tableName: string;
  readonly #pollMs: number;
  readonly #newNumber: () => string;
  readonly #listeners = new ChannelListeners();
  readonly #watched = new Map<string, Watched>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(calls: DynamoDbCalls, options: { tableName: string; pollMs: number; newNumber: () => string }) {
    this.#calls = calls;
    this.#tableName = options.tableName;
    this.#pollMs = options.pollMs;
    this.#newNumber = options.newNumber;
  }

  /** Wakes the listeners of this handle at once, and those of others when they next look. */
  async signal(channel: string, now: number): Promise<void> {
    this.#listeners.wake(channel);
    const item: DynamoDbItem = {
      ...itemKey(await hashId(channel), signalPath),
      r: { S: this.#newNumber() },
      t: { N: String(Math.ceil(now / 1_000) + keptSeconds) },
    };
    await this.#calls.run('signalled', (call) =>
      // A signal may be doubled, so its write may be repeated.
      call.write(true, (client, watched, options) =>
        client.send(
          watched(new call.sdk.PutItemCommand({ TableName: this.#tableName, Item: item })),
          options,
        ),
      ),
    );
  }

  async listen(channel: string, wake: () => void): Promise<() => void> {
    const watched = this.#watch(channel);
    watched.listeners++;
    const remove = this.#listeners.add(channel, wake);
    let isOver = false;
    const unlisten = (): void => {
      if (isOver) return;
      isOver = true;
      remove();
      this.#unwatch(channel, watched);
    };
    try {
      await watched.ready;
    } catch (error) {
      unlisten();
      throw error;
    }
    return unlisten;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#listeners.clear();
    this.#watched.clear();
  }

  #watch(channel: string): Watched {
    const found = this.#watched.get(channel);
    if (found !== undefined) return found;
    const watched: Watched = {
      id: hashId(channel),
      ready: Promise.resolve(),
      isReady: false,
      seen: undefined,
      listeners: 0,
    };
    watched.ready = this.#readFirst(watched);
    this.#watched.set(channel, watched);
    this.#lookLater();
    return watched;
  }

  #unwatch(channel: string, watched: Watched): void {
    watched.listeners--;
    if (watched.listeners > 0 || this.#watched.get(channel) !== watched) return;
    this.#watched.delete(channel);
    if (this.#watched.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #readFirst(watched: Watched): Promise<void> {
    const id = await watched.id;
    watched.seen = await this.#calls.run('listened to', async (call) =>
      (await this.#read(call, [id])).get(id),
    );
    watched.isReady = true;
  }

  #lookLater(): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.#look().finally(() => {
        this.#timer = undefined;
        if (this.#watched.size > 0) this.#lookLater();
      });
    }, this.#pollMs);
    if (typeof this.#timer === 'object') this.#timer.unref();
  }

  async #look(): Promise<void> {
    const channels = [...this.#watched].filter(([, { isReady }]) => isReady);
    for (let start = 0; start < channels.length; start += maxBatchLength) {
      const batch = channels.slice(start, start + maxBatchLength);
      try {
        const ids = await Promise.all(batch.map(([, { id }]) => id));
        const numbers = await this.#calls.run('polled', (call) => this.#read(call, ids));
        for (const [index, [channel, watched]] of batch.entries()) {
          const number = numbers.get(ids[index]!);
          if (number === undefined || number === watched.seen) continue;
          watched.seen = number;
          this.#listeners.wake(channel);
        }
      } catch {
        // The next look finds what this one missed. Those who wait read the store themselves, and learn there that it fails.
      }
    }
  }

  /** The numbers of the channels that have one. Not read consistently: what is a moment old costs half. */
  async #read(call: DynamoDbCall, ids: readonly string[]): Promise<Map<string, string>> {
    const Keys = ids.map((id) => itemKey(id, signalPath));
    const { Responses } = await call.read((client, watched, options) =>
      client.send(
        watched(
          new call.sdk.BatchGetItemCommand({
            RequestItems: { [this.#tableName]: { Keys, ProjectionExpression: 'p, r' } },
          }),
        ),
        options,
      ),
    );
    // There is one table; its name in the answer may be shorter than the one that was asked for.
    const items = Object.values(Responses ?? {}).flat();
    return new Map(items.map(({ p, r }) => [p?.S ?? '', r?.S ?? '']));
  }
}

import { hashId } from '../../core/random.ts';
import { ChannelListeners } from '../channel-listeners.ts';
import type { PostgresCalls } from './postgres-calls.ts';
import { PostgresListener } from './postgres-listener.ts';
import { PostgresPolling } from './postgres-polling.ts';
import { channelOf } from './postgres-schema.ts';

/** What {@link PostgresSignals} is given. */
export interface PostgresSignalsOptions {
  readonly calls: PostgresCalls;
  readonly schema: string;
  readonly source: 'notify' | 'poll';
  readonly pollMs: number;
  /** Called when listening turns out to be impossible and polling begins instead. */
  readonly onFallback: () => void;
}

/**
 * The signals of one schema.
 *
 * Each goes out as a NOTIFY and as a row, so that those who listen and those who can only poll hear one another. A
 * channel is told by its hash: never too long for a NOTIFY, and not readable in the server's logs.
 */
export class PostgresSignals {
  readonly #calls: PostgresCalls;
  readonly #schema: string;
  readonly #listeners = new ChannelListeners();
  #source: PostgresListener | PostgresPolling;

  constructor(options: PostgresSignalsOptions) {
    const { calls, schema, source, pollMs, onFallback } = options;
    this.#calls = calls;
    this.#schema = `"${schema}"`;
    const listeners = this.#listeners;
    const polling = new PostgresPolling({ calls, listeners, schema: this.#schema, pollMs });
    const onMoved = (): void => {
      this.#source = polling;
      onFallback();
      // What was signalled meanwhile is not known. Should this fail, the next listener tries again.
      polling.start().then(
        () => listeners.wakeAll(),
        () => {},
      );
    };
    this.#source =
      source === 'poll'
        ? polling
        : new PostgresListener({ calls, listeners, channel: `"${channelOf(schema)}"`, onMoved });
  }

  async send(channel: string): Promise<void> {
    const hash = await hashId(channel);
    if (!this.#source.hearsAtOnce) this.#listeners.wake(hash);
    await this.#calls.query(
      'a signal could not be sent',
      { text: `SELECT ${this.#schema}.send_signal($1)`, values: [hash] },
      { isRead: false },
    );
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE */
  async listen(channel: string, wake: () => void): Promise<() => void> {
    const remove = this.#listeners.add(await hashId(channel), wake);
    try {
      await this.#source.start();
      return remove;
    } catch (error) {
      remove();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#source.close();
  }
}

import { sleep } from '../../core/clock.ts';
import type { ChannelListeners } from '../channel-listeners.ts';
import type { PostgresCalls } from './postgres-calls.ts';
import { keptSignals } from './postgres-schema.ts';

/** How far back each look goes: a signal with a smaller number may become visible after one with a larger. */
const lookBack = 100;

/** More than this at once, and everybody is woken: some may have been cleared away already. */
const maxRows = keptSignals - lookBack;

/** What {@link PostgresPolling} is given. */
export interface PostgresPollingOptions {
  readonly calls: PostgresCalls;
  readonly listeners: ChannelListeners;
  /** The schema, as SQL names it. */
  readonly schema: string;
  readonly pollMs: number;
}

/** Looks for signals in their table, for connections that cannot LISTEN, and only while somebody listens. */
export class PostgresPolling {
  readonly #options: PostgresPollingOptions;
  readonly #closing = new AbortController();
  #started: Promise<void> | undefined;
  #running: Promise<void> | undefined;
  #last = 0;
  /** The numbers, not older than `lookBack`, of the signals that were passed on. */
  #seen = new Set<number>();

  constructor(options: PostgresPollingOptions) {
    this.#options = options;
  }

  /**
   * Resolves when every signal from now on will be seen.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
   */
  async start(): Promise<void> {
    this.#started ??= this.#begin();
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  /** A signal is only seen at the next look. */
  readonly hearsAtOnce = false;

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #begin(): Promise<void> {
    await this.#running;
    const [row] = await this.#read(
      `SELECT coalesce(max(seq), 0) AS seq FROM ${this.#options.schema}.signals`,
      [],
    );
    this.#last = Number(row?.['seq']);
    await this.#look({ isFirst: true });
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { listeners, pollMs } = this.#options;
    for (;;) {
      await sleep(pollMs, { signal, keepAlive: false });
      if (signal.aborted || listeners.size === 0) break;
      // The next look tries again. Those who wait read the store themselves, and learn there that it fails.
      await this.#look({ isFirst: false }).catch(() => {});
    }
    this.#started = undefined;
  }

  async #look({ isFirst }: { isFirst: boolean }): Promise<void> {
    const { listeners, schema } = this.#options;
    const since = this.#last - lookBack;
    const rows = await this.#read(
      `SELECT seq, channel FROM ${schema}.signals WHERE seq > $1 ORDER BY seq DESC LIMIT ${maxRows}`,
      [since],
    );
    // A crash of the server empties the table and begins its numbers again.
    const wasEmptied = this.#last > 0 && rows.length === 0;
    this.#last = wasEmptied ? 0 : Number(rows[0]?.['seq'] ?? this.#last);
    const before = this.#seen;
    this.#seen = new Set();
    const channels = new Set<string>();
    for (const row of rows) {
      const seq = Number(row['seq']);
      if (seq > this.#last - lookBack) this.#seen.add(seq);
      if (!before.has(seq)) channels.add(row['channel']!);
    }
    if (isFirst) return;
    if (wasEmptied || rows.length === maxRows) listeners.wakeAll();
    else for (const channel of channels) listeners.wake(channel);
  }

  #read(text: string, values: unknown[]): ReturnType<PostgresCalls['query']> {
    return this.#options.calls.query('signals could not be read', { text, values }, { isRead: true });
  }
}

import { sleep } from '../../core/clock.ts';
import { isPosternError, type PosternError } from '../../core/postern-error.ts';
import type { ChannelListeners } from '../channel-listeners.ts';
import type { PostgresCalls, PostgresSession } from './postgres-calls.ts';
import { postgresError } from './postgres-error.ts';
import { processOf } from './postgres-pooler.ts';

/** Between two attempts to listen again, in milliseconds: at first, and at most. */
const firstRetryMs = 50;
const lastRetryMs = 1_000;

/** How often a connection that listens is asked whether it is alive: one that is half open says nothing by itself. */
const heartbeatMs = 5_000;

const what = 'the connection that listens failed';

/** What {@link PostgresListener} is given. */
export interface PostgresListenerOptions {
  readonly calls: PostgresCalls;
  readonly listeners: ChannelListeners;
  /** The channel of PostgreSQL that carries all of ours as payloads. */
  readonly channel: string;
  /** Called once, when the connection turns out to have been given another process of the server. */
  readonly onMoved: () => void;
}

/**
 * Hears NOTIFY on a connection of its own, which it keeps out of the pool from the first listener on.
 *
 * When the connection breaks it makes another, and then wakes everybody: nobody knows what was missed.
 */
export class PostgresListener {
  readonly #options: PostgresListenerOptions;
  readonly #closing = new AbortController();
  #session: PostgresSession | undefined;
  #running: Promise<void> | undefined;
  #waiting: { resolve: () => void; reject: (error: PosternError) => void }[] = [];

  constructor(options: PostgresListenerOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the connection listens.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE when the attempt to make it fails.
   */
  start(): Promise<void> {
    if (this.#session !== undefined) return Promise.resolve();
    const started = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return started;
  }

  /** Whether a signal that is sent now is heard. */
  get hearsAtOnce(): boolean {
    return this.#session !== undefined;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  /** Listens, and listens again, as long as there is anybody to wake. */
  async #run(): Promise<void> {
    const { calls, listeners } = this.#options;
    const { signal } = this.#closing;
    let wasLost = false;
    let retryMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        const session = await calls.checkOut(what);
        try {
          await this.#hear(session, () => {
            retryMs = firstRetryMs;
            if (wasLost) listeners.wakeAll();
          });
        } finally {
          this.#session = undefined;
          session.release(false);
        }
      } catch (error) {
        const failure = isPosternError(error) ? error : postgresError(what, error);
        for (const { reject } of this.#waiting.splice(0)) reject(failure);
      }
      wasLost = true;
      if (signal.aborted || (listeners.size === 0 && this.#waiting.length === 0)) break;
      await sleep(retryMs, { signal, keepAlive: false });
      retryMs = Math.min(retryMs * 2, lastRetryMs);
    }
    for (const { reject } of this.#waiting.splice(0))
      reject(postgresError('the store was closed', undefined));
  }

  /** Resolves when the connection is lost or no longer wanted. */
  async #hear(session: PostgresSession, onListening: () => void): Promise<void> {
    const { listeners, channel, onMoved } = this.#options;
    const { client, query } = session;
    // An event that was before this listens to it never comes.
    if (this.#closing.signal.aborted) return;
    const lost = new AbortController();
    const end = (): void => lost.abort();
    const hear = ({ payload }: { readonly payload?: string | undefined }): void => {
      if (payload !== undefined) listeners.wake(payload);
    };
    client.on('error', end);
    client.on('end', end);
    client.on('notification', hear);
    this.#closing.signal.addEventListener('abort', end, { once: true });
    try {
      const process = await processOf(query);
      await query({ text: `LISTEN ${channel}` });
      client.unref?.();
      this.#session = session;
      onListening();
      for (const { resolve } of this.#waiting.splice(0)) resolve();
      while (!lost.signal.aborted) {
        await sleep(heartbeatMs, { signal: lost.signal, keepAlive: false });
        if (!lost.signal.aborted && (await processOf(query, this.#options.calls.timeoutMs)) !== process) {
          this.#closing.abort();
          onMoved();
        }
      }
    } finally {
      this.#closing.signal.removeEventListener('abort', end);
      client.removeListener('error', end);
      client.removeListener('end', end);
      client.removeListener('notification', hear);
    }
  }
}

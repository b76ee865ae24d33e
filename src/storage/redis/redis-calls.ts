import { PosternError } from '../../core/postern-error.ts';
import type { RedisCommands } from './redis-commands.ts';
import { redisError, redisErrorCode } from './redis-error.ts';
import type { RedisScript } from './redis-scripts.ts';

/** What {@link RedisCalls} is made from. */
export interface RedisCallsOptions {
  readonly commands: RedisCommands;
  readonly timeoutMs: number;
  /** Told, once per `timeoutMs` at most, when a call ran into its deadline and no other was answered meanwhile. */
  readonly onSilence?: (() => void) | undefined;
}

/** What the driver asks of Redis, each within the deadline and with the errors of the contract. */
export class RedisCalls {
  readonly commands: RedisCommands;
  readonly timeoutMs: number;
  readonly #onSilence: (() => void) | undefined;
  readonly #running = new Set<Promise<unknown>>();
  /** When the server last answered, or its silence was last told of. */
  #lastHeardMs = -Infinity;
  #isClosed = false;

  constructor({ commands, timeoutMs, onSilence }: RedisCallsOptions) {
    this.commands = commands;
    this.timeoutMs = timeoutMs;
    this.#onSilence = onSilence;
  }

  /** @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE once {@link close} was called. */
  mustBeOpen(): void {
    if (this.#isClosed)
      throw new PosternError('ERR_POSTERN_STORAGE_UNAVAILABLE', 'the Redis store was closed');
  }

  /** Runs a script, and sends its text along when the server does not know it (again). */
  async evaluate(
    { sha, text }: RedisScript,
    keys: readonly string[],
    args: readonly (string | Buffer)[],
  ): Promise<unknown> {
    try {
      return await this.commands.evalSha(await sha(), keys, args);
    } catch (error) {
      if (redisErrorCode(error) !== 'NOSCRIPT') throw error;
      return this.commands.eval(text, keys, args);
    }
  }

  /**
   * Does something that ends, at the latest, when the time is up. `what` names what failed.
   *
   * What was sent is not called back: after its deadline a call may still take effect unless it forbids that itself.
   *
   * @throws {PosternError} ERR_POSTERN_STORAGE_UNAVAILABLE
   */
  async within<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.mustBeOpen();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const startMs = performance.now();
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(this.#late(what));
        this.#noteSilence(startMs);
      }, this.timeoutMs);
    });
    const call = Promise.race([work(), late]);
    this.#running.add(call);
    try {
      const answer = await call;
      this.#lastHeardMs = performance.now();
      return answer;
    } catch (cause) {
      throw redisError(what, cause);
    } finally {
      clearTimeout(timer);
      this.#running.delete(call);
    }
  }

  /** Refuses what is asked from now on, and waits for what was asked before: not longer than the deadline. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
    this.commands.release();
  }

  #noteSilence(startMs: number): void {
    if (this.#lastHeardMs >= startMs) return;
    this.#lastHeardMs = performance.now();
    // Later, so that calls with the same deadline end by it and not by what is done now.
    if (this.#onSilence !== undefined) setImmediate(this.#onSilence);
  }

  #late(what: string): PosternError {
    return new PosternError(
      'ERR_POSTERN_STORAGE_UNAVAILABLE',
      `${what}: the server did not answer within ${this.timeoutMs} ms`,
      {
        hint: 'Is the server reachable, or the connection half-open? See the options in docs/storage-redis.md.',
      },
    );
  }
}

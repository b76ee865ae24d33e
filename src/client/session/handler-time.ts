import type { RequestOptions } from '@modelcontextprotocol/client';

/** The SDK's own. */
const defaultTimeoutMs = 60_000;
/** The longest a timer runs: the SDK's does not count here. */
const neverMs = 2 ** 31 - 1;
/** While a handler runs, how often it is looked whether it still does. */
const lookMs = 50;

/** The time of one session without what its handlers take: theirs is a person's, who is not to be hurried by a time-out. */
export class HandlerTime {
  #running = 0;
  #runningSince = 0;
  #spentMs = 0;

  /** The same handler, whose time is measured. */
  watching<A extends unknown[], T>(handler: (...args: A) => T | Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      if (this.#running++ === 0) this.#runningSince = performance.now();
      try {
        return await handler(...args);
      } finally {
        if (--this.#running === 0) this.#spentMs += performance.now() - this.#runningSince;
      }
    };
  }

  /** Sends a request with a time-out that stands still while a handler runs. */
  async patiently<T>(options: RequestOptions, send: (options: RequestOptions) => Promise<T>): Promise<T> {
    const { timeout = defaultTimeoutMs, onprogress, resetTimeoutOnProgress, signal } = options;
    const over = new AbortController();
    let startedAt = this.#now();
    let timer: ReturnType<typeof setTimeout>;
    const look = (): void => {
      const leftMs = timeout - (this.#now() - startedAt);
      if (leftMs > 0) timer = setTimeout(look, Math.max(leftMs, lookMs));
      else over.abort(`no answer within ${timeout} ms`);
    };
    timer = setTimeout(look, timeout);
    try {
      return await send({
        ...options,
        timeout: neverMs,
        signal: AbortSignal.any([over.signal, ...(signal ? [signal] : [])]),
        ...(onprogress &&
          resetTimeoutOnProgress === true && {
            onprogress: (progress) => {
              startedAt = this.#now();
              onprogress(progress);
            },
          }),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #now(): number {
    const now = performance.now();
    return now - this.#spentMs - (this.#running > 0 ? now - this.#runningSince : 0);
  }
}

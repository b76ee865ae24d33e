import type { Client as SdkClient } from '@modelcontextprotocol/client';

/**
 * The requests that are on their way, by connection.
 *
 * They may have taken effect at the server, so a connection that is given up is closed only after its last answer.
 */
export class RequestsInFlight {
  readonly #counts = new Map<SdkClient, number>();
  readonly #retired = new WeakSet<SdkClient>();

  async run<T>(client: SdkClient, work: (client: SdkClient) => Promise<T>): Promise<T> {
    this.#counts.set(client, (this.#counts.get(client) ?? 0) + 1);
    try {
      return await work(client);
    } finally {
      const left = (this.#counts.get(client) ?? 1) - 1;
      if (left > 0) this.#counts.set(client, left);
      else this.#counts.delete(client);
      if (left === 0 && this.#retired.has(client)) void close(client);
    }
  }

  /** Closes a connection once nothing is on its way over it. */
  async retire(client: SdkClient): Promise<void> {
    if (this.#counts.has(client)) this.#retired.add(client);
    else await close(client);
  }

  /** Closes every connection, whatever is on its way. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#counts.keys()].map(close));
  }
}

async function close(client: SdkClient): Promise<void> {
  await client.close().catch(() => {});
}

import type { Client as SdkClient } from '@modelcontextprotocol/client';

/**
 * The requests that are on their way, by connection.
 *
 * They may have taken effect at the server, so a connection that is given up is closed only after its last answer.
 */
export class RequestsInFlight {
  /** Of every connection that was used and not given up. */
  readonly #known = new Map<SdkClient, { count: number; isRetired: boolean }>();

  begin(client: SdkClient): void {
    const known = this.#known.get(client);
    if (known === undefined) this.#known.set(client, { count: 1, isRetired: false });
    else known.count++;
  }

  end(client: SdkClient): void {
    const known = this.#known.get(client);
    if (known !== undefined && --known.count === 0 && known.isRetired) void this.#close(client);
  }

  /** Closes a connection once nothing is on its way over it. */
  async retire(client: SdkClient): Promise<void> {
    const known = this.#known.get(client);
    if (known !== undefined && known.count > 0) known.isRetired = true;
    else await this.#close(client);
  }

  /** Closes every connection, whatever is on its way. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#known.keys()].map((client) => this.#close(client)));
  }

  async #close(client: SdkClient): Promise<void> {
    this.#known.delete(client);
    await client.close().catch(() => {});
  }
}

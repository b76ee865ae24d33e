import type { Client as SdkClient, Tool } from '@modelcontextprotocol/client';
import type { Clock } from '../../core/clock.ts';

/** How long a list of tools is trusted. */
const catalogueMs = 60_000;

/** One connection's tools, as of at most a minute ago. */
export class ToolCatalogue {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #known: { listed: Promise<readonly Tool[]>; atMs: number } | undefined;

  constructor(options: { clock: Clock; timeoutMs: number }) {
    this.#clock = options.clock;
    this.#timeoutMs = options.timeoutMs;
  }

  async read(client: SdkClient): Promise<readonly Tool[]> {
    const now = this.#clock();
    if (this.#known === undefined || now - this.#known.atMs > catalogueMs) {
      this.#known = { listed: this.#list(client), atMs: now };
    }
    try {
      return await this.#known.listed;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
  }

  /** The next reader asks the server. */
  forget(): void {
    this.#known = undefined;
  }

  async #list(client: SdkClient): Promise<readonly Tool[]> {
    if (client.getServerCapabilities()?.tools === undefined) return [];
    const { tools } = await client.listTools(undefined, { timeout: this.#timeoutMs });
    return tools;
  }
}

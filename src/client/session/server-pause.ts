import type { Clock } from '../../core/clock.ts';
import { PosternError } from '../../core/postern-error.ts';
import { readRetryAfter, untilRetry } from '../../core/retry-after.ts';

/** What a server asked for, and with which status. */
export interface AskedPause {
  readonly httpStatus: number;
  /** In milliseconds since the epoch. */
  readonly retryAtMs: number;
}

/** Whether a status says that there is too much to do just now, and not that anything is wrong. */
export function isBusyStatus(status: number | undefined): boolean {
  return status === 429 || status === 503;
}

/** Until when one server asks to be left alone, by the `Retry-After` of its answers. No connection to it is begun before. */
export class ServerPause {
  readonly #server: string;
  readonly #clock: Clock;
  #asked: (AskedPause & { readonly askedAtMs: number }) | undefined;

  constructor(server: string, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
  }

  /** What it asked for last, while that lasts. */
  get asked(): AskedPause | undefined {
    if (this.#asked === undefined) return undefined;
    const { httpStatus, retryAtMs, askedAtMs } = this.#asked;
    const nowMs = this.#clock();
    // Before it was asked for: the clock has been put back, and nobody knows how far.
    return nowMs < askedAtMs || nowMs >= retryAtMs ? undefined : { httpStatus, retryAtMs };
  }

  /** Reads an answer of the server. One that is no refusal shows that it does not mean everything. */
  notice(response: Response): void {
    const { status } = response;
    if (response.ok) this.#asked = undefined;
    if (!isBusyStatus(status)) return;
    const askedAtMs = this.#clock();
    const { retryAtMs } = readRetryAfter(response, askedAtMs);
    if (retryAtMs !== undefined) this.#asked = { httpStatus: status, retryAtMs, askedAtMs };
  }

  /** Somebody starts over, and does not wait. */
  lift(): void {
    this.#asked = undefined;
  }

  /** @throws {PosternError} ERR_POSTERN_CLIENT_CONNECTION_FAILED, with until when, while the server asks to be left alone. */
  assertOver(): void {
    const { asked } = this;
    if (asked === undefined) return;
    const { httpStatus, retryAtMs } = asked;
    throw new PosternError(
      'ERR_POSTERN_CLIENT_CONNECTION_FAILED',
      `the server ${JSON.stringify(this.#server)} answered HTTP ${httpStatus}, and asks to be left alone for a while`,
      untilRetry(retryAtMs, { evidence: { httpStatus } }),
    );
  }
}

import type { Logger } from '../../core/logger.ts';
import type { NotificationMessage, RequestMessage } from '../../wire/message.ts';
import type { AuthStrategy } from '../../client/auth/auth-strategy.ts';

/** How one remote server is reached. */
export interface RemoteOptions {
  readonly url: URL;
  /** What it is called here, in words for people. */
  readonly server: string;
  /** Sent with every request, beside what the strategy sends. */
  readonly headers: Readonly<Record<string, string>>;
  readonly strategy: AuthStrategy;
  /** The network: follows no redirect to another origin, and takes no more than allowed. */
  readonly fetch: typeof globalThis.fetch;
  /**
   * Takes what is no answer to a request of ours. A promise holds back whoever sends it.
   *
   * `within`: the request whose stream brought it, where one did.
   */
  readonly onMessage: (
    message: RequestMessage | NotificationMessage,
    within?: RequestMessage,
  ) => Promise<unknown> | void;
  readonly logger: Logger;
  /** The longest message, in bytes. */
  readonly maxBytes: number;
}

/** What one request is sent with. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

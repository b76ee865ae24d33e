import type { Readable, Writable } from 'node:stream';
import type { HttpServerConfig } from '../client/server-config.ts';
import type { Logger } from '../core/logger.ts';
import type { StorageBackend } from '../storage/contract.ts';

/** Which revisions of the protocol a remote server is spoken to in. */
export type BridgeProtocol = 'auto' | 'legacy' | 'modern';

/** One remote server. */
export interface BridgedServerConfig extends HttpServerConfig {
  /** Which of its tools nobody is offered, and nobody may call: names, in which `*` stands for anything. */
  readonly ignoreTools?: readonly string[] | undefined;
  /** The transports that are tried, in that order. Default: the one that `transport` names, else Streamable HTTP and then SSE. */
  readonly transports?: readonly ('streamable-http' | 'sse')[] | undefined;
  /** Default `auto`: the era of the host where the server speaks it, and else the other. */
  readonly protocol?: BridgeProtocol | undefined;
}

export interface BridgeOptions {
  /** The remote servers by name. Of one, everything is passed on as it is; of several, tools and prompts carry the name. */
  readonly servers: Readonly<Record<string, BridgedServerConfig>>;
  /** Where sign-ins and catalogues are kept. Called when it is first needed. Default: the user's own store, sealed. */
  readonly storage?: (() => Promise<StorageBackend>) | undefined;
  /** Whose sign-ins these are. Default `default`: whoever runs the program. */
  readonly contextId?: string | undefined;
  /** The host. Default: standard input and output. */
  readonly input?: Readable | undefined;
  readonly output?: Writable | undefined;
  /** Where people read what they have to do. Default: a line on standard error. */
  readonly say?: ((line: string) => void) | undefined;
  readonly logger?: Logger | undefined;
  /** How long a call may take before it is answered with an error. Default 300,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** How long the first answer waits for a server that nothing is known of yet. Default 3,000 ms. */
  readonly firstAnswerMs?: number | undefined;
  /** The address on which callbacks are taken. Default `127.0.0.1`. */
  readonly callbackHost?: '127.0.0.1' | '::1' | 'localhost' | undefined;
  /** The port on which callbacks are taken. Default: the one used last, else any free one. */
  readonly callbackPort?: number | undefined;
  /** Where the client's metadata document is. */
  readonly clientMetadataUrl?: string | undefined;
  /** Whether a browser is opened for a sign-in. Default: where there is a display. */
  readonly openBrowser?: ((url: string) => Promise<boolean>) | false | undefined;
  /** Ends the bridge. */
  readonly signal?: AbortSignal | undefined;
}

/** What the parts of a bridge share. */
export interface BridgeSettings {
  readonly timeoutMs: number;
  readonly firstAnswerMs: number;
  /** The longest message, in bytes. */
  readonly maxBytes: number;
  /** Whether a browser is opened when nothing can be done with a server but to sign in. Of several, whoever is used asks. */
  readonly opensAtStart: boolean;
  readonly logger: Logger;
  readonly say: (line: string) => void;
}

import type { NotificationMessage } from '../../wire/message.ts';
import type { Greeting } from '../greeting.ts';
import type { BridgeProtocol } from '../options.ts';
import type { Answer } from './answer.ts';
import type { LegacyRemote, Remote } from './legacy-remote.ts';
import type { RemoteOptions } from './remote-options.ts';

/** A server that has answered. */
export interface OpenedRemote {
  /** Takes the requests of the host, as the host makes them. */
  readonly remote: Remote;
  /** What the greeting of the host is answered with. */
  readonly greeting: Answer;
  /** Tells that the greeting is over; the host's own word for that, where it has one. */
  readonly begin: (initialized: NotificationMessage | undefined) => Promise<void>;
}

/** A server of the legacy era that has answered. */
export interface OpenedSession extends OpenedRemote {
  readonly remote: LegacyRemote;
}

export interface OpeningOptions {
  readonly greeting: Greeting;
  readonly protocol: BridgeProtocol;
  /** In the order in which they are tried. */
  readonly transports: readonly ('streamable-http' | 'sse')[];
  readonly signal: AbortSignal;
  readonly remote: RemoteOptions;
}

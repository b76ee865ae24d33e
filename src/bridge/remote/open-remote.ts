import type { NotificationMessage } from '../../wire/message.ts';
import type { Greeting } from '../greeting.ts';
import type { BridgeProtocol } from '../options.ts';
import { LegacyRemote, type LegacyTransport, type Remote } from './legacy-remote.ts';
import { ModernRemote } from './modern-remote.ts';
import type { RemoteOptions } from './remote-options.ts';
import { StreamableHttp, type Answer } from './streamable-http.ts';

/** A server that has answered. */
export interface OpenedRemote {
  /** Takes the requests of the host, as the host makes them. */
  readonly remote: Remote;
  /** What the greeting of the host is answered with. */
  readonly greeting: Answer;
  /** Tells that the greeting is over; the host's own word for that, where it has one. */
  readonly begin: (initialized: NotificationMessage | undefined) => Promise<void>;
}

export interface OpeningOptions {
  readonly greeting: Greeting;
  readonly protocol: BridgeProtocol;
  readonly transport: 'streamable-http' | 'sse';
  readonly signal: AbortSignal;
  readonly remote: RemoteOptions;
}

const initialized: NotificationMessage = { kind: 'notification', method: 'notifications/initialized' };

/** Connects to a server in the era of the host, where it speaks that. @throws what its requests fail with. */
export async function openRemote(options: OpeningOptions): Promise<OpenedRemote> {
  return options.greeting.era === 'legacy' ? openLegacy(options) : openModern(options);
}

async function openLegacy(options: OpeningOptions): Promise<OpenedRemote> {
  const remote = new LegacyRemote(await transportOf(options), options.greeting.message);
  const greeting = await remote.open(options.signal);
  return { remote, greeting, begin: (own) => remote.begin(own ?? initialized) };
}

async function openModern(options: OpeningOptions): Promise<OpenedRemote> {
  const remote = new ModernRemote(options.remote);
  const greeting = await remote.request(options.greeting.message, { signal: options.signal });
  return { remote, greeting, begin: async () => {} };
}

async function transportOf({ remote, transport }: OpeningOptions): Promise<LegacyTransport> {
  if (transport === 'streamable-http') return new StreamableHttp(remote);
  const { EventStreamTransport } = await import('./event-stream-transport.ts');
  return new EventStreamTransport(remote);
}

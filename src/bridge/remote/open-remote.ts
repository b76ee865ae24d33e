import { findPosternError } from '../../core/postern-error.ts';
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
  /** In the order in which they are tried. */
  readonly transports: readonly ('streamable-http' | 'sse')[];
  readonly signal: AbortSignal;
  readonly remote: RemoteOptions;
}

const initialized: NotificationMessage = { kind: 'notification', method: 'notifications/initialized' };

/** Connects to a server in the era of the host, where it speaks that. @throws what its requests fail with. */
export async function openRemote(options: OpeningOptions): Promise<OpenedRemote> {
  return options.greeting.era === 'legacy' ? openLegacy(options) : openModern(options);
}

async function openLegacy(options: OpeningOptions): Promise<OpenedRemote> {
  const [first = 'streamable-http', ...others] = options.transports;
  try {
    return await openSession(options, await transportOf(first, options));
  } catch (error) {
    const [next] = others;
    if (next === undefined || !isOtherTransport(error)) throw error;
    return openSession(options, await transportOf(next, options));
  }
}

async function openSession(options: OpeningOptions, transport: LegacyTransport): Promise<OpenedRemote> {
  const remote = new LegacyRemote(transport, options.greeting.message);
  const greeting = await remote.open(options.signal);
  return { remote, greeting, begin: (own) => remote.begin(own ?? initialized) };
}

async function openModern(options: OpeningOptions): Promise<OpenedRemote> {
  const remote = new ModernRemote(options.remote);
  const greeting = await remote.request(options.greeting.message, { signal: options.signal });
  return { remote, greeting, begin: async () => {} };
}

/** Whether a server that was asked by one transport may be one of the other. @see MCP 2025-11-25, "Backwards compatibility" */
function isOtherTransport(error: unknown): boolean {
  const status = findPosternError(error)?.evidence?.httpStatus;
  return status === 400 || status === 404 || status === 405 || status === 406 || status === 415;
}

async function transportOf(
  transport: OpeningOptions['transports'][number],
  { remote }: OpeningOptions,
): Promise<LegacyTransport> {
  if (transport === 'streamable-http') return new StreamableHttp(remote);
  const { EventStreamTransport } = await import('./event-stream-transport.ts');
  return new EventStreamTransport(remote);
}

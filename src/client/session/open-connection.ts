import type { Client as SdkClient, Implementation, Transport } from '@modelcontextprotocol/client';
import { withSignal } from '../../sync/with-signal.ts';
import type { OnAsked } from './asking-client.ts';
import { capabilitiesOf, installHandlers, type ClientHandlers } from './client-handlers.ts';
import type { Connection } from './connection.ts';
import type { ProtocolVersions } from './protocol-versions.ts';
import { loadSdk } from './sdk.ts';
import type { VersionOffer } from './version-offer.ts';
import { watchTransport, type Wire } from './watched-transport.ts';

/** What one try at a connection is made with. */
export interface OpeningOptions {
  readonly connection: Connection;
  readonly server: string;
  readonly contextId: string;
  readonly clientInfo: Implementation;
  readonly handlers: ClientHandlers;
  readonly versions: ProtocolVersions;
  readonly cachePartition: string;
  /** The deadline of the handshake. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** A message has come: the server is there. Of one over HTTP, its first response says so before. */
  readonly onAnswer: () => void;
  readonly onToolsChanged: () => void;
  readonly onAsked: OnAsked;
  /** The server says that what it asked for under an id is done. */
  readonly onElicited: (elicitationId: string) => void;
  /** Proves that the server answers as this user. */
  readonly prove: (client: SdkClient) => Promise<void>;
}

/**
 * A connection: made, shaken hands on, and proved. What fails on the way is left closed. A server that refuses the version
 * of the protocol, or may have meant that, is tried once more, with another.
 *
 * @throws {PosternError} ERR_POSTERN_CLIENT_VERSION_REFUSED when there is none that both speak.
 * @throws {PosternError} ERR_POSTERN_CLIENT_CONNECTION_FAILED before anything is sent, while the server asks for that.
 */
export async function openConnection(options: OpeningOptions): Promise<SdkClient> {
  const { versions, signal } = options;
  options.connection.pause?.assertOver();
  const seen: Seen = {};
  let offer = versions.offer;
  const open = async (): Promise<SdkClient> => {
    const client = await tryToOpen(options, offer, seen);
    versions.settleOn(offer, client.getNegotiatedProtocolVersion());
    return client;
  };
  let first: unknown;
  try {
    return await open();
  } catch (error) {
    if (signal.aborted) throw error;
    const other = versions.insteadOf(error, seen.wire);
    if (other === undefined) throw error;
    offer = other;
    first = error;
  }
  try {
    return await open();
  } catch (second) {
    throw signal.aborted ? second : versions.reasonIn({ first, second }, seen.wire, offer);
  }
}

/** What was seen on the wire of the latest try. */
interface Seen {
  wire?: Wire | undefined;
}

async function tryToOpen(options: OpeningOptions, offer: VersionOffer, seen: Seen): Promise<SdkClient> {
  const { connection, signal, timeoutMs, server } = options;
  const client = await createSdkClient(options, offer);
  seen.wire = undefined;
  let transport: Transport | undefined;
  const close = async (): Promise<void> => {
    await client.close().catch(() => {});
    await transport?.close().catch(() => {});
  };
  const giveUp = (): void => void close();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    transport = await withSignal(openTransport(connection, signal), signal);
    seen.wire = watchTransport(transport, server, options.onAnswer);
    await withSignal(client.connect(transport, { timeout: timeoutMs }), signal);
    // A transport that keeps its messages to itself has brought one by now.
    options.onAnswer();
    await withSignal(options.prove(client), signal);
    return client;
  } catch (error) {
    await close();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** A transport that comes too late is not left open. */
async function openTransport(connection: Connection, signal: AbortSignal): Promise<Transport> {
  const transport = await connection.createTransport();
  if (signal.aborted) await transport.close().catch(() => {});
  return transport;
}

async function createSdkClient(options: OpeningOptions, { mode, legacy }: VersionOffer): Promise<SdkClient> {
  const [{ AskingClient }] = await Promise.all([import('./asking-client.ts'), loadSdk()]);
  const { clientInfo, handlers, cachePartition, server, contextId } = options;
  const client = new AskingClient(server, options.onAsked, clientInfo, {
    capabilities: capabilitiesOf(handlers),
    versionNegotiation: { mode: typeof mode === 'string' ? mode : { pin: mode.pin } },
    ...(legacy && { supportedProtocolVersions: [...legacy] }),
    cachePartition,
  });
  client.setNotificationHandler('notifications/tools/list_changed', options.onToolsChanged);
  client.setNotificationHandler('notifications/elicitation/complete', async ({ method, params }) => {
    options.onElicited(params.elicitationId);
    await handlers.notification?.({ method, params }, { server, contextId });
  });
  installHandlers(client, handlers, { server, contextId });
  return client;
}

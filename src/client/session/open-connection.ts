import type { Client as SdkClient, Implementation, Transport } from '@modelcontextprotocol/client';
import { withSignal } from '../../sync/with-signal.ts';
import { AskingClient, type OnAsked } from './asking-client.ts';
import { capabilitiesOf, installHandlers, type ClientHandlers } from './client-handlers.ts';
import type { Connection } from './connection.ts';
import type { ProtocolVersions, VersionOffer } from './protocol-versions.ts';
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
 * of the protocol is tried once more, with one that it says it speaks.
 *
 * @throws {PosternError} ERR_POSTERN_CLIENT_VERSION_REFUSED when there is none that both speak.
 */
export async function openConnection(options: OpeningOptions): Promise<SdkClient> {
  const { versions, signal } = options;
  const seen: { wire?: Wire | undefined } = {};
  try {
    return await tryToOpen(options, versions.offer, seen);
  } catch (error) {
    if (signal.aborted) throw error;
    const other = versions.insteadOf(error, seen.wire, false);
    if (other === undefined) throw error;
    versions.settleOn(other);
  }
  try {
    return await tryToOpen(options, versions.offer, seen);
  } catch (error) {
    versions.insteadOf(error, seen.wire, true);
    throw error;
  }
}

async function tryToOpen(
  options: OpeningOptions,
  offer: VersionOffer,
  seen: { wire?: Wire | undefined },
): Promise<SdkClient> {
  const { connection, signal, timeoutMs, server } = options;
  const client = createSdkClient(options, offer);
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

function createSdkClient(options: OpeningOptions, { mode, legacy }: VersionOffer): SdkClient {
  const { clientInfo, handlers, cachePartition, server, contextId } = options;
  const client = new AskingClient(options.onAsked, clientInfo, {
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

import { isAuthorizationRequired } from '../../src/client/auth/authorization-required-error.ts';
import type { Client } from '../../src/client/client.ts';
import { ClientManager } from '../../src/client/client-manager.ts';
import { RemoteAuthCoordinator } from '../../src/client/coordinators/remote-auth-coordinator.ts';
import type { VersionNegotiation } from '../../src/client/session/version-offer.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { Browser, locationOf } from './browser.ts';
import type { BenchServer } from '../servers/start-bench-server.ts';
import { clientInfo, echoCall, type LoggedInClient } from './logged-in-client.ts';

export const publicUrl = 'http://127.0.0.1:9/postern';
export const contextId = 'alice';
export const serverName = 'bench';

/** Postern as an application sets it up, on any store. */
export async function openPostern(
  mcpUrl: string,
  storage: StorageBackend,
  own: { versionNegotiation?: VersionNegotiation; headers?: Record<string, string> } = {},
): Promise<{ manager: ClientManager; coordinator: RemoteAuthCoordinator; client: Client }> {
  const coordinator = new RemoteAuthCoordinator({ storage, publicUrl, verifyUser: () => contextId });
  const { versionNegotiation = 'legacy', headers } = own;
  const manager = new ClientManager(
    { [serverName]: { url: mcpUrl, ...(headers && { headers }) } },
    { coordinator, clientInfo, versionNegotiation },
  );
  return { manager, coordinator, client: await manager.getClient(contextId) };
}

/** Has the person open their link, and returns the genuine callback, which has not been sent yet. */
export async function goToCallback(
  client: Client,
  coordinator: RemoteAuthCoordinator,
  browser: Browser,
): Promise<URL> {
  const link = await callEcho(client).then(
    () => undefined,
    (error: unknown) => {
      if (!isAuthorizationRequired(error)) throw error;
      return error.challenge.url;
    },
  );
  if (link === undefined) throw new Error('the server asked for no login');
  return browser.consent(locationOf(await browser.open(link, coordinator.fetch)));
}

/** A client on a store where somebody has logged in already. */
export async function resumePostern(mcpUrl: string, storage: StorageBackend): Promise<LoggedInClient> {
  const { manager, client } = await openPostern(mcpUrl, storage);
  const links = new Set<string>();
  return {
    async call() {
      try {
        return await callEcho(client);
      } catch (error) {
        if (isAuthorizationRequired(error)) links.add(error.challenge.pendingId);
        throw error;
      }
    },
    loginsAsked: () => [...links],
    [Symbol.asyncDispose]: () => manager.close(),
  };
}

/** Logs in, in a browser that is asked once. */
export async function logInPostern(mcpUrl: string, storage: StorageBackend): Promise<void> {
  const { manager, coordinator, client } = await openPostern(mcpUrl, storage);
  const browser = new Browser();
  await browser.open(await goToCallback(client, coordinator, browser), coordinator.fetch);
  await callEcho(client);
  await manager.close();
}

export function callEcho(client: Client): Promise<unknown> {
  return client.session(serverName).callTool(echoCall.name, echoCall.arguments);
}

/** Postern with a grant that is good, on any store. */
export async function openGranted(
  server: BenchServer,
  storage: StorageBackend,
  own?: Parameters<typeof openPostern>[2],
): Promise<{ manager: ClientManager; client: Client; close: () => Promise<void> }> {
  const { manager, client } = await openPostern(server.mcpUrl, storage, own);
  const tokens = await server.issueGrant();
  const issued = Date.now();
  const { interactions } = manager.coordinator;
  const place = { namespace: client.context.namespace, resource: server.mcpUrl, alias: serverName };
  const grant = {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    tokenType: 'bearer',
    expiresAtMs: issued + 3_600_000,
    obtainedAtMs: issued,
    issuer: server.origin,
    tokenEndpoint: `${server.origin}/token`,
    resource: server.mcpUrl,
    client: {
      issuer: server.origin,
      clientId: 'bench',
      tokenEndpointAuthMethod: 'none',
      source: 'dynamic',
      redirectUris: [`${publicUrl}/callback`],
    },
  };
  await interactions.put(place, { name: 'oauth', flow: interactions.flowNamed('oauth')! }, grant);
  return {
    manager,
    client,
    async close() {
      await manager.close();
      await storage.close();
    },
  };
}

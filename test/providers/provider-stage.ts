import { walkOut } from '../heart/walk.ts';
import { onTestFinished } from 'vitest';
import {
  ClientManager,
  RemoteAuthCoordinator,
  type AuthChallenge,
  type Client,
  type OAuthConfig,
  type RemoteAuthCoordinatorOptions,
} from '../../src/client/index.ts';
import { answerMcp } from '../support/minimal-mcp.ts';
import { userOf } from '../support/page-host.ts';
import type { Page } from '../support/cookie-browser.ts';
import {
  askedOrigin,
  startProgrammableAuthorizationServer,
  type ProgrammableAuthorizationServer,
} from '../support/programmable-authorization-server.ts';
import type { Reply } from '../support/programmable-reply.ts';
import type { Call } from '../support/programmable-authorization.ts';
import { challengeOf, textOf } from '../support/stage.ts';
import { openSurroundings, type Surroundings } from '../support/surroundings.ts';
import type { FakeProvider } from './fake-provider.ts';

export interface ProviderStageOptions {
  /** Laid over what the operator of the fake configures. */
  readonly auth?: Partial<OAuthConfig>;
  readonly coordinator?: Partial<RemoteAuthCoordinatorOptions>;
  /** What the operators of further processes configure, which share the store and the address. */
  readonly others?: readonly OAuthConfig[];
}

/** A provider under its own name, on a socket of this machine, and a program that signs people in to it. */
export interface ProviderStage extends Surroundings {
  readonly as: ProgrammableAuthorizationServer;
  readonly client: Client;
  readonly managers: readonly ClientManager[];
  /** Brings every request to the provider. */
  readonly fetch: typeof fetch;
  /** The redirect URI of the program. */
  readonly redirectUri: string;
  /** Calls the tool, as the person whose program it is. */
  call(): Promise<string>;
  /** The link that a call asks for. */
  link(): Promise<AuthChallenge>;
  /** Where the person's browser is sent from a link. */
  departure(link: string): Promise<URL>;
  /** Goes out, as the person's browser, and returns where the provider sends it. */
  approve(departure: URL): Promise<URL | Response>;
  /** Goes the whole way, and returns the page it ends on. */
  walk(link?: string): Promise<Page>;
}

export async function openProviderStage(
  provider: FakeProvider,
  options: ProviderStageOptions = {},
): Promise<ProviderStage> {
  const as = await startProgrammableAuthorizationServer({
    issuer: provider.issuer,
    resource: provider.mcp,
    serve: serveTools,
    ...provider.server,
  });
  onTestFinished(() => as.close());
  for (const [kind, reply] of Object.entries(provider.replies ?? {})) as.on(kind as Call['kind'], reply);
  const { host, time, logger, storage } = await openSurroundings();
  const fetch = fetchThrough(as);
  const auth: OAuthConfig = { type: 'oauth', ...provider.auth, ...options.auth };
  const managers = [auth, ...(options.others ?? [])].map((configured) => {
    const coordinator = new RemoteAuthCoordinator({
      storage,
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      clock: time.clock,
      logger,
      fetch: (url, init) => fetch(url, init),
      ...options.coordinator,
    });
    host.handlers.push(coordinator.fetch);
    const manager = new ClientManager(
      { server: { url: provider.mcp, auth: configured } },
      { coordinator, clock: time.clock, logger, fetch, connectTimeoutMs: 10_000 },
    );
    onTestFinished(() => manager.close());
    return manager;
  });
  const [manager] = managers;
  if (manager === undefined) throw new RangeError('a stage needs a host');
  const client = await manager.getClient('alice');
  const browser = await host.openBrowser('alice');
  const isOutside = ({ origin }: URL): boolean => origin !== host.origin;

  const call = async (): Promise<string> => textOf(await client.callTool('whoami'));
  const link = (): Promise<AuthChallenge> => challengeOf(call());
  const departure = (url: string): Promise<URL> => walkOut(browser, url, isOutside);
  const approve = async (url: URL): Promise<URL | Response> => {
    const response = await fetch(url.href, { redirect: 'manual' });
    const location = response.headers.get('location');
    return location === null ? response : new URL(location);
  };
  return {
    as,
    fetch,
    client,
    managers,
    host,
    time,
    logger,
    storage,
    redirectUri: `${host.publicUrl}/callback`,
    call,
    link,
    departure,
    approve,
    walk: async (url) => {
      const back = await approve(await departure(url ?? (await link()).url));
      if (back instanceof Response) throw new Error(`the provider sends nobody back: status ${back.status}`);
      return browser.open(back.href);
    },
  };
}

/** A `fetch` that brings every request to the one server, which is told what it was for. */
export function fetchThrough(as: ProgrammableAuthorizationServer): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { origin, pathname, search } = new URL(request.url);
    const headers = new Headers(request.headers);
    headers.set(askedOrigin, origin);
    const isEmpty = request.method === 'GET' || request.method === 'HEAD';
    return fetch(as.listensAt + pathname + search, {
      method: request.method,
      headers,
      redirect: 'manual',
      signal: request.signal,
      ...(!isEmpty && { body: await request.text() }),
    });
  };
}

export function serveTools(call: Call, { subject }: { readonly subject: string }): Reply {
  return answerMcp(call, { name: 'provider', tools: [{ name: 'whoami' }], call: () => subject });
}

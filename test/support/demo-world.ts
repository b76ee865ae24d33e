import { createHash, randomBytes } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';
import { expect, onTestFinished } from 'vitest';
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../../demo/authorization-server.ts';
import {
  startCalendarServer,
  type CalendarServer,
  type CalendarServerOptions,
} from '../../demo/calendar-server.ts';
import { createCookieBrowser, type Page } from './cookie-browser.ts';

/** Nobody listens there: the browser is stopped before it goes. */
const callbackUrl = 'http://127.0.0.1:9/callback';
export const stopBefore = (url: URL): boolean => url.href.startsWith(callbackUrl);

export interface World {
  readonly as: AuthorizationServer;
  readonly calendar: CalendarServer;
}

export async function startWorld(
  asOptions: AuthorizationServerOptions = {},
  calendarOptions: Partial<CalendarServerOptions> = {},
): Promise<World> {
  const as = await startAuthorizationServer(asOptions);
  onTestFinished(() => as.close());
  const calendar = await startCalendarServer({ authorizationServer: as, ...calendarOptions });
  onTestFinished(() => calendar.close());
  return { as, calendar };
}

export async function startListener(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The smallest provider the official client accepts: everything in memory, one person. */
export class MemoryProvider implements OAuthClientProvider {
  readonly redirectUrl = callbackUrl;
  readonly clientMetadata = {
    client_name: 'Test agent',
    redirect_uris: [callbackUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };
  link: URL | undefined;
  savedTokens: OAuthTokens | undefined;
  #client: OAuthClientInformationMixed | undefined;
  #discovery: OAuthDiscoveryState | undefined;
  #verifier = '';

  state(): string {
    return 'state-of-the-test';
  }
  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client;
  }
  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client;
  }
  tokens(): OAuthTokens | undefined {
    return this.savedTokens;
  }
  saveTokens(tokens: OAuthTokens): void {
    this.savedTokens = tokens;
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }
  codeVerifier(): string {
    return this.#verifier;
  }
  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }
  redirectToAuthorization(link: URL): void {
    this.link = link;
  }
}

export type Era = 'legacy' | 'modern';

export interface Agent {
  readonly client: Client;
  readonly provider: MemoryProvider;
  readonly transport: StreamableHTTPClientTransport;
  callTool(name: string, args?: Record<string, unknown>): Promise<string>;
}

/** Connects the official client to the calendar as a user, by way of the sign-in and consent pages. */
export async function connectAs(user: string, { calendar }: World, era: Era = 'modern'): Promise<Agent> {
  const provider = new MemoryProvider();
  const connect = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> => {
    const mode = era === 'legacy' ? 'legacy' : { pin: '2026-07-28' };
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    const transport = new StreamableHTTPClientTransport(new URL(calendar.url), { authProvider: provider });
    onTestFinished(() => client.close());
    await client.connect(transport);
    return { client, transport };
  };
  await expect(connect()).rejects.toBeInstanceOf(UnauthorizedError);
  await finishSignIn(user, provider, calendar);
  const { client, transport } = await connect();
  return {
    client,
    provider,
    transport,
    async callTool(name, args = {}) {
      const { content } = await client.callTool({ name, arguments: args });
      const [first] = content as { text?: string }[];
      return first?.text ?? '';
    },
  };
}

export async function finishSignIn(
  user: string,
  provider: MemoryProvider,
  calendar: CalendarServer,
): Promise<void> {
  const page = await createCookieBrowser().signIn(provider.link?.href ?? '', { user, stopBefore });
  const params = new URL(page.url).searchParams;
  expect(params.get('state')).toBe(provider.state());
  await new StreamableHTTPClientTransport(new URL(calendar.url), { authProvider: provider }).finishAuth(
    params,
  );
}

export interface HandMadeClient {
  readonly clientId: string;
  readonly link: string;
  readonly verifier: string;
}

/** A registration and an authorization request, without any client library in between. */
export async function registerByHand(
  { as, calendar }: World,
  overrides: Record<string, string> = {},
): Promise<HandMadeClient> {
  const redirectUri = overrides['redirect_uri'] ?? callbackUrl;
  const registered = await fetch(`${as.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Kettle & <b>Co</b>',
      redirect_uris: [redirectUri],
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    }),
  });
  const { client_id: clientId } = (await registered.json()) as { client_id: string };
  const verifier = randomBytes(32).toString('base64url');
  const link = new URL('/auth', as.issuer);
  link.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    state: 'by-hand',
    scope: 'calendar:read calendar:write',
    resource: calendar.url,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...overrides,
  }).toString();
  return { clientId, link: link.href, verifier };
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: { access_token: string; refresh_token: string; error?: string; scope?: string };
}

async function requestToken({ as }: World, parameters: Record<string, string>): Promise<TokenAnswer> {
  const response = await fetch(`${as.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams(parameters),
  });
  return { status: response.status, body: (await response.json()) as TokenAnswer['body'] };
}

export function exchange(
  world: World,
  { clientId, verifier }: HandMadeClient,
  page: Page,
): Promise<TokenAnswer> {
  return requestToken(world, {
    grant_type: 'authorization_code',
    code: new URL(page.url).searchParams.get('code') ?? '',
    client_id: clientId,
    redirect_uri: callbackUrl,
    code_verifier: verifier,
    resource: world.calendar.url,
  });
}

export async function signInByHand(
  world: World,
  user = 'alice',
): Promise<{
  clientId: string;
  tokens: TokenAnswer['body'];
  refresh: (token: string) => Promise<TokenAnswer>;
}> {
  const client = await registerByHand(world);
  const page = await createCookieBrowser().signIn(client.link, { user, stopBefore });
  const { status, body } = await exchange(world, client, page);
  expect(status).toBe(200);
  const refresh = (token: string): Promise<TokenAnswer> =>
    requestToken(world, { grant_type: 'refresh_token', refresh_token: token, client_id: client.clientId });
  return { clientId: client.clientId, tokens: body, refresh };
}

/** A tool call with a bare token, for looking at the HTTP answer. */
export function postCall(
  { calendar }: World,
  token?: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(calendar.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'whoami', arguments: {} },
    }),
  });
}

import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  Client,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type OAuthClientInformationMixed,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type OAuthTokens,
} from '@modelcontextprotocol/client';
import { afterEach, describe, expect, test } from 'vitest';

import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../../demo/authorization-server.ts';
import { openAndConsent } from '../../demo/browser.ts';
import {
  startCalendarServer,
  type CalendarServer,
  type CalendarServerOptions,
} from '../../demo/calendar-server.ts';
import { launchChromium } from '../support/chromium.ts';
import { createCookieBrowser, type Page } from '../support/cookie-browser.ts';
import { describeWithService } from '../support/services.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** Nobody listens there: the browser is stopped before it goes. */
const callbackUrl = 'http://127.0.0.1:9/callback';
const stopBefore = (url: URL): boolean => url.href.startsWith(callbackUrl);

interface World {
  readonly as: AuthorizationServer;
  readonly calendar: CalendarServer;
}

async function startWorld(
  asOptions: AuthorizationServerOptions = {},
  calendarOptions: Partial<CalendarServerOptions> = {},
): Promise<World> {
  const as = await startAuthorizationServer(asOptions);
  closing.push(() => as.close());
  const calendar = await startCalendarServer({ authorizationServer: as, ...calendarOptions });
  closing.push(() => calendar.close());
  return { as, calendar };
}

async function startListener(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The smallest provider the official client accepts: everything in memory, one person. */
class MemoryProvider implements OAuthClientProvider {
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

type Era = 'legacy' | 'modern';

interface Agent {
  readonly client: Client;
  readonly provider: MemoryProvider;
  readonly transport: StreamableHTTPClientTransport;
  callTool(name: string, args?: Record<string, unknown>): Promise<string>;
}

/** Connects the official client to the calendar as a user, by way of the sign-in and consent pages. */
async function connectAs(user: string, { calendar }: World, era: Era = 'modern'): Promise<Agent> {
  const provider = new MemoryProvider();
  const connect = async (): Promise<{ client: Client; transport: StreamableHTTPClientTransport }> => {
    const mode = era === 'legacy' ? 'legacy' : { pin: '2026-07-28' };
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    const transport = new StreamableHTTPClientTransport(new URL(calendar.url), { authProvider: provider });
    closing.push(() => client.close());
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

async function finishSignIn(user: string, provider: MemoryProvider, calendar: CalendarServer): Promise<void> {
  const page = await createCookieBrowser().signIn(provider.link?.href ?? '', { user, stopBefore });
  const params = new URL(page.url).searchParams;
  expect(params.get('state')).toBe(provider.state());
  await new StreamableHTTPClientTransport(new URL(calendar.url), { authProvider: provider }).finishAuth(
    params,
  );
}

interface HandMadeClient {
  readonly clientId: string;
  readonly link: string;
  readonly verifier: string;
}

/** A registration and an authorization request, without any client library in between. */
async function registerByHand(
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

interface TokenAnswer {
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

function exchange(world: World, { clientId, verifier }: HandMadeClient, page: Page): Promise<TokenAnswer> {
  return requestToken(world, {
    grant_type: 'authorization_code',
    code: new URL(page.url).searchParams.get('code') ?? '',
    client_id: clientId,
    redirect_uri: callbackUrl,
    code_verifier: verifier,
    resource: world.calendar.url,
  });
}

async function signInByHand(
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
function postCall(
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

describe('the official client and the calendar', () => {
  const worlds: [Era, 'stateless' | 'session'][] = [
    ['modern', 'stateless'],
    ['modern', 'session'],
    ['legacy', 'stateless'],
    ['legacy', 'session'],
  ];
  test.each(worlds)('each user acts as themselves (%s client, %s legacy serving)', async (era, legacy) => {
    const world = await startWorld({}, { legacy });
    const alice = await connectAs('alice', world, era);
    const bob = await connectAs('bob', world, era);
    expect(alice.client.getProtocolEra()).toBe(era);
    expect(alice.transport.sessionId !== undefined).toBe(era === 'legacy' && legacy === 'session');

    expect(await alice.callTool('whoami')).toBe('alice');
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(await bob.callTool('add_event', { title: 'kite', time: '08:00' })).toBe(
      'Added for bob: kite 08:00',
    );
    expect(await bob.callTool('list_events')).toMatch(/^Bob: kite 08:00\nBob: dentist 09:00\nBob: /);
    expect(await alice.callTool('list_events')).toMatch(/^Alice: dentist 09:00\nAlice: /);
    expect(await alice.client.readResource({ uri: 'calendar://today' })).toMatchObject({
      contents: [{ text: expect.stringMatching(/^Alice: dentist/) }],
    });
    expect((await alice.client.getPrompt({ name: 'plan_day' })).messages).toHaveLength(1);

    const hashes = new Map(
      [alice, bob].map(({ provider }) => [sha256(provider.savedTokens?.access_token ?? ''), provider]),
    );
    for (const { subject, tokenSha256 } of world.calendar.seen) {
      expect(hashes.get(tokenSha256)).toBe(subject === 'alice' ? alice.provider : bob.provider);
    }
    expect(world.calendar.counters.calls).toEqual({ whoami: 2, add_event: 1, list_events: 2 });
    expect(world.as.counters).toMatchObject({
      registrations: 2,
      authorizations: 2,
      exchanges: 2,
      refusedGrants: 0,
    });
  });

  test('a legacy session does not exist for another user', async () => {
    const world = await startWorld({}, { legacy: 'session' });
    const alice = await connectAs('alice', world, 'legacy');
    const bob = await connectAs('bob', world, 'legacy');
    const session = {
      'mcp-session-id': alice.transport.sessionId ?? '',
      'mcp-protocol-version': '2025-11-25',
    };
    const own = await postCall(world, alice.provider.savedTokens?.access_token, session);
    expect(own.status).toBe(200);
    await own.body?.cancel();
    expect((await postCall(world, bob.provider.savedTokens?.access_token, session)).status).toBe(404);
  });

  test('tokens ended early give 401, and one refresh makes the call go on', async () => {
    const world = await startWorld();
    const alice = await connectAs('alice', world);
    const bob = await connectAs('bob', world);
    const before = world.calendar.counters.unauthorized;
    world.as.expireAccessTokens('alice');
    expect(await alice.callTool('whoami')).toBe('alice');
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(world.as.counters.refreshes).toBe(1);
    expect(world.calendar.counters.unauthorized).toBe(before + 1);

    world.as.expireAccessTokens();
    expect(await bob.callTool('whoami')).toBe('bob');
    expect(world.as.counters).toMatchObject({ refreshes: 2, refusedGrants: 0, authorizations: 2 });
  });

  test('sharing needs a scope of its own, asked for when it is needed', async () => {
    const world = await startWorld();
    const alice = await connectAs('alice', world);
    await expect(alice.callTool('share_calendar', { with: 'bob' })).rejects.toBeInstanceOf(UnauthorizedError);
    expect(world.calendar.counters.forbidden).toBe(1);
    const asked = alice.provider.link?.searchParams.get('scope')?.split(' ');
    expect(asked).toEqual(expect.arrayContaining(['calendar:read', 'calendar:write', 'calendar:share']));

    await finishSignIn('alice', alice.provider, world.calendar);
    expect(await alice.callTool('share_calendar', { with: 'bob' })).toBe(
      'The calendar of alice is shared with bob',
    );
  });
});

describe('the calendar as a resource server', () => {
  test('the 401 names metadata that leads to the authorization server, at both well-known places', async () => {
    const world = await startWorld();
    const refused = await postCall(world);
    expect(refused.status).toBe(401);
    const { origin } = new URL(world.calendar.url);
    const metadataUrl = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const challenge = refused.headers.get('www-authenticate');
    expect(challenge).toContain(`resource_metadata="${metadataUrl}"`);
    expect(challenge).toContain('scope="calendar:read calendar:write"');
    for (const place of [metadataUrl, `${origin}/.well-known/oauth-protected-resource`]) {
      expect(await (await fetch(place)).json()).toMatchObject({
        resource: world.calendar.url,
        authorization_servers: [world.as.issuer],
      });
    }
  });

  test.each(['jwt', 'opaque'] as const)(
    'only unaltered %s tokens for this very resource are accepted',
    async (format) => {
      const world = await startWorld({ accessTokenFormat: format });
      const other = await startCalendarServer({ authorizationServer: world.as });
      closing.push(() => other.close());
      const { tokens } = await signInByHand(world);
      expect(tokens.access_token.split('.')).toHaveLength(format === 'jwt' ? 3 : 1);

      const accepted = await postCall(world, tokens.access_token);
      expect(accepted.status).toBe(200);
      expect(await accepted.text()).toContain('alice');
      expect((await postCall({ ...world, calendar: other }, tokens.access_token)).status).toBe(401);
      const middle = Math.floor(tokens.access_token.length / 2);
      const swapped = tokens.access_token[middle] === 'A' ? 'B' : 'A';
      const altered = tokens.access_token.slice(0, middle) + swapped + tokens.access_token.slice(middle + 1);
      expect((await postCall(world, altered)).status).toBe(401);
      expect((await postCall(world, tokens.refresh_token)).status).toBe(401);
    },
  );

  test('a valid token that matches a rejection gets 401 until the rejection is taken back', async () => {
    const world = await startWorld();
    const alice = (await signInByHand(world, 'alice')).tokens.access_token;
    const bob = (await signInByHand(world, 'bob')).tokens.access_token;
    const accept = world.calendar.rejectToken(({ subject }) => subject === 'alice');
    expect((await postCall(world, alice)).status).toBe(401);
    expect((await postCall(world, bob)).status).toBe(200);
    accept();
    expect((await postCall(world, alice)).status).toBe(200);
  });

  test.each([{ origin: 'https://evil.example' }, { host: 'evil.example' }])(
    'a foreign %o is refused',
    async (header) => {
      const world = await startWorld();
      const { tokens } = await signInByHand(world);
      const { get } = await import('node:http');
      const status = await new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${tokens.access_token}`, ...header };
        get(world.calendar.url, { headers }, (response) => resolve(response.resume().statusCode)).on(
          'error',
          reject,
        );
      });
      expect(status).toBe(403);
    },
  );

  test('a tool added by the test sees in whose name it runs', async () => {
    const world = await startWorld(
      {},
      {
        extraTools: (server, { subject, era }) =>
          void server.registerTool('extra', {}, () => ({
            content: [{ type: 'text', text: `${subject} ${era}` }],
          })),
      },
    );
    expect(await (await connectAs('carol', world)).callTool('extra')).toBe('carol modern');
  });
});

describe('the authorization server', () => {
  test('a refresh token works once; its second use ends the grant', async () => {
    const world = await startWorld();
    const { tokens, refresh } = await signInByHand(world);
    const second = await refresh(tokens.refresh_token);
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(tokens.refresh_token);
    expect((await postCall(world, second.body.access_token)).status).toBe(200);

    expect(await refresh(tokens.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(await refresh(second.body.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
    expect(world.as.counters).toMatchObject({ exchanges: 1, refreshes: 3, refusedGrants: 2 });
  });

  test('of two refreshes sent at once one succeeds at most, and the grant ends', async () => {
    const world = await startWorld();
    const { tokens, refresh } = await signInByHand(world);
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(tokens.refresh_token)));
    const won = answers.filter(({ status }) => status === 200);
    expect(won.length).toBeLessThanOrEqual(1);
    for (const { body } of won) expect((await refresh(body.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('ending one grant leaves the other grants of the same person alone', async () => {
    const world = await startWorld();
    const one = await signInByHand(world);
    const two = await signInByHand(world);
    await one.refresh(one.tokens.refresh_token);
    expect((await one.refresh(one.tokens.refresh_token)).status).toBe(400);
    expect((await two.refresh(two.tokens.refresh_token)).status).toBe(200);
  });

  test('an opaque token ends with its grant, whether it is revoked by the client or at the server', async () => {
    const world = await startWorld({ accessTokenFormat: 'opaque' });
    const alice = await signInByHand(world, 'alice');
    const bob = await signInByHand(world, 'bob');
    const revoked = await fetch(`${world.as.issuer}/token/revocation`, {
      method: 'POST',
      body: new URLSearchParams({ token: alice.tokens.refresh_token, client_id: alice.clientId }),
    });
    expect(revoked.status).toBe(200);
    expect(world.as.counters.revocations).toBe(1);
    expect((await postCall(world, alice.tokens.access_token)).status).toBe(401);

    expect((await postCall(world, bob.tokens.access_token)).status).toBe(200);
    world.as.revokeGrants('bob');
    expect((await postCall(world, bob.tokens.access_token)).status).toBe(401);
    expect((await bob.refresh(bob.tokens.refresh_token)).body.error).toBe('invalid_grant');
  });

  test('its metadata names S256, the issuer parameter and every endpoint', async () => {
    const { as } = await startWorld();
    const metadata = await (await fetch(`${as.issuer}/.well-known/oauth-authorization-server`)).json();
    expect(metadata).toMatchObject({
      issuer: as.issuer,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      registration_endpoint: `${as.issuer}/reg`,
      revocation_endpoint: `${as.issuer}/token/revocation`,
      introspection_endpoint: `${as.issuer}/token/introspection`,
    });
    expect(as.counters.metadata).toBe(1);
  });

  test('a person who denies is sent back with access_denied, the state and the issuer', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const page = await createCookieBrowser().signIn(link, { user: 'alice', decision: 'deny', stopBefore });
    expect(Object.fromEntries(new URL(page.url).searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'by-hand',
      iss: world.as.issuer,
    });
    expect(page.url).not.toContain('code=');
  });

  test('a request without PKCE is sent back as invalid', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const bare = new URL(link);
    bare.searchParams.delete('code_challenge');
    bare.searchParams.delete('code_challenge_method');
    const page = await createCookieBrowser().open(bare.href, { stopBefore });
    expect(new URL(page.url).searchParams.get('error')).toBe('invalid_request');
  });

  test('a name nobody has goes no further than the sign-in page', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const page = await createCookieBrowser().signIn(link, { user: '<mallory>', stopBefore });
    expect(page.status).toBe(400);
    expect(page.html).toContain('&#60;mallory&#62;');
    expect(page.html).not.toContain('<mallory>');
  });

  test('the consent page names the program, the person, the host and each wish, all escaped', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const browser = createCookieBrowser();
    await browser.open(link);
    const { html, status } = await browser.submit({ user: 'Alice ' });
    expect(status).toBe(200);
    for (const part of [
      'Kettle &#38; &#60;b&#62;Co',
      '<b>alice</b>',
      '<b>127.0.0.1:9</b>',
      'See your events',
      'Add events',
    ]) {
      expect(html).toContain(part);
    }
    expect(html).not.toContain('Share your calendar');
  });

  test('a browser that is signed in already is asked for consent only', async () => {
    const world = await startWorld();
    const browser = createCookieBrowser();
    await browser.signIn((await registerByHand(world)).link, { user: 'alice', stopBefore });
    const page = await browser.open((await registerByHand(world)).link);
    expect(page.html).toContain('<b>alice</b>');
    expect(page.html).not.toContain('name="user"');
  });

  test('without consent pages a signed-in person is sent straight back with a code', async () => {
    const world = await startWorld({ requireConsent: false });
    const client = await registerByHand(world);
    const browser = createCookieBrowser();
    await browser.open(client.link);
    const page = await browser.submit({ user: 'bob' }, undefined, { stopBefore });
    expect((await exchange(world, client, page)).status).toBe(200);
  });

  test('a form posted from another site is refused', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const { url } = await createCookieBrowser().open(link);
    const refused = await fetch(url, {
      method: 'POST',
      headers: { origin: 'https://evil.example' },
      body: new URLSearchParams({ user: 'alice' }),
    });
    expect(refused.status).toBe(403);
  });

  test('it is ready within 1.5 seconds', async () => {
    const startedAt = performance.now();
    await startWorld();
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});

describe('the browser without a window', () => {
  test('follows redirects, keeps cookies of that origin and records every hop', async () => {
    const other = await startListener((request, response) =>
      response.end(`other:${request.headers.cookie ?? ''}`),
    );
    const home = await startListener((request, response) => {
      if (request.url === '/')
        response.writeHead(302, { location: '/next', 'set-cookie': '__Host-a=1; Secure; Path=/' }).end();
      else response.writeHead(307, { location: `${other}/${request.headers.cookie}` }).end();
    });
    const page = await createCookieBrowser().open(`${home}/`);
    expect(page).toMatchObject({ status: 200, html: 'other:', url: `${other}/__Host-a=1` });
    expect(page.hops.map(({ status, url }) => [status, new URL(url).pathname])).toEqual([
      [302, '/'],
      [307, '/next'],
      [200, '/__Host-a=1'],
    ]);
  });

  test('takes no __Host- cookie that breaks the rules of the prefix, and drops what has expired', async () => {
    let nowMs = 1_000_000;
    const lines = [
      '__Host-a=1; Path=/',
      '__Host-b=1; Secure; Path=/x',
      'short=1; Max-Age=5',
      'long=1; Max-Age=50',
      'deep=1; Path=/deep',
    ];
    const home = await startListener((request, response) => {
      if (request.url === '/') response.setHeader('set-cookie', lines);
      response.end(request.headers.cookie ?? '');
    });
    const browser = createCookieBrowser({ now: () => nowMs });
    await browser.open(`${home}/`);
    expect((await browser.open(`${home}/deep/er`)).html).toBe('deep=1; short=1; long=1');
    nowMs += 6_000;
    expect((await browser.open(`${home}/deeper`)).html).toBe('long=1');
    expect(browser.findCookie(home, 'short')).toBeUndefined();
  });

  test('sends what Chromium sends with a form: its origin, or null from a page under no-referrer', async () => {
    for (const [policy, origin] of [
      ['same-origin', 'own'],
      ['no-referrer', 'null'],
    ] as const) {
      const home = await startListener((request, response) => {
        response.setHeader('referrer-policy', policy);
        if (request.method === 'POST')
          response.end(JSON.stringify([request.headers.origin, request.headers['sec-fetch-site']]));
        else response.end('<form method="post"><input name="a" value="1 &amp; 2"><button>Go</button></form>');
      });
      const browser = createCookieBrowser();
      await browser.open(home);
      const page = await browser.submit();
      expect(JSON.parse(page.html)).toEqual([origin === 'own' ? home : origin, 'same-origin']);
    }
  });

  test('presses Continue on the way to the sign-in page', async () => {
    const world = await startWorld();
    const { link } = await registerByHand(world);
    const door = await startListener((request, response) => {
      if (request.method === 'POST') response.writeHead(303, { location: link }).end();
      else
        response.end(
          '<form method="post"><input type="hidden" name="t" value="1"><button>Continue</button></form>',
        );
    });
    const page = await createCookieBrowser().signIn(door, { user: 'alice', stopBefore });
    expect(new URL(page.url).searchParams.get('code')).toMatch(/.+/);
  });

  test('goes nowhere but loopback', async () => {
    await expect(createCookieBrowser().open('http://198.51.100.7/')).rejects.toThrow('loopback only');
  });

  test('opens a link and consents in one call', async () => {
    const callback = await startListener((request, response) => response.end(`arrived ${request.url}`));
    const world = await startWorld();
    const { link } = await registerByHand(world, { redirect_uri: `${callback}/callback` });
    const page = await openAndConsent(link, { user: 'carol' });
    expect(page).toMatchObject({ status: 200, html: expect.stringMatching(/^arrived \/callback\?code=/) });
  });
});

await describeWithService('chromium', 'a person in Chromium', () => {
  test(
    'signs in, allows access and lands at the callback on another origin',
    { timeout: 60_000 },
    async () => {
      const callback = await startListener((_request, response) =>
        response.end('<h1>You may close this page</h1>'),
      );
      const world = await startWorld();
      const { link } = await registerByHand(world, { redirect_uri: `${callback}/callback` });
      const keep = process.env['POSTERN_SCREENSHOTS'];
      const folder = keep ?? (await mkdtemp(join(tmpdir(), 'postern-pages-')));
      if (keep === undefined) closing.push(() => rm(folder, { recursive: true, force: true }));
      const chromium = await launchChromium();
      closing.push(() => chromium.close());

      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await chromium.newPage({ viewport: { width: 320, height: 640 }, colorScheme });
        const complaints: string[] = [];
        page.on('console', (message) => {
          if (message.type() === 'error' && !message.text().includes('404')) complaints.push(message.text());
        });
        const shoot = async (name: string): Promise<void> => {
          const path = join(folder, `${name}-${colorScheme}.png`);
          await page.screenshot({ path });
          expect((await readFile(path)).subarray(1, 4).toString()).toBe('PNG');
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth > window.innerWidth,
          );
          expect(overflow).toBe(false);
        };
        await page.goto(link);
        await shoot('sign-in');
        await page.getByLabel('Your name').fill('nobody');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('alert').waitFor();
        await shoot('unknown');
        await page.getByLabel('Your name').fill('alice');
        await page.getByRole('button', { name: 'Sign in' }).click();
        await page.getByRole('heading', { name: 'Allow access?' }).waitFor();
        await shoot('consent');
        await page.getByRole('button', { name: 'Allow' }).click();
        await page.getByRole('heading', { name: 'You may close this page' }).waitFor();
        expect(new URL(page.url()).origin).toBe(callback);
        expect(new URL(page.url()).searchParams.get('code')).toMatch(/.+/);
        // The refused name is a 400, which Chromium reports; nothing else may be.
        expect(complaints.filter((text) => !text.includes('400'))).toEqual([]);
      }
      expect(chromium.blockedOrigins).toEqual([]);
    },
  );
});

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

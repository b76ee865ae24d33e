import { describe, expect, onTestFinished, test } from 'vitest';
import { ClientManager, LocalAuthCoordinator, type OAuthConfig } from '../../src/client/index.ts';
import { walk } from '../heart/walk.ts';
import { createCookieBrowser, type CookieBrowser } from '../support/cookie-browser.ts';
import { challengeOf, openStage, textOf, type Stage } from '../support/stage.ts';
import { redirectError } from './registry.ts';

// R5: cloudflare/workers-oauth-provider#156, openstatusHQ/openstatus#2653.

const document = 'https://bot.corp.example/client-metadata.json';

interface Agent {
  readonly stage: Stage;
  readonly browser: CookieBrowser;
  link(user: string): Promise<string>;
  whoami(user: string): Promise<string>;
  force(user: string): Promise<void>;
  /** The clients that were sent to the authorization endpoint, in order. */
  readonly cameAs: string[];
}

/** An agent with a metadata document, and an authorization server that cannot fetch it, and says so in its way. */
async function openAgent(
  refusal: 'a page' | 'a redirect' | 'nothing',
  options: Partial<OAuthConfig> = {},
): Promise<Agent> {
  const stage = await openStage({ as: { metadata: { client_id_metadata_document_supported: true } } });
  const { as, calendar, storage, time, logger } = stage;
  const cameAs: string[] = [];
  as.on('authorize', (call) => {
    const id = call.url.searchParams.get('client_id') ?? '';
    cameAs.push(id);
    if (id !== document || refusal === 'nothing') return undefined;
    return refusal === 'a page'
      ? {
          status: 400,
          body: { error: 'invalid_client', error_description: 'metadata document responded with HTTP 403' },
        }
      : redirectError(as, call, 'invalid_client');
  });
  const coordinator = new LocalAuthCoordinator({
    storage,
    clock: time.clock,
    logger,
    clientMetadataUrl: document,
    autoOpenBrowser: false,
    blockUntilCallback: false,
    onLink: () => {},
  });
  const servers = { calendar: { url: calendar.url, auth: { type: 'oauth', ...options } as const } };
  const manager = new ClientManager(servers, { coordinator, clock: time.clock, logger });
  onTestFinished(async () => {
    await manager.close();
    await coordinator.close();
  });
  const clientOf = (user: string) => manager.getClient(user);
  return {
    stage,
    cameAs,
    browser: createCookieBrowser({ now: time.clock }),
    link: async (user) => {
      as.approveAs(user);
      return (await challengeOf((await clientOf(user)).callTool('whoami'))).url;
    },
    whoami: async (user) => textOf(await (await clientOf(user)).callTool('whoami')),
    force: async (user) => (await clientOf(user)).connect({ force: true }),
  };
}

describe('a client metadata document that the authorization server cannot fetch', () => {
  test('shows a page: who follows the same link once more goes out as a client that has registered itself', async () => {
    const agent = await openAgent('a page');
    const url = await agent.link('alice');
    expect((await walk(agent.browser, url)).status).toBe(400);
    expect((await walk(agent.browser, url)).status).toBe(200);
    expect(await agent.whoami('alice')).toBe('alice');
    expect(agent.cameAs.map((id) => id === document)).toEqual([true, false]);
  });

  test('is not tried by the next person, until a day has passed', async () => {
    const agent = await openAgent('a page');
    const url = await agent.link('alice');
    await walk(agent.browser, url);
    await walk(agent.browser, url);
    expect((await walk(createCookieBrowser(), await agent.link('bob'))).status).toBe(200);
    expect(agent.stage.as.count('register')).toBe(1);
    expect(agent.cameAs.map((id) => id === document)).toEqual([true, false, false]);
    agent.stage.time.advance(25 * 60 * 60_000);
    await walk(createCookieBrowser({ now: agent.stage.time.clock }), await agent.link('carol'));
    expect(agent.cameAs.at(-1)).toBe(document);
  });

  test('redirects with invalid_client: the link stays, and leads in', async () => {
    const agent = await openAgent('a redirect');
    const url = await agent.link('alice');
    expect((await walk(agent.browser, url)).html).toContain('Try again');
    expect((await walk(agent.browser, url)).status).toBe(200);
    expect(await agent.whoami('alice')).toBe('alice');
  });

  test('refuses the exchange with invalid_client: the link stays, and leads in', async () => {
    const agent = await openAgent('nothing');
    agent.stage.as.on('token', ({ form }) =>
      form.get('client_id') === document ? { status: 401, body: { error: 'invalid_client' } } : undefined,
    );
    const url = await agent.link('alice');
    expect((await walk(agent.browser, url)).html).toContain('Try again');
    expect((await walk(agent.browser, url)).status).toBe(200);
    expect(await agent.whoami('alice')).toBe('alice');
  });

  test('leads nowhere, and force starts over as a client that registers itself', async () => {
    const agent = await openAgent('a page');
    await walk(agent.browser, await agent.link('alice'));
    await agent.force('alice');
    expect((await walk(agent.browser, await agent.link('alice'))).status).toBe(200);
    expect(await agent.whoami('alice')).toBe('alice');
  });

  test('stays the client where the server registers nobody, and the sign-in ends as the operator’s error', async () => {
    const agent = await openAgent('a redirect');
    const { as } = agent.stage;
    as.on('metadata', () => ({
      body: {
        issuer: as.issuer,
        authorization_endpoint: `${as.issuer}/authorize`,
        token_endpoint: `${as.issuer}/token`,
        code_challenge_methods_supported: ['S256'],
        client_id_metadata_document_supported: true,
      },
    }));
    const page = await walk(agent.browser, await agent.link('alice'));
    expect(page.html).toContain('This cannot be finished');
    expect(agent.cameAs).toEqual([document]);
  });

  test('is not named at all where its operator says that its host is private', async () => {
    const config = JSON.parse('{ "clientMetadataIsPrivate": true }') as Partial<OAuthConfig>;
    const agent = await openAgent('a page', config);
    expect((await walk(agent.browser, await agent.link('alice'))).status).toBe(200);
    expect(agent.cameAs).not.toContain(document);
  });
});

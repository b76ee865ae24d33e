import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ClientManager, RemoteAuthCoordinator } from '../../../src/client/index.ts';
import { userOf } from '../../support/page-host.ts';
import { challengeOf, codeOf, openStage, textOf, type Stage } from '../../support/stage.ts';
import type { Call } from '../../support/programmable-authorization.ts';
import type { Page } from '../../support/cookie-browser.ts';
import { walk, walkToCallback } from '../walk.ts';

// A report from the field, with seven of seven servers that offer registration: cloudflare/workers-oauth-provider#201,
// openai/codex#29630, maximhq/bifrost#7191.

interface Registry {
  /** Every client that has registered so far is unknown from now on, and its grants are gone. */
  forget(): void;
}

/** Has the stage's server know its clients, and tell those it does not know in its way. */
function openRegistry({ as }: Stage, unknown: 'a page' | 'a redirect' = 'a page'): Registry {
  const live = new Set<string>();
  let count = 0;
  as.on('register', (call) => {
    const id = `client-${++count}`;
    live.add(id);
    return { status: 201, body: { ...(JSON.parse(call.text) as object), client_id: id } };
  });
  const refuse = ({ form }: Call) =>
    live.has(form.get('client_id') ?? '') ? undefined : { status: 401, body: { error: 'invalid_client' } };
  for (const kind of ['token', 'refresh', 'revoke'] as const) as.on(kind, refuse);
  as.on('authorize', ({ url: { searchParams: asked } }) => {
    if (live.has(asked.get('client_id') ?? '')) return undefined;
    if (unknown === 'a page')
      return { status: 400, headers: { 'content-type': 'text/html' }, body: 'Unknown client' };
    const location = new URL(asked.get('redirect_uri') ?? '');
    location.searchParams.set('error', 'unauthorized_client');
    location.searchParams.set('state', asked.get('state') ?? '');
    location.searchParams.set('iss', as.issuer);
    return { status: 302, headers: { location: location.href } };
  });
  return {
    forget: () => {
      live.clear();
      as.tokens.revokeAll();
    },
  };
}

/** Opens the link that a call of this user needs, as far as it goes. */
async function tryToSignIn(stage: Stage, user: string): Promise<Page> {
  stage.as.approveAs(user);
  return walk(await stage.host.openBrowser(user), (await stage.linkOf(user)).url);
}

async function openSignedIn(
  unknown?: 'a page' | 'a redirect',
): Promise<{ stage: Stage; registry: Registry }> {
  const stage = await openStage();
  const registry = openRegistry(stage, unknown);
  expect((await tryToSignIn(stage, 'alice')).status).toBe(200);
  expect(await whoami(stage, 'alice')).toBe('alice');
  stage.time.advance(2 * 60_000);
  return { stage, registry };
}

async function whoami(stage: Stage, user: string): Promise<string> {
  const client = await stage.manager.getClient(user);
  return client.callTool('whoami').then(textOf, (error: unknown) => codeOf(Promise.reject(error)));
}

describe('an authorization server that has forgotten the client that registered itself', () => {
  test('refuses a refresh: the person is asked, as a client that the server knows (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn();
    registry.forget();
    expect(await whoami(stage, 'alice')).toBe('ERR_POSTERN_AUTH_REQUIRED');
    expect((await tryToSignIn(stage, 'alice')).status).toBe(200);
    expect([await whoami(stage, 'alice'), stage.as.count('register')]).toEqual(['alice', 2]);
  });

  test('redirects with unauthorized_client: the next link leads in (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn('a redirect');
    registry.forget();
    expect((await tryToSignIn(stage, 'bob')).status).toBeGreaterThanOrEqual(400);
    expect((await tryToSignIn(stage, 'bob')).status).toBe(200);
    expect([await whoami(stage, 'bob'), stage.as.count('register')]).toEqual(['bob', 2]);
  });

  test('redirects with unauthorized_client: the link stays, and so does what waits for it', async () => {
    const { stage, registry } = await openSignedIn('a redirect');
    registry.forget();
    const { url } = await stage.linkOf('bob');
    stage.as.approveAs('bob');
    const page = await walk(await stage.host.openBrowser('bob'), url);
    expect(page.html).toContain(new URL(url).pathname);
    expect((await stage.linkOf('bob')).url).toBe(url);
    expect((await walk(await stage.host.openBrowser('bob'), url)).status).toBe(200);
    expect(await whoami(stage, 'bob')).toBe('bob');
  });

  test('refuses every client that registers itself: the link ends, and says so', async () => {
    const stage = await openStage();
    openRegistry(stage, 'a redirect');
    const { url } = await stage.linkOf('bob');
    stage.as.on('authorize', ({ url: { searchParams: asked } }) => {
      const location = new URL(asked.get('redirect_uri') ?? '');
      location.searchParams.set('error', 'unauthorized_client');
      location.searchParams.set('state', asked.get('state') ?? '');
      location.searchParams.set('iss', stage.as.issuer);
      return { status: 302, headers: { location: location.href } };
    });
    await walk(await stage.host.openBrowser('bob'), url);
    const client = await stage.manager.getClient('bob');
    await vi.waitFor(() =>
      expect(client.session('calendar').error?.code).toBe('ERR_POSTERN_OAUTH_CLIENT_REJECTED'),
    );
  });

  test('shows a page of its own: who follows the same link once more gets in, and only one client is registered', async () => {
    const { stage, registry } = await openSignedIn();
    registry.forget();
    const { url } = await stage.linkOf('bob');
    const { url: carolsUrl } = await stage.linkOf('carol');
    stage.as.approveAs('bob');
    const browser = await stage.host.openBrowser('bob');
    expect((await walk(browser, url)).html).toContain('Unknown client');
    expect((await walk(browser, url)).status).toBe(200);
    expect(await whoami(stage, 'bob')).toBe('bob');
    stage.as.approveAs('carol');
    expect((await walk(await stage.host.openBrowser('carol'), carolsUrl)).status).toBe(200);
    expect([await whoami(stage, 'carol'), stage.as.count('register')]).toEqual(['carol', 2]);
  });

  test('has not, where a person only took their time: a link that is followed twice registers nobody anew', async () => {
    const stage = await openStage();
    openRegistry(stage);
    const { url } = await stage.linkOf('bob');
    stage.as.approveAs('bob');
    await walkToCallback(await stage.host.openBrowser('bob'), url);
    expect((await walk(await stage.host.openBrowser('bob'), url)).status).toBe(200);
    expect([await whoami(stage, 'bob'), stage.as.count('register')]).toEqual(['bob', 1]);
  });

  test('shows a page of its own: force starts over, and leads in (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn();
    registry.forget();
    // Whoever checks before a person is sent out lets them in here already.
    await tryToSignIn(stage, 'bob');
    const client = await stage.manager.getClient('bob');
    await client.connect({ server: 'calendar', force: true });
    if ((await whoami(stage, 'bob')) !== 'bob') await tryToSignIn(stage, 'bob');
    expect(await whoami(stage, 'bob')).toBe('bob');
  });

  test('refuses a revocation: after the logout, the next link leads in (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn();
    registry.forget();
    const client = await stage.manager.getClient('alice');
    const { calendar } = await client.logout();
    expect(calendar?.revoked).toBe(false);
    expect((await tryToSignIn(stage, 'alice')).status).toBe(200);
    expect(await whoami(stage, 'alice')).toBe('alice');
  });

  test('refuses an exchange: the next link leads in', async () => {
    const { stage, registry } = await openSignedIn();
    stage.as.approveAs('bob');
    const browser = await stage.host.openBrowser('bob');
    const callback = await walkToCallback(browser, (await stage.linkOf('bob')).url);
    registry.forget();
    expect((await browser.open(callback.href)).status).toBeGreaterThanOrEqual(400);
    expect((await tryToSignIn(stage, 'bob')).status).toBe(200);
    expect([await whoami(stage, 'bob'), stage.as.count('register')]).toEqual(['bob', 2]);
  });

  test('locks nobody out for good, in a process that starts later either (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn();
    registry.forget();
    const coordinator = new RemoteAuthCoordinator({
      storage: stage.storage,
      publicUrl: stage.host.publicUrl,
      verifyUser: userOf,
      clock: stage.time.clock,
    });
    stage.host.handlers.splice(0, stage.host.handlers.length, coordinator.fetch);
    const later = new ClientManager(
      { calendar: { url: stage.calendar.url } },
      { coordinator, clock: stage.time.clock },
    );
    onTestFinished(() => later.close());
    const client = await later.getClient('alice');
    stage.as.approveAs('alice');
    const { url } = await challengeOf(client.callTool('whoami'));
    await walk(await stage.host.openBrowser('alice'), url);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('is registered with anew once: who finds out later uses what the first one got (issue 8.32)', async () => {
    const { stage, registry } = await openSignedIn('a redirect');
    const bobsOldLink = (await stage.linkOf('bob')).url;
    registry.forget();
    expect(await whoami(stage, 'alice')).toBe('ERR_POSTERN_AUTH_REQUIRED');
    expect((await tryToSignIn(stage, 'alice')).status).toBe(200);
    // It was made for the client that is gone.
    stage.as.approveAs('bob');
    await walk(await stage.host.openBrowser('bob'), bobsOldLink);
    expect([await whoami(stage, 'alice'), await whoami(stage, 'bob')]).toEqual(['alice', 'bob']);
    expect(stage.as.count('register')).toBe(2);
  });

  test('stays the operator’s error where the client was registered by hand', async () => {
    const stage = await openStage({
      servers: ({ url }, { issuer }) => ({
        calendar: { url, auth: { type: 'oauth', client: { clientId: 'by-hand', issuer } } },
      }),
    });
    expect((await tryToSignIn(stage, 'alice')).status).toBe(200);
    openRegistry(stage).forget();
    expect(await whoami(stage, 'alice')).toBe('ERR_POSTERN_OAUTH_CLIENT_REJECTED');
    expect(stage.as.count('register')).toBe(0);
  });
});

test('a registration that cannot be read any more locks nobody out: another takes its place', async () => {
  const { stage } = await openSignedIn();
  const { storage } = stage;
  const registrations = await storage.list(['app', 'registration']);
  const broken = new TextEncoder().encode('no registration');
  await storage.commit(registrations.map(({ key }) => ({ put: key, value: broken })));
  expect((await tryToSignIn(stage, 'bob')).status).toBe(200);
  expect((await tryToSignIn(stage, 'carol')).status).toBe(200);
  expect(stage.as.count('register')).toBe(2);
});

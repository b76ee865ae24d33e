import { describe, expect, test, vi } from 'vitest';
import {
  callbackOf,
  consent,
  departureOf,
  openFlowStage,
  planFor,
  redirectFlow,
  titleOf,
} from '../support/flow-stage.ts';
import { acquire, codeOf, cookiesOf, leaks } from '../support/flow-visits.ts';

describe('a consent at a third party', () => {
  test('goes through our page and theirs, back to an address without the code, and the tokens stay here', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const flow = redirectFlow(stage);
    const waiting = Array.from({ length: 3 }, () => acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const done = await consent(await stage.host.openBrowser('alice'), url);
    expect([done.status, titleOf(done), done.url]).toEqual([200, 'You are signed in', url]);
    const credentials = await Promise.all(waiting);
    expect(new Set(credentials.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(Object.keys(credentials[0]!)).not.toContain('refreshToken');
    expect([stage.as.count('authorize'), stage.as.count('token')]).toEqual([1, 1]);
    const asked = stage.as.calls.find(({ kind }) => kind === 'authorize')?.url.searchParams;
    expect(asked?.get('code_challenge_method')).toBe('S256');
    expect(url).not.toContain(asked?.get('state') ?? '');
    expect(leaks(stage, credentials[0]!.accessToken)).toEqual([]);
  });

  test('is not begun by a page that is only opened', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([titleOf(page), stage.as.count('authorize')]).toEqual(['Connect your account', 0]);
  });

  test('that came back to another browser is refused, even with the same user, and can still be finished in the first', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const first = await stage.host.openBrowser('alice');
    const callback = await callbackOf(first, url);
    for (const [user, status] of [
      ['alice', 403],
      ['mallory', 400],
      [undefined, 401],
    ] as const) {
      expect((await (await stage.host.openBrowser(user)).open(callback.href)).status).toBe(status);
    }
    expect(stage.as.count('token')).toBe(0);
    expect(titleOf(await first.open(callback.href))).toBe('You are signed in');
  });

  test.each([
    ['no state', (url: URL): void => url.searchParams.delete('state'), 400],
    ['another state', (url: URL): void => url.searchParams.set('state', 'x'.repeat(32)), 400],
    ['two states', (url: URL): void => url.searchParams.append('state', 'x'), 400],
    ['a code twice', (url: URL): void => url.searchParams.append('code', 'x'), 400],
    ['neither code nor error', (url: URL): void => url.searchParams.delete('code'), 400],
  ])('that comes back with %s changes nothing', async (_what, edit, status) => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const edited = new URL(callback);
    edit(edited);
    expect((await browser.open(edited.href)).status).toBe(status);
    expect(stage.as.count('token')).toBe(0);
    expect(titleOf(await browser.open(callback.href))).toBe('You are signed in');
  });

  test.each([
    ['of another issuer', (url: URL): void => url.searchParams.set('iss', 'https://evil.example')],
    ['without the issuer it always names', (url: URL): void => url.searchParams.delete('iss')],
  ])('%s is refused, its code sent nowhere, and its error not shown', async (_what, edit) => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const waiting = codeOf(acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    edit(callback);
    callback.searchParams.set('error_description', 'CNRY');
    expect((await browser.open(callback.href)).status).toBe(400);
    expect([stage.as.count('token'), await waiting, leaks(stage)]).toEqual([
      0,
      'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
      [],
    ]);
  });

  test('that was denied there ends every waiter, and repeats neither what could be a secret nor markup', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const waiting = Array.from({ length: 3 }, () => codeOf(acquire(stage, 'alice', flow, 10_000)));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'access_denied');
    callback.searchParams.set('error_description', 'CNRYzsecretz-x7Kq2mWv9 <img src=x onerror=alert(1)>');
    const page = await browser.open(callback.href);
    expect([page.status, titleOf(page)]).toEqual([403, 'Declined']);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('ERR_POSTERN_AUTH_DENIED'));
    expect(leaks(stage)).toEqual([]);
  });

  test('that came back fifty times at once is exchanged once, and every request is told how it ended', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const cookie = cookiesOf(stage, browser, 'alice');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => fetch(callback, { headers: { cookie }, redirect: 'manual' })),
    );
    expect(answers.filter(({ status }) => status === 303)).toHaveLength(1);
    const bodies = await Promise.all(
      answers.filter(({ status }) => status === 400).map((answer) => answer.text()),
    );
    expect(bodies.map((html) => titleOf({ html }))).toEqual(Array(49).fill('Already done'));
    expect(stage.as.count('token')).toBe(1);
    expect(titleOf(await browser.open(callback.href))).toBe('Already done');
  });

  test('can be begun twenty times from one link, each way out is good, and the next is told to ask anew', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    const callbacks: URL[] = [];
    for (let index = 0; index < 20; index++) callbacks.push(await callbackOf(browser, url));
    await browser.open(url);
    const refused = await browser.submit({}, 'continue');
    expect([refused.status, refused.html.includes('ERR_POSTERN_OOB_LIMIT')]).toEqual([429, true]);
    expect(titleOf(await browser.open(callbacks[0]!.href))).toBe('You are signed in');
  });

  test('whose exchange failed offers the way on, which works', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    stage.as.on('token', () => ({
      status: 500,
      body: { error: 'server_error', error_description: 'CNRYzsecretz-x7Kq2mWv9' },
    }));
    const failed = await consent(browser, url);
    expect([failed.status, failed.html.includes(`href="${url}"`)]).toEqual([502, true]);
    stage.as.on('token', undefined);
    expect(titleOf(await consent(browser, url))).toBe('You are signed in');
    expect([stage.as.count('token'), leaks(stage)]).toEqual([2, []]);
    expect((await acquire(stage, 'alice', flow)).tokenType).toBe('bearer');
  });

  test('whose code is refused ends, since nothing else will come of it', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const waiting = codeOf(acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    stage.as.on('token', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    expect((await consent(await stage.host.openBrowser('alice'), url)).status).toBe(502);
    expect(await waiting).toBe('ERR_POSTERN_OAUTH_GRANT_INVALID');
  });

  test('that cannot be kept is revoked where it came from, and the person can try again', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const { performance: clock } = globalThis;
    const start = clock.now();
    stage.storage.fault = ({ operation, on }) => {
      if (operation !== 'commit' || !on.includes('/credential/calendar.example')) return undefined;
      vi.spyOn(performance, 'now').mockImplementation(() => start + 60_000);
      return 'fail';
    };
    const failed = await consent(browser, url);
    vi.restoreAllMocks();
    expect(failed.status).toBe(503);
    expect(stage.as.count('revoke')).toBeGreaterThan(0);
    stage.storage.fault = () => undefined;
    expect(titleOf(await consent(browser, url))).toBe('You are signed in');
  });

  test('renews what it got, once for all, and asks anew when that has ended', async () => {
    const stage = await openFlowStage({ processes: 2 });
    const flow = redirectFlow(stage);
    await consent(await stage.host.openBrowser('alice'), (await stage.linkOf('alice', flow)).url);
    const before = await acquire(stage, 'alice', flow);
    stage.time.advance(3_600_000);
    const principal = await stage.principal('alice');
    const renewed = await Promise.all(
      stage.oobs.flatMap(({ credentials }) =>
        Array.from({ length: 20 }, () =>
          credentials.acquire(principal, { resource: 'calendar.example', flow }),
        ),
      ),
    );
    expect(new Set(renewed.map(({ accessToken }) => accessToken)).size).toBe(1);
    expect(renewed[0]?.accessToken).not.toBe(before.accessToken);
    expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([1, 0]);
    stage.time.advance(3_600_000);
    stage.as.on('refresh', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    expect((await stage.linkOf('alice', flow)).kind).toBe('oauth_redirect');
  });

  test('asks for the scopes that were wanted by the time the person went out, and remembers which those were', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const { url } = await stage.linkOf('alice', flow, { scopes: ['read'] });
    const browser = await stage.host.openBrowser('alice');
    await stage.linkOf('alice', flow, { scopes: ['write'] });
    const callback = await callbackOf(browser, url);
    // Too late for this way out: it is asked for afterwards.
    await stage.linkOf('alice', flow, { scopes: ['admin'] });
    await browser.open(callback.href);
    const asked = stage.as.calls
      .filter(({ kind }) => kind === 'authorize')
      .map((call) => call.url.searchParams.get('scope'));
    expect(asked).toEqual(['read write']);
    const [kept] = await stage.oob.credentials.list(await stage.principal('alice'));
    expect(kept?.scopes).toEqual(['read', 'write']);
    const wider = await stage.linkOf('alice', flow, { scopes: ['admin'] });
    await consent(browser, wider.url);
    const [whole] = await stage.oob.credentials.list(await stage.principal('alice'));
    expect(whole?.scopes).toEqual(['read', 'write', 'admin']);
  });

  test('that could not work is said to the caller, before a person gets a link', async () => {
    const stage = await openFlowStage();
    const { oauthRedirect } = await import('../../src/interaction/oauth/oauth-redirect.ts');
    const plan = planFor(stage.as, `${stage.host.publicUrl}/callback`);
    const { code_challenge_methods_supported: _left, ...server } = plan.discovery.server;
    const flow = stage.oob.flow(
      'no-pkce',
      oauthRedirect({
        http: stage.http,
        authorize: () => ({ ...plan, discovery: { ...plan.discovery, server } }),
      }),
    );
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED');
    expect(
      await stage.oob.credentials.findInteraction(await stage.principal('alice'), 'calendar.example'),
    ).toBeUndefined();
  });

  test('answers no other method than it should', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', redirectFlow(stage));
    for (const [address, method, allow] of [
      [url, 'PUT', 'GET, POST'],
      [`${stage.host.publicUrl}/callback?state=x`, 'POST', 'GET'],
    ] as const) {
      const response = await fetch(address, { method });
      expect([response.status, response.headers.get('allow')]).toEqual([405, allow]);
    }
  });
});

// A page in between is part of every consent: see also pages.test.ts, in a real browser.
test('the page in between names the host and goes on without a script', async () => {
  const stage = await openFlowStage();
  const { url } = await stage.linkOf('alice', redirectFlow(stage));
  const browser = await stage.host.openBrowser('alice');
  await browser.open(url);
  const page = await browser.submit({}, 'continue');
  expect([page.status, new URL(departureOf(page)).origin]).toEqual([200, stage.as.origin]);
});

import { describe, expect, test, vi } from 'vitest';
import { findPosternError } from '../../src/core/postern-error.ts';
import type { FormSchema, FormValues } from '../../src/interaction/secret-form/form-schema.ts';
import type { NamedFlow } from '../../src/interaction/flow.ts';
import { deviceCode } from '../../src/interaction/oauth/device-code.ts';
import { secretForm, type SecretFormOptions } from '../../src/interaction/secret-form/secret-form.ts';
import { createCookieBrowser, type CookieBrowser, type Page } from '../support/cookie-browser.ts';
import {
  callbackOf,
  consent,
  departureOf,
  openFlowStage,
  planFor,
  redirectFlow,
  titleOf,
  type FlowStage,
} from '../support/flow-stage.ts';

const login: FormSchema = {
  type: 'object',
  properties: {
    host: { type: 'string', title: 'Host' },
    password: { type: 'string', title: 'Password', writeOnly: true },
    key: { type: 'string', title: 'Key', writeOnly: true, format: 'multiline' },
  },
  required: ['password'],
};
const secret = 'CNRY-pa ss+%&=<b>"\'wörd-😀';

function formFlow(stage: FlowStage, options: SecretFormOptions = {}): NamedFlow<FormValues> {
  const [named] = stage.oobs.map((oob) => oob.flow('login', secretForm(login, options)));
  return named!;
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => findPosternError(error)?.code ?? String(error),
  );

async function acquire<C>(stage: FlowStage, user: string, flow: NamedFlow<C>, waitMs = 0): Promise<C> {
  return stage.oob.credentials.acquire(
    await stage.principal(user),
    { resource: 'calendar.example', flow },
    { waitMs },
  );
}

/** What is anywhere to be read of a secret: pages, headers, addresses, log lines. */
function leaks(stage: FlowStage, canary = 'CNRY'): string[] {
  const answers = stage.host.answers.map(({ path, headers, body }) => `${path} ${headers} ${body}`);
  return [...answers, ...stage.logger.lines].filter((text) => text.includes(canary));
}

describe('a secret form', () => {
  test('keeps what was entered, to the byte, and shows it to nobody again', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const waiting = Array.from({ length: 3 }, () => acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const done = await browser.submit(
      { host: 'db.example', password: secret, key: 'CNRY-line 1\r\nline 2\r\n' },
      'save',
    );
    expect([done.status, titleOf(done), done.url]).toEqual([200, 'Done', url]);
    const kept = { host: 'db.example', password: secret, key: 'CNRY-line 1\nline 2\n' };
    expect(await Promise.all(waiting)).toEqual([kept, kept, kept]);
    expect(await acquire(stage, 'alice', flow)).toEqual(kept);
    expect(leaks(stage)).toEqual([]);
  });

  test('that another user opens is refused, with their answer as with any other, and nothing is kept', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const mallory = await stage.host.openBrowser('mallory');
    for (const address of [url, `${url}/status`, `${url}?user=alice`, `${url}/callback?state=x`]) {
      expect((await mallory.open(address)).status).toBe(403);
    }
    const own = await stage.linkOf('mallory', flow);
    await mallory.open(own.url);
    const { html } = await mallory.open(own.url);
    const token = /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
    const sent = await post(
      stage,
      url,
      { 'form-token': token, password: secret },
      { cookie: cookiesOf(stage, mallory, 'mallory') },
    );
    expect(sent.status).toBe(403);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect((await (await stage.host.openBrowser()).open(url)).status).toBe(401);
  });

  test.each([
    ['no token', { token: undefined }, 403],
    ['the token of another pending', { token: 'other' }, 403],
    ['the right token in another browser', { cookie: 'none' }, 403],
    ['the right token from another site', { origin: 'https://evil.example' }, 403],
    ['the right token from an opaque origin', { origin: 'null' }, 403],
    ['the right token, but multipart', { type: 'multipart/form-data; boundary=x' }, 415],
    ['the right token, and 64 KiB', { padding: 65_536 }, 413],
  ] as const)('refuses %s, and keeps nothing', async (_what, how, status) => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const own = tokenOf(await browser.open(url));
    const other = tokenOf(await browser.open((await stage.linkOf('alice', flow, {})).url));
    expect(other).toBe(own);
    const foreign = await stage.linkOf('alice', flow, { resource: 'elsewhere' });
    const foreignToken = tokenOf(await browser.open(foreign.url));
    expect(foreignToken).not.toBe(own);
    const given = {
      token: own as string | undefined,
      cookie: 'own',
      origin: stage.host.origin,
      type: 'application/x-www-form-urlencoded',
      padding: 0,
      ...how,
    };
    const token = given.token === 'other' ? foreignToken : given.token;
    const response = await post(
      stage,
      url,
      {
        ...(token !== undefined && { 'form-token': token }),
        password: secret,
        ...(given.padding > 0 && { host: 'x'.repeat(given.padding) }),
      },
      {
        cookie: given.cookie === 'own' ? cookiesOf(stage, browser, 'alice') : 'app-user=alice',
        origin: given.origin,
        'content-type': given.type,
      },
    );
    expect(response.status).toBe(status);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect(leaks(stage)).toEqual([]);
  });

  test('in the address is not looked at, and the person is told to change the secret', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(`${url}?password=${encodeURIComponent(secret)}`);
    expect([page.status, titleOf(page)]).toEqual([405, 'Not saved']);
    expect([leaks(stage), await codeOf(acquire(stage, 'alice', flow))]).toEqual([
      [],
      'ERR_POSTERN_OOB_INTERACTION_REQUIRED',
    ]);
    // What a mail program adds to a link is no form.
    expect((await browser.open(`${url}?utm_source=mail`)).status).toBe(200);
  });

  test('that was refused, could not be tried, or took too long, says which of the three, keeps nothing, and can be sent again', async () => {
    const stage = await openFlowStage();
    let verdict: () => Promise<'accepted' | 'rejected'> = async () => 'rejected';
    const flow = formFlow(stage, { test: () => verdict(), testTimeoutMs: 50 });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const send = async (): Promise<[number, string | undefined]> => {
      const page = await browser.submit({ host: 'db.example', password: secret }, 'save');
      expect(page.html).toContain('value="db.example"');
      return [page.status, /role="alert">([^<.]*)/u.exec(page.html)?.[1]];
    };
    expect(await send()).toEqual([422, 'The service refused this']);
    verdict = async () => {
      throw new Error(`500: cannot log in with ${secret}`);
    };
    expect(await send()).toEqual([503, 'It could not be tried just now, and was not kept']);
    verdict = () => new Promise(() => {});
    expect(await send()).toEqual([504, 'The service did not answer within 0']);
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    verdict = async () => 'accepted';
    expect(titleOf(await browser.submit({ password: secret }, 'save'))).toBe('Done');
    expect(await acquire(stage, 'alice', flow)).toMatchObject({ password: secret });
    expect(leaks(stage)).toEqual([]);
  });

  test('can be tried ten times, then the link is over, also for those who try all at once', async () => {
    const stage = await openFlowStage();
    let tried = 0;
    const flow = formFlow(stage, { test: async () => (tried++, 'rejected') });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const token = tokenOf(await browser.open(url));
    const cookie = cookiesOf(stage, browser, 'alice');
    const statuses = await Promise.all(
      Array.from(
        { length: 30 },
        async () => (await post(stage, url, { 'form-token': token, password: 'guess' }, { cookie })).status,
      ),
    );
    expect(tried).toBe(10);
    expect(statuses.filter((status) => status === 422)).not.toHaveLength(0);
    expect((await browser.open(url)).html).toContain('Refused too often');
  });

  test('sent by two browsers at once is kept once, and the other one is told so', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const { url } = await stage.linkOf('alice', flow);
    const pages = await Promise.all(
      ['one', 'two'].map(async (password) => {
        const browser = await stage.host.openBrowser('alice');
        await browser.open(url);
        return { password, browser };
      }),
    );
    const ends = await Promise.all(
      pages.map(async ({ password, browser }) => ({
        password,
        page: await browser.submit({ password }, 'save'),
      })),
    );
    const [won, ...more] = ends.filter(({ page }) => titleOf(page) === 'Done');
    expect(more).toEqual([]);
    expect(ends.map(({ page }) => titleOf(page) ?? '').toSorted((a, b) => a.localeCompare(b))).toEqual([
      'Already done',
      'Done',
    ]);
    expect(await acquire(stage, 'alice', flow)).toEqual({ password: won?.password });
    const late = pages.find(({ password }) => password !== won?.password);
    expect(titleOf(await late!.browser.open(url))).toBe('Done');
  });

  test('that is declined ends every waiter, and says so however often it is opened', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const waiting = Array.from({ length: 3 }, () => codeOf(acquire(stage, 'alice', flow, 10_000)));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const declined = await browser.submit({}, 'decline');
    expect([declined.status, titleOf(declined)]).toEqual([403, 'Declined']);
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('ERR_POSTERN_AUTH_DENIED'));
    expect(titleOf(await browser.open(url))).toBe('Declined');
    expect(await codeOf(acquire(stage, 'alice', flow))).toBe('ERR_POSTERN_AUTH_DENIED');
  });

  test('that was sent in time and tried until after it is kept, and the page says so', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage, {
      test: async () => {
        stage.time.advance(11 * 60_000);
        return 'accepted';
      },
    });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const page = await browser.submit({ password: secret }, 'save');
    expect([page.status, titleOf(page)]).toEqual([200, 'Done']);
    expect(await acquire(stage, 'alice', flow)).toMatchObject({ password: secret });
  });

  test('that has expired says so', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    stage.time.advance(10 * 60_000);
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page)]).toEqual([410, 'This link has expired']);
  });

  test('is begun with what is known, but with no secret from the client', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage);
    const principal = await stage.principal('alice');
    const refused = stage.oob.credentials.acquire(principal, {
      resource: 'r',
      flow,
      details: { password: secret },
    });
    expect(await codeOf(refused)).toBe('ERR_POSTERN_OOB_FORM_REFUSED');
    const { url } = await stage.linkOf('alice', flow, { details: { host: '"><script>alert(1)</script>' } });
    const { html } = await (await stage.host.openBrowser('alice')).open(url);
    expect(html).toContain('value="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"');
  });

  test('can be a page of one’s own, which gets the same checks', async () => {
    const stage = await openFlowStage();
    const flow = formFlow(stage, {
      render: ({ formToken, status }) =>
        new Response(
          `<form method="post"><input type="hidden" name="form-token" value="${formToken}"><input name="password"><button name="form-action" value="save">Go</button></form>`,
          { status },
        ),
    });
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    expect(titleOf(await browser.submit({ password: secret }, 'save'))).toBe('Done');
    expect(await acquire(stage, 'alice', flow)).toEqual({ password: secret });
  });

  test('is nowhere in the clear in a sealed store', async () => {
    const { encrypted } = await import('../../src/storage/encrypted.ts');
    const { keyringFromText, generateKeyText } = await import('../../src/storage/keyring.ts');
    const { MemoryBackend } = await import('../../src/storage/memory-backend.ts');
    const { FaultyStorage } = await import('../support/faulty-storage.ts');
    const raw = new FaultyStorage(new MemoryBackend());
    const stage = await openFlowStage({
      oob: { storage: encrypted(raw, keyringFromText(generateKeyText())) },
    });
    const flow = formFlow(stage);
    const { url, pendingId } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    await browser.submit({ password: secret }, 'save');
    const written = raw.written
      .map(({ key, value }) => `${key} ${Buffer.from(value).toString('latin1')}`)
      .join('\n');
    expect([written.includes('CNRY'), written.includes(pendingId)]).toEqual([false, false]);
  });
});

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
      ['mallory', 403],
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

  test('that was denied there ends every waiter, and repeats nothing of what was said', async () => {
    const stage = await openFlowStage();
    const flow = redirectFlow(stage);
    const waiting = Array.from({ length: 3 }, () => codeOf(acquire(stage, 'alice', flow, 10_000)));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'access_denied');
    callback.searchParams.set('error_description', 'CNRY <img src=x onerror=alert(1)>');
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
    stage.as.on('token', () => ({ status: 500, body: { error: 'server_error', error_description: 'CNRY' } }));
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

describe('a device code', () => {
  async function openDevice(processes = 1) {
    const stage = await openFlowStage({ processes });
    let state: 'waiting' | 'granted' = 'waiting';
    stage.as.on('device', () => ({
      body: {
        device_code: 'CNRY-device',
        user_code: 'WDJB-MJHT',
        verification_uri: `${stage.as.origin}/enter`,
        expires_in: 600,
        interval: 0.05,
      },
    }));
    stage.as.on('token', () =>
      state === 'waiting'
        ? { status: 400, body: { error: 'authorization_pending' } }
        : {
            body: {
              access_token: 'CNRY-token',
              token_type: 'Bearer',
              expires_in: 3600,
              refresh_token: 'CNRY-refresh',
            },
          },
    );
    const flow = deviceCode({ http: stage.http, authorize: () => planFor(stage.as, '') });
    const [named] = stage.oobs.map((oob) => oob.flow('device', flow));
    return { stage, flow: named!, grant: () => void (state = 'granted') };
  }

  test('is shown to its person only, while one process of all polls, and what comes of it reaches all who wait', async () => {
    const { stage, flow, grant } = await openDevice(2);
    const principal = await stage.principal('alice');
    const waiting = stage.oobs.map(({ credentials }) =>
      credentials.acquire(principal, { resource: 'calendar.example', flow }, { waitMs: 10_000 }),
    );
    const { url, message } = await stage.linkOf('alice', flow);
    expect(message).not.toContain('WDJB');
    const mallory = await (await stage.host.openBrowser('mallory')).open(url);
    expect([mallory.status, mallory.html.includes('WDJB')]).toEqual([403, false]);
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect(page.html).toContain('<strong class="code">WDJB-MJHT</strong>');
    expect(await statusOf(browser, url)).toEqual({ status: 'pending' });
    grant();
    const tokens = await Promise.all(waiting);
    expect(tokens.map(({ accessToken }) => accessToken)).toEqual(['CNRY-token', 'CNRY-token']);
    expect(await statusOf(browser, url)).toEqual({ status: 'completed' });
    expect(titleOf(await browser.open(url))).toBe('You are signed in');
    expect([stage.as.count('device'), leaks(stage)]).toEqual([1, []]);
    const grants = stage.as.calls.filter(({ kind }) => kind === 'token').length;
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(stage.as.count('token')).toBe(grants);
  });

  test('that is declined here is polled for no longer', async () => {
    const { stage, flow } = await openDevice();
    const waiting = codeOf(acquire(stage, 'alice', flow, 10_000));
    const { url } = await stage.linkOf('alice', flow);
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    expect(titleOf(await browser.submit({}, 'Decline'))).toBe('Declined');
    expect(await waiting).toBe('ERR_POSTERN_AUTH_DENIED');
    const polls = stage.as.count('token');
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(stage.as.count('token')).toBeLessThanOrEqual(polls + 1);
  });

  test('of a hundred callers at once is asked for once', async () => {
    const { stage, flow } = await openDevice();
    const links = await Promise.all(Array.from({ length: 100 }, () => stage.linkOf('alice', flow)));
    expect([new Set(links.map(({ url }) => url)).size, stage.as.count('device')]).toEqual([1, 1]);
  });
});

describe('the pages', () => {
  test('of a process that does not know the flow name no flow, and change nothing', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const strange = await openFlowStage({ oob: { storage: stage.storage, publicUrl: stage.host.publicUrl } });
    stage.host.handlers.splice(0, 1, strange.oob.fetch);
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page), page.html.includes('login')]).toEqual([
      503,
      'This is finishing elsewhere',
      false,
    ]);
  });

  test('when the store is down say that nothing was saved', async () => {
    const stage = await openFlowStage();
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const browser = await stage.host.openBrowser('alice');
    stage.storage.fault = () => 'fail';
    const page = await browser.open(url);
    expect([page.status, titleOf(page)]).toEqual([503, 'Not saved']);
  });

  test('when the host’s own check fails show nothing of why', async () => {
    const stage = await openFlowStage({
      oob: {
        verifyUser: () => {
          throw new Error('CNRY session store at 10.0.0.1');
        },
      },
    });
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, titleOf(page), leaks(stage)]).toEqual([503, 'Not just now', []]);
  });

  test('send a person who is not signed in where the host says', async () => {
    const signIn = 'http://127.0.0.1:1/login';
    const stage = await openFlowStage({ oob: { verifyUser: () => Response.redirect(signIn) } });
    const { url } = await stage.linkOf('alice', formFlow(stage));
    const page = await createCookieBrowser().open(url, { stopBefore: (next) => next.href === signIn });
    expect(page.url).toBe(signIn);
  });
});

function tokenOf({ html }: Page): string {
  return /name="form-token" value="([^"]+)"/u.exec(html)?.[1] ?? '';
}

async function statusOf(browser: CookieBrowser, url: string): Promise<unknown> {
  return JSON.parse((await browser.open(`${url}/status`)).html);
}

/** All the cookies of a browser, for requests of other kinds than it makes. */
function cookiesOf(stage: FlowStage, browser: CookieBrowser, user: string): string {
  const names = stage.host.answers.flatMap(({ headers }) =>
    [...headers.matchAll(/(postern-[\w-]+)=/gu)].map(([, name]) => name ?? ''),
  );
  const pairs = [...new Set(names)].map(
    (name) => [name, browser.findCookie(stage.host.publicUrl, name)] as const,
  );
  return [
    `app-user=${user}`,
    ...pairs.filter(([, value]) => value !== undefined).map((pair) => pair.join('=')),
  ].join('; ');
}

function post(
  stage: FlowStage,
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string>,
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(fields).toString(),
    headers: {
      origin: stage.host.origin,
      'sec-fetch-site': 'same-origin',
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
  });
}

// A page in between is part of every consent: see also pages.test.ts, in a real browser.
test('the page in between names the host and goes on without a script', async () => {
  const stage = await openFlowStage();
  const { url } = await stage.linkOf('alice', redirectFlow(stage));
  const browser = await stage.host.openBrowser('alice');
  await browser.open(url);
  const page = await browser.submit({}, 'continue');
  expect([page.status, new URL(departureOf(page)).origin]).toEqual([200, stage.as.origin]);
});

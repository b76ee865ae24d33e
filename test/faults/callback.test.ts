import { describe, expect, test, vi } from 'vitest';
import {
  callbackOf,
  codeOf,
  codeOn,
  failureOf,
  openStage,
  textOf,
  withParams,
  type Stage,
} from '../support/stage.ts';

describe('a request to the callback that is no answer to this sign-in', () => {
  /** What a stranger may send. Each gets a page of its own kind and changes nothing. */
  const forged: Record<string, (callback: URL) => string> = {
    'has no state': (callback) => withParams(callback, { state: undefined }),
    'has an empty state': (callback) => withParams(callback, { state: '' }),
    'has an unknown state': (callback) => withParams(callback, { state: 'x'.repeat(32) }),
    'has a state of 10,000 characters': (callback) => withParams(callback, { state: 'x'.repeat(10_000) }),
    'has the right state twice': (callback) => {
      const state = callback.searchParams.get('state') ?? '';
      return withParams(callback, { state: [state, state] });
    },
    'has the right state and another': (callback) => {
      const state = callback.searchParams.get('state') ?? '';
      return withParams(callback, { state: [state, 'other'] });
    },
  };

  test.each(Object.keys(forged))('one that %s is refused, and the sign-in then ends well', async (kind) => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const page = await browser.open(forged[kind]!(callback));
    expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_AUTH_STATE_UNKNOWN']);
    expect(stage.as.count('token')).toBe(0);
    await expectEndsWell(stage, callback.href, browser);
  });

  test('the right state from another browser is refused, and the sign-in then ends well', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const elsewhere = await stage.host.openBrowser('alice');
    const page = await elsewhere.open(callback.href);
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_BROWSER_MISMATCH']);
    expect(stage.as.count('token')).toBe(0);
    await expectEndsWell(stage, callback.href, browser);
  });

  test('the callback of one sign-in does not end another', async () => {
    const stage = await openStage();
    const [alice, bob] = [await stage.linkOf('alice'), await stage.linkOf('bob')];
    const alices = await stage.host.openBrowser('alice');
    const bobs = await stage.host.openBrowser('bob');
    const callback = await callbackOf(alices, alice.url);
    await callbackOf(bobs, bob.url);
    expect((await bobs.open(callback.href)).status).toBe(400);
    const client = await stage.manager.getClient('bob');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
    await expectEndsWell(stage, callback.href, alices);
  });

  test.each(['POST', 'PUT', 'HEAD'])('a %s is not taken for the browser coming back', async (method) => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const cookie = ['app-user=alice', await bindingOf(stage, callback)].join('; ');
    const reply = await fetch(callback, { method, headers: { cookie }, redirect: 'manual' });
    expect(reply.status).toBe(405);
    await expectEndsWell(stage, callback.href, browser);
  });

  test('a page beside the two addresses does not exist', async () => {
    const stage = await openStage();
    const browser = await stage.host.openBrowser('alice');
    for (const path of ['/', '/connect/', '/connect/..%2fcallback', '/callback/x', '/connect/unknown/x']) {
      expect((await browser.open(`${stage.host.publicUrl}${path}`)).status, path).toBe(404);
    }
  });
});

describe('a genuine answer that says no', () => {
  test('a declined consent cancels the sign-in, and the person is not asked again for a minute', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const page = await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_DENIED']);
    expect(stage.as.count('token')).toBe(0);

    const client = await stage.manager.getClient('alice');
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('AUTH_FAILED'));
    expect(client.session('calendar').error?.code).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(await client.getAuthChallenges()).toEqual([]);
    stage.time.advance(61_000);
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('connect with force asks a person who declined at once', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    await browser.open(withParams(callback, { code: undefined, error: 'access_denied' }));
    const client = await stage.manager.getClient('alice');
    await client.connect({ force: true });
    expect(client.session('calendar').status).toBe('AUTH_PENDING');
    expect((await client.getAuthChallenges())[0]?.url).not.toBe(url);
  });

  test('another error fails the sign-in, and the next call gets a new link', async () => {
    const stage = await openStage();
    const first = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, first.url);
    const page = await browser.open(withParams(callback, { code: undefined, error: 'unauthorized_client' }));
    expect([page.status, codeOn(page)]).toEqual([502, 'ERR_POSTERN_OAUTH_CLIENT_REJECTED']);
    const client = await stage.manager.getClient('alice');
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('AUTH_FAILED'));
    expect((await stage.linkOf('alice')).url).not.toBe(first.url);
  });

  const hostile: Record<string, string> = {
    'an image': '<img src=x onerror=alert(1)>',
    'a broken attribute': '"><svg/onload=1>',
    'an event handler': "' onmouseover=1 '",
    'a script as a link': 'javascript:alert(1)',
    'a template': '{{7*7}}',
    'text that runs backwards': '\u202Egnp.exe',
    '2,000 characters': 'A'.repeat(2_000),
  };
  test.each(Object.keys(hostile))('an error with %s in it is neither shown nor logged', async (kind) => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const text = hostile[kind] ?? '';
    const params = { code: undefined, error: text, error_description: text, error_uri: text };
    const page = await browser.open(withParams(callback, params));
    expect(page.status).toBe(502);
    expect(page.html).not.toContain(text.slice(0, 40));
    expect(page.html.length).toBeLessThan(4_000);
    expect(stage.logger.lines.join('\n')).not.toContain(text.slice(0, 40));
    const { error } = (await stage.manager.getClient('alice')).session('calendar');
    expect(String(error)).not.toContain(text.slice(0, 40));
  });
});

describe('who answers', () => {
  const wrong: Record<string, string | undefined> = {
    'another issuer': 'https://evil.example',
    'the issuer with a slash behind it': 'slash',
    'no issuer, although the server always names itself': undefined,
  };
  test.each(Object.keys(wrong))(
    'an answer from %s is refused, and its code is not sent anywhere',
    async (kind) => {
      const stage = await openStage();
      const { url } = await stage.linkOf('alice');
      const browser = await stage.host.openBrowser('alice');
      const callback = await callbackOf(browser, url);
      const iss = wrong[kind] === 'slash' ? `${stage.as.issuer}/` : wrong[kind];
      const page = await browser.open(withParams(callback, { iss, error_description: 'Call 555-0199' }));
      expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_OAUTH_ISSUER_MISMATCH']);
      expect(page.html).not.toContain('555-0199');
      expect(stage.as.count('token')).toBe(0);
    },
  );

  test('an error from another issuer declines nothing', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const params = { code: undefined, error: 'access_denied', iss: 'https://evil.example' };
    expect(codeOn(await browser.open(withParams(callback, params)))).toBe(
      'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
    );
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).not.toBe('ERR_POSTERN_AUTH_DENIED');
  });

  test('a server that does not promise to name itself need not', async () => {
    const stage = await openStage({
      as: { metadata: { authorization_response_iss_parameter_supported: undefined } },
    });
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    expect((await browser.open(withParams(callback, { iss: undefined }))).status).toBe(200);
  });
});

describe('an answer that cannot be read', () => {
  test.each([
    ['a code and an error', { error: 'access_denied' }],
    ['neither a code nor an error', { code: undefined }],
    ['two codes', { code: ['one', 'two'] }],
    ['two issuers', { iss: ['one', 'two'] }],
  ])('%s leave the sign-in open for the real one', async (_, params) => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const page = await browser.open(withParams(callback, params));
    expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_AUTH_CALLBACK_INVALID']);
    expect(stage.as.count('token')).toBe(0);
    await expectEndsWell(stage, callback.href, browser);
  });
});

describe('an answer that comes more than once, or late', () => {
  test('the second callback with the same state is told that it is already done', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    expect((await browser.open(callback.href)).status).toBe(200);
    const page = await browser.open(callback.href);
    expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_AUTH_STATE_USED']);
    expect(page.html).toContain('Already done');
    expect(stage.as.count('token')).toBe(1);
  });

  test('the link of a finished sign-in says that it is finished', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    await browser.open(url);
    const page = await browser.open(url);
    expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
    expect(stage.as.count('authorize')).toBe(1);
  });

  test('of fifty callbacks at once, over two coordinators, one is exchanged and one succeeds', async () => {
    const stage = await openStage({ hosts: 2 });
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const cookie = await bindingOf(stage, callback);
    const statuses = await Promise.all(
      Array.from(
        { length: 50 },
        async () => (await fetch(callback, { headers: { cookie }, redirect: 'manual' })).status,
      ),
    );
    expect(statuses.filter((status) => status === 303)).toHaveLength(1);
    expect(statuses.filter((status) => status === 400)).toHaveLength(49);
    expect(stage.as.count('token')).toBe(1);
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  });

  test('a callback after the sign-in expired is refused, and its code stays unused', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    stage.time.advance(11 * 60_000);
    const page = await browser.open(callback.href);
    expect([page.status, codeOn(page)]).toEqual([410, 'ERR_POSTERN_PENDING_EXPIRED']);
    expect(codeOn(await browser.open(url))).toBe('ERR_POSTERN_PENDING_EXPIRED');
    expect(stage.as.count('token')).toBe(0);
    expect((await stage.linkOf('alice')).url).not.toBe(url);
  });

  test('a browser that goes away after its callback does not stop the sign-in', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const callback = await callbackOf(browser, url);
    const cookie = await bindingOf(stage, callback);
    const leaving = new AbortController();
    stage.as.on('token', () => {
      leaving.abort();
      return undefined;
    });
    expect(await failureOf(fetch(callback, { headers: { cookie }, signal: leaving.signal }))).toBe(
      leaving.signal.reason,
    );
    const client = await stage.manager.getClient('alice');
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('CONNECTED'), { timeout: 5_000 });
  });
});

/** The cookies of alice’s browser: her session, and what binds the browser which opened the link, as it was set. */
async function bindingOf(stage: Stage, _callback: URL): Promise<string> {
  const answer = stage.host.answers.findLast(({ headers }) => headers.includes('postern-'));
  const cookie = /(?:__Host-)?postern-[\w-]+=[\w-]+/u.exec(answer?.headers ?? '')?.[0];
  if (cookie === undefined) throw new Error('no browser was bound');
  return `app-user=alice; ${cookie}`;
}

async function expectEndsWell(
  stage: Stage,
  callback: string,
  browser: Awaited<ReturnType<Stage['host']['openBrowser']>>,
): Promise<void> {
  const page = await browser.open(callback);
  expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
  const client = await stage.manager.getClient('alice');
  expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  expect(stage.as.count('token')).toBe(1);
}

import { ownNavigation } from '../support/own-navigation.ts';
import { describe, expect, test } from 'vitest';
import {
  allowPlaintextStorage,
  ClientManager,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  skipUserVerification,
} from '../../src/client/index.ts';
import { encrypted, generateKeyText, keyringFromText } from '../../src/storage/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { FaultyStorage } from '../support/faulty-storage.ts';
import { callbackOf, challengeOf, codeOf, codeOn, openStage, textOf } from '../support/stage.ts';

describe('who may open a link', () => {
  test('another user is refused before the authorization server is asked, and the link stays good', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const bobs = await stage.host.openBrowser('bob');
    const page = await bobs.open(url);
    expect([page.status, codeOn(page)]).toEqual([404, 'ERR_POSTERN_PENDING_NOT_FOUND']);
    expect(page.html).not.toContain('alice');
    expect(stage.as.count('authorize')).toBe(0);
    expect(
      stage.logger.lines.filter((line) => line.startsWith('warn') && line.includes('alice')),
    ).toHaveLength(1);

    const alices = await stage.host.openBrowser('alice');
    expect((await alices.open(url)).status).toBe(200);
  });

  test('parameters beside the link say nothing about who opens it', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const bobs = await stage.host.openBrowser('bob');
    const page = await bobs.open(`${url}?user=alice&initiator=alice&contextId=bob`);
    expect([page.status, stage.as.count('authorize')]).toEqual([404, 0]);
  });

  test('somebody who is not signed in is told to, and the link stays good', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const nobody = await stage.host.openBrowser();
    const page = await nobody.open(url);
    expect([page.status, codeOn(page), stage.as.count('authorize')]).toEqual([
      401,
      'ERR_POSTERN_AUTH_REQUIRED',
      0,
    ]);
    await nobody.open(`${stage.host.origin}/login?user=alice`);
    expect((await nobody.open(url)).status).toBe(200);
  });

  test('what the host answers to somebody who is not signed in is passed on as it is', async () => {
    const stage = await openStage({
      coordinator: {
        verifyUser: () =>
          new Response('Log in here', { status: 418, headers: { 'x-login': 'yes', 'set-cookie': 'back=1' } }),
      },
    });
    const { url } = await stage.linkOf('alice');
    const reply = await fetch(url, { redirect: 'manual' });
    expect([reply.status, reply.headers.get('x-login'), reply.headers.get('set-cookie')]).toEqual([
      418,
      'yes',
      'back=1',
    ]);
    expect(await reply.text()).toBe('Log in here');
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('a session check that throws or hangs up lets nobody in, and says nothing of why', async () => {
    const stage = await openStage({
      coordinator: {
        verifyUser: () => Promise.reject(new Error('session store: password CNRYzsecretz-hunter2')),
      },
    });
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.html + stage.logger.lines.join('\n')).not.toContain('CNRYzsecretz-hunter2');
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('principalOf says who must finish the sign-ins of a context', async () => {
    const stage = await openStage({ manager: { initiatorOf: (contextId) => contextId.split(':')[0] ?? '' } });
    const { url } = await stage.linkOf('alice:thread-1');
    expect((await (await stage.host.openBrowser('bob')).open(url)).status).toBe(404);
    expect((await (await stage.host.openBrowser('alice')).open(url)).status).toBe(200);
  });

  test("an attacker's finished callback, loaded in a victim's browser, connects nothing", async () => {
    const stage = await openStage();
    const mallory = await stage.linkOf('mallory');
    const callback = await callbackOf(await stage.host.openBrowser('mallory'), mallory.url);
    const victim = await stage.host.openBrowser('alice');
    await callbackOf(victim, (await stage.linkOf('alice')).url);
    expect((await victim.open(callback.href)).status).toBe(400);
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
    expect(stage.as.count('token')).toBe(0);
  });
});

describe('the cookie that binds a browser', () => {
  test('two tabs of one browser can both finish; the second is told that it is done', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const first = await callbackOf(browser, url);
    const second = await callbackOf(browser, url);
    expect(first.searchParams.get('state')).not.toBe(second.searchParams.get('state'));
    expect((await browser.open(first.href)).status).toBe(200);
    expect(codeOn(await browser.open(second.href))).toBe('ERR_POSTERN_AUTH_STATE_USED');
    expect(stage.as.count('token')).toBe(1);
  });

  test('the tab opened first still works after a second was opened', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    const first = await callbackOf(browser, url);
    await callbackOf(browser, url);
    expect((await browser.open(first.href)).status).toBe(200);
  });

  test('on https it is a __Host- cookie, for this site alone and out of reach of scripts', async () => {
    const stage = await openStage({ coordinator: { publicUrl: 'https://bot.example/postern' } });
    stage.as.on('register', (call) => ({ status: 201, body: { ...JSON.parse(call.text), client_id: 'c' } }));
    const { url } = await stage.linkOf('alice');
    expect(url).toMatch(/^https:\/\/bot\.example\/postern\/connect\/[\w-]{32}$/u);
    const reply = await stage.coordinator.fetch(
      new Request(url, { headers: { ...ownNavigation, cookie: 'app-user=alice' } }),
    );
    expect(reply.status).toBe(303);
    expect(reply.headers.get('set-cookie')).toMatch(
      /^__Host-postern-[\w-]{16}=[\w-]{32}; Max-Age=\d+; Path=\/; HttpOnly; SameSite=Lax; Secure$/u,
    );
    expect(reply.headers.get('cache-control')).toBe('no-store');
    expect(reply.headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('a value that was not ours to set is replaced', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    await callbackOf(browser, url);
    const name = /postern-[\w-]+(?==)/u.exec(stage.host.answers.at(-1)?.headers ?? '')?.[0] ?? '';
    const cookie = `app-user=alice; ${name}=planted`;
    const reply = await fetch(url, { headers: { cookie }, redirect: 'manual' });
    expect(reply.headers.get('set-cookie')).not.toContain('planted');
  });

  test('the Host header decides neither links nor where the code goes', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const path = new URL(url).pathname;
    const request = new Request(`http://evil.example${path}`, {
      headers: { ...ownNavigation, cookie: 'app-user=alice', 'x-forwarded-host': 'evil.example' },
    });
    const reply = await stage.coordinator.fetch(request);
    const sentTo = new URL(reply.headers.get('location') ?? '');
    expect(sentTo.searchParams.get('redirect_uri')).toBe(`${stage.host.publicUrl}/callback`);
  });
});

describe('an account', () => {
  const openid = { auth: { type: 'oauth' as const, scopes: ['openid', 'calendar:read', 'calendar:write'] } };

  test('another one at the second consent is rejected, its tokens are revoked, and the first stays', async () => {
    const stage = await openStage({
      servers: (calendar) => ({ calendar: { url: calendar.url, ...openid } }),
    });
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');

    const { url } = await challengeOf(client.callTool('share_calendar', { with: 'bob' }));
    stage.as.approveAs('mallory');
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_WRONG_USER']);
    expect(stage.as.tokens.families.map(({ subject, revoked }) => [subject, revoked])).toEqual([
      ['alice', false],
      ['mallory', true],
    ]);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.calendar.seen.map(({ subject }) => subject)).not.toContain('mallory');
  });

  test('another one is welcome after a logout', async () => {
    const stage = await openStage({
      servers: (calendar) => ({ calendar: { url: calendar.url, ...openid } }),
    });
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(await client.logout()).toEqual({ calendar: { revoked: true } });
    const { url } = await stage.linkOf('alice');
    stage.as.approveAs('alice-at-work');
    expect((await (await stage.host.openBrowser('alice')).open(url)).status).toBe(200);
    expect(textOf(await client.callTool('whoami'))).toBe('alice-at-work');
  });
});

describe('a coordinator that would be unsafe does not start', () => {
  const misconfigured = (work: () => unknown): string | undefined => {
    try {
      work();
    } catch (error) {
      return (error as { code?: string }).code;
    }
    return undefined;
  };
  const publicUrl = 'https://bot.example/postern';
  const memory = new MemoryBackend();
  const plain = new FaultyStorage(memory, { durable: true, shared: true, atRest: 'plain' });

  test('for the web, without a way to tell who is at the browser', () => {
    expect(misconfigured(() => new RemoteAuthCoordinator({ storage: memory, publicUrl }))).toBe(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
    );
    expect(
      misconfigured(
        () => new RemoteAuthCoordinator({ storage: memory, publicUrl, [skipUserVerification]: true }),
      ),
    ).toBeUndefined();
  });

  test('on durable storage that anybody with the file can read', () => {
    const verifyUser = (): string => 'alice';
    const code = 'ERR_POSTERN_CONFIG_MISCONFIGURED';
    expect(misconfigured(() => new RemoteAuthCoordinator({ storage: plain, publicUrl, verifyUser }))).toBe(
      code,
    );
    expect(misconfigured(() => new LocalAuthCoordinator({ storage: plain }))).toBe(code);
    const keyring = keyringFromText(generateKeyText());
    const sealed = encrypted(plain, keyring);
    expect(
      misconfigured(() => new RemoteAuthCoordinator({ storage: sealed, publicUrl, verifyUser })),
    ).toBeUndefined();
    expect(
      misconfigured(() => new LocalAuthCoordinator({ storage: plain, [allowPlaintextStorage]: true })),
    ).toBeUndefined();
    const asJson = JSON.parse('{ "allowPlaintextStorage": true }') as object;
    expect(misconfigured(() => new LocalAuthCoordinator({ storage: plain, ...asJson }))).toBeUndefined();
  });

  test.each([
    'http://bot.example/postern',
    'https://user@bot.example/',
    'https://bot.example/?x=1',
    'https://bot.example/#x',
    'ftp://bot.example',
    'bot.example',
  ])('at the address %s', (address) => {
    const verifyUser = (): string => 'alice';
    const work = (): unknown =>
      new RemoteAuthCoordinator({ storage: memory, publicUrl: address, verifyUser });
    expect(misconfigured(work)).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
  });

  test('without storage, or with servers that make no sense', () => {
    const code = 'ERR_POSTERN_CONFIG_MISCONFIGURED';
    const nothing = {} as ConstructorParameters<typeof RemoteAuthCoordinator>[0];
    expect(misconfigured(() => new RemoteAuthCoordinator(nothing))).toBe(code);
    const coordinator = new LocalAuthCoordinator({ storage: memory });
    expect(misconfigured(() => new ClientManager({ a: { url: 'ftp://x.example' } }, { coordinator }))).toBe(
      code,
    );
  });
});

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { cookieNames, isCallback, openSignInWorld, type SignInWorld } from './sign-in-world.ts';

const stopBefore = isCallback;

/** A browser that stands before the callback, with an answer of the issuer that nobody has used. */
async function beforeCallback(
  world: SignInWorld,
  user = 'alice',
): Promise<{ browser: ReturnType<SignInWorld['openBrowser']>; callback: URL }> {
  const browser = world.openBrowser();
  const page = await world.visit(browser, user, { stopBefore });
  return { browser, callback: new URL(page.url) };
}

/** Whether a browser is anybody’s, without being sent anywhere. */
async function isSignedIn(
  world: SignInWorld,
  browser: ReturnType<SignInWorld['openBrowser']>,
): Promise<boolean> {
  const name = await cookieNames(world.another(), world.origin);
  const value = browser.findCookie(world.origin, name);
  const request = new Request(world.origin, { headers: { cookie: `${name}=${value}` } });
  return (await world.another().findPerson(request)) !== undefined;
}

test.each<[string, (callback: URL, world: SignInWorld) => void]>([
  ['made up', ({ searchParams }) => searchParams.set('state', randomBytes(200).toString('base64url'))],
  ['left out', ({ searchParams }) => searchParams.delete('state')],
  ['empty', ({ searchParams }) => searchParams.set('state', '')],
  ['doubled', ({ searchParams }) => searchParams.append('state', searchParams.get('state') ?? '')],
  [
    'changed by a letter',
    ({ searchParams }) => {
      const state = searchParams.get('state') ?? '';
      searchParams.set('state', state.slice(0, -2) + (state.at(-2) === 'A' ? 'B' : 'A') + state.slice(-1));
    },
  ],
  ['endless', ({ searchParams }) => searchParams.set('state', 'A'.repeat(5_000))],
])('a state that is %s signs nobody in, and its code is not sent', async (_what, change) => {
  const world = await openSignInWorld();
  const { browser, callback } = await beforeCallback(world);
  change(callback, world);
  expect((await browser.open(callback.href)).status).toBe(400);
  expect([await isSignedIn(world, browser), world.peer.granted]).toEqual([false, []]);
});

test('a state of another application on the same store does not open', async () => {
  const world = await openSignInWorld();
  const other = world.another({ clientId: 'another' });
  const answer = (await other.verifyUser(new Request(`${world.origin}/private`))) as Response;
  const theirs = new URL(answer.headers.get('location') ?? '').searchParams.get('state') ?? '';
  const { browser, callback } = await beforeCallback(world);
  callback.searchParams.set('state', theirs);
  expect((await browser.open(callback.href)).status).toBe(400);
});

test('a callback of one person does not sign in another’s browser', async () => {
  const world = await openSignInWorld();
  const { callback } = await beforeCallback(world, 'bob');
  const victim = world.openBrowser();
  expect((await victim.open(callback.href)).html).toContain('ERR_POSTERN_AUTH_BROWSER_MISMATCH');
  // Neither one that has begun a sign-in of its own.
  const { browser } = await beforeCallback(world, 'alice');
  expect((await browser.open(callback.href)).html).toContain('ERR_POSTERN_AUTH_BROWSER_MISMATCH');
  expect([await isSignedIn(world, victim), await isSignedIn(world, browser)]).toEqual([false, false]);
  expect(world.peer.granted).toEqual([]);
});

test.each([['https://evil.example'], [undefined]])(
  'an answer whose issuer is %s is a mix-up: its code is not sent',
  async (iss) => {
    const world = await openSignInWorld();
    const { browser, callback } = await beforeCallback(world);
    if (iss === undefined) callback.searchParams.delete('iss');
    else callback.searchParams.set('iss', iss);
    expect((await browser.open(callback.href)).html).toContain('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
    expect([await isSignedIn(world, browser), world.peer.granted]).toEqual([false, []]);
  },
);

test('an answer that was used is refused when it comes again, and the session it led to goes on', async () => {
  const world = await openSignInWorld();
  const { browser, callback } = await beforeCallback(world);
  expect((await browser.open(callback.href)).html).toContain('sub:alice');
  expect((await browser.open(callback.href)).status).toBeGreaterThanOrEqual(400);
  expect(await isSignedIn(world, browser)).toBe(true);
});

test('one state is one session, also at an issuer that redeems a code twice', async () => {
  let reply: { status: number; text: string; type: string } | undefined;
  const world = await openSignInWorld({
    fetch: async (url, init) => {
      if (!url.endsWith('/token')) return fetch(url, init);
      if (reply === undefined) {
        const response = await fetch(url, init);
        const type = response.headers.get('content-type') ?? '';
        reply = { status: response.status, text: await response.text(), type };
      }
      return new Response(reply.text, { status: reply.status, headers: { 'content-type': reply.type } });
    },
  });
  const { browser, callback } = await beforeCallback(world);
  expect((await browser.open(callback.href)).html).toContain('sub:alice');
  expect((await browser.open(callback.href)).html).toContain('ERR_POSTERN_AUTH_STATE_USED');
});

test('a state is good for ten minutes', async () => {
  const world = await openSignInWorld();
  const { browser, callback } = await beforeCallback(world);
  const kept = await world.storage.list(['app']);
  world.clock.advance(10 * 60_000 + 1_000);
  expect((await browser.open(callback.href)).html).toContain('ERR_POSTERN_AUTH_STATE_UNKNOWN');
  expect([kept.length, world.peer.granted]).toEqual([1, []]);
});

type Claims = Record<string, unknown>;

test.each<[string, (token: string, other: string) => string, string]>([
  ['is of another sign-in', (_token, other) => other, 'nonce'],
  ['has another signature', (token) => token.slice(0, -10) + 'AAAAAAAAAA', 'SIGNATURE'],
  ['is not signed', (token) => `${encode({ alg: 'none' })}.${token.split('.')[1]}.`, 'ALG'],
  [
    'names another person under the same signature',
    (token) => withClaims(token, { sub: 'bob' }),
    'SIGNATURE',
  ],
  ['is none', () => 'CNRYznotz-a-token', 'JW'],
])('an ID token that %s signs nobody in, and the log says why', async (_what, change, why) => {
  const seen: string[] = [];
  let isHostile = false;
  const world = await openSignInWorld({
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (!url.endsWith('/token')) return response;
      const reply = (await response.json()) as { id_token: string };
      seen.push(reply.id_token);
      return Response.json({
        ...reply,
        id_token: isHostile ? change(reply.id_token, seen[0] ?? '') : reply.id_token,
      });
    },
  });
  await world.visit(world.openBrowser(), 'alice');
  isHostile = true;
  const browser = world.openBrowser();
  const page = await world.visit(browser, 'alice');
  expect(page.html).toContain('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
  expect(await isSignedIn(world, browser)).toBe(false);
  const log = world.logger.lines.join('\n');
  expect(log).toContain(why);
  for (const token of seen) expect(log).not.toContain(token);
});

test('an ID token for another client signs nobody in', async () => {
  const world = await openSignInWorld();
  const { callback, browser } = await beforeCallback(world);
  // The same keys, the same issuer; only whom it is meant for is not us.
  const confused = world.another({
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      if (!url.endsWith('/token')) return response;
      const reply = (await response.json()) as { id_token: string };
      return Response.json({ ...reply, id_token: withClaims(reply.id_token, { aud: 'another' }) });
    },
  });
  world.run(confused);
  expect((await browser.open(callback.href)).html).toContain('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
});

test.each([
  ['https://evil.example/'],
  ['//evil.example/'],
  ['/\\evil.example/'],
  ['\\\\evil.example'],
  ['javascript:alert(1)'],
  ['https:evil.example'],
  ['\t//evil.example'],
  ['http://127.0.0.1:1/'],
])('a way back to %j leads to the application’s own first page', async (returnTo) => {
  const world = await openSignInWorld();
  const start = `${world.origin}/sign-in/start?${new URLSearchParams({ returnTo })}`;
  const page = await world.openBrowser().signIn(start, { user: 'alice' });
  expect(new URL(page.url).origin).toBe(world.origin);
  expect(page.html).toContain('sub:alice');
});

test('a path that looks like another host stays a path', async () => {
  const world = await openSignInWorld();
  const page = await world.openBrowser().signIn(`${world.origin}//evil.example/x`, { user: 'alice' });
  expect(page.url).toBe(`${world.origin}//evil.example/x`);
});

test('a session that was planted is not the one that somebody signs in to', async () => {
  const world = await openSignInWorld();
  const signIn = world.another();
  const name = await cookieNames(signIn, world.origin);
  const planted = 'A'.repeat(32);
  const { browser, callback } = await beforeCallback(world);
  const browserName = name.replace('-person-', '-browser-');
  const cookie = `${name}=${planted}; ${browserName}=${browser.findCookie(world.origin, browserName)}`;
  const answer = await signIn.fetch(new Request(callback, { headers: { cookie } }));
  const given = answer.headers.getSetCookie().join('\n');
  expect([answer.status, given.includes(planted)]).toEqual([303, false]);
  const asked = new Request(world.origin, { headers: { cookie: `${name}=${planted}` } });
  expect(await signIn.findPerson(asked)).toBeUndefined();
});

test('who signs in again ends the session that the browser had', async () => {
  const world = await openSignInWorld();
  const signIn = world.another();
  const name = await cookieNames(signIn, world.origin);
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const before = browser.findCookie(world.origin, name);
  await browser.signIn(`${world.origin}/sign-in/start?returnTo=/private`, { user: 'alice' });
  expect(browser.findCookie(world.origin, name)).not.toBe(before);
  const asked = new Request(world.origin, { headers: { cookie: `${name}=${before}` } });
  expect(await signIn.findPerson(asked)).toBeUndefined();
});

test.each<[string, (name: string, value: string) => string]>([
  ['changed', (name, value) => `${name}=${value.slice(1)}A`],
  ['cut short', (name, value) => `${name}=${value.slice(1)}`],
  ['there twice', (name, value) => `${name}=${value}; ${name}=${value}`],
  ['a path in the store', (name) => `${name}=../../session/${'A'.repeat(16)}`],
  ['under another name', (name, value) => `${name.replace('person', 'browser')}=${value}`],
  ['in a header of 20 kB', (name, value) => `${name}=${value}; x=${'y'.repeat(20_000)}`],
])('a session cookie that is %s is nobody’s', async (_what, change) => {
  const world = await openSignInWorld();
  const signIn = world.another();
  const name = await cookieNames(signIn, world.origin);
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const cookie = change(name, browser.findCookie(world.origin, name) ?? '');
  expect(await signIn.findPerson(new Request(world.origin, { headers: { cookie } }))).toBeUndefined();
});

test('what the store and the log hold signs nobody in', async () => {
  const world = await openSignInWorld();
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const name = await cookieNames(world.another(), world.origin);
  const value = browser.findCookie(world.origin, name) ?? 'missing';
  const entries = await world.storage.list(['app']);
  const held = entries.map(
    (entry) => `${entry.key.join('/')} ${Buffer.from(entry.value).toString('latin1')}`,
  );
  expect([...held, ...world.logger.lines].join('\n')).not.toContain(value);
});

test('an application that takes another claim for the id is asked for a usable one', async () => {
  const world = await openSignInWorld({ idOf: (claims) => claims['employee'] as string });
  expect((await world.visit(world.openBrowser(), 'alice')).html).toContain(
    'ERR_POSTERN_CONFIG_MISCONFIGURED',
  );
});

function encode(value: Claims): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function withClaims(token: string, claims: Claims): string {
  const [header, payload = '', signature] = token.split('.');
  const read = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
  return [header, encode({ ...read, ...claims }), signature].join('.');
}

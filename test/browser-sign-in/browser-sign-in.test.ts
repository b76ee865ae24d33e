import { expect, test } from 'vitest';
import { browserSignIn } from '../../src/browser-sign-in/index.ts';
import type { FetchLike } from '../../src/http/fetch-like.ts';
import { encrypted, generateKeyText, keyringFromText, MemoryBackend, reseal } from '../../src/index.ts';
import { verifiedClaims } from '../../src/namespace/index.ts';
import { clientId, cookieNames, isCallback, openSignInWorld } from './sign-in-world.ts';

test('somebody signs in at the issuer, and comes back to the page they asked for, known as their tokens are', async () => {
  const world = await openSignInWorld();
  const browser = world.openBrowser();
  const page = await world.visit(browser, 'alice');
  const claims = { iss: world.issuer, sub: 'alice' };
  const { id } = await verifiedClaims({ issuer: world.issuer, audience: 'x' }).resolve({ claims });
  expect([page.url, page.html]).toEqual([`${world.origin}/private?x=1`, `this is ${id}`]);
  const again = await browser.open(`${world.origin}/private`);
  expect([again.html, again.hops.length]).toEqual([`this is ${id}`, 1]);
});

test('every step may be answered by another process, with nothing in common but the store', async () => {
  const world = await openSignInWorld();
  world.run(world.another(), world.another(), world.another());
  const browser = world.openBrowser();
  expect((await world.visit(browser, 'alice')).html).toContain('sub:alice');
  for (let i = 0; i < 3; i++)
    expect((await browser.open(`${world.origin}/private`)).html).toContain('sub:alice');
});

test('two pages that were opened in two tabs both get back to where they were', async () => {
  const world = await openSignInWorld();
  const browser = world.openBrowser();
  const stopBefore = isCallback;
  const first = await browser.signIn(`${world.origin}/one`, { user: 'alice', stopBefore });
  const second = await browser.signIn(`${world.origin}/two`, { user: 'alice', stopBefore });
  expect((await browser.open(second.url)).url).toBe(`${world.origin}/two`);
  expect((await browser.open(first.url)).url).toBe(`${world.origin}/one`);
});

test('who declines at the issuer is told so, and can try again', async () => {
  const world = await openSignInWorld();
  const browser = world.openBrowser();
  const page = await browser.signIn(`${world.origin}/private`, { user: 'alice', decision: 'deny' });
  expect(page.html).toContain('ERR_POSTERN_AUTH_DENIED');
  const retry = /class="act" href="([^"]+)"/u.exec(page.html)?.[1]?.replaceAll('&amp;', '&') ?? '';
  expect((await browser.signIn(retry, { user: 'alice' })).url).toBe(`${world.origin}/private`);
});

test('who has no name at the issuer is called there what they are called here', async () => {
  const world = await openSignInWorld();
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const signIn = world.another();
  const name = await cookieNames(signIn, world.origin);
  const cookie = `${name}=${browser.findCookie(world.origin, name)}`;
  const request = new Request(world.origin, { headers: { cookie } });
  expect(await signIn.findPerson(request)).toMatchObject({ account: 'alice' });
  expect(await signIn.verifyUser(request)).toMatchObject({ name: 'alice' });
});

test('the scopes of a sign-in are separated as OpenID Connect has it, also at a provider with a way of its own for its APIs', async () => {
  const world = await openSignInWorld();
  const profiles = { [world.issuer]: { scopeSeparator: ',' } };
  world.run(world.another({ profiles, scopes: ['openid', 'profile', 'email'] }));
  const sent = await world.openBrowser().open(`${world.origin}/private`, {
    stopBefore: ({ origin }) => origin === world.issuer,
  });
  expect(new URL(sent.url).searchParams.get('scope')).toBe('openid profile email');
});

/** As an issuer that says nothing of PKCE. */
const silentAboutPkce: FetchLike = async (url, init) => {
  const response = await fetch(url, init);
  if (!url.includes('/.well-known/')) return response;
  const { code_challenge_methods_supported: _said, ...metadata } = (await response.json()) as object & {
    code_challenge_methods_supported?: unknown;
  };
  return Response.json(metadata);
};

test('an issuer that says nothing of PKCE signs people in to an application with a secret: the nonce is their proof', async () => {
  const world = await openSignInWorld();
  world.run(world.another({ fetch: silentAboutPkce }));
  const page = await world.visit(world.openBrowser(), 'alice');
  expect(page.html).toMatch(/^this is .* sub:alice$/u);
  const sent = page.hops.find(({ url }) => url.startsWith(`${world.issuer}/auth?`))!;
  expect(new URL(sent.url).searchParams.get('code_challenge_method')).toBe('S256');
});

test('to one without a secret it signs in nobody', async () => {
  const world = await openSignInWorld();
  const signIn = world.another({ fetch: silentAboutPkce, clientSecret: undefined });
  await expect(signIn.verifyUser(new Request(`${world.origin}/private`))).rejects.toMatchObject({
    code: 'ERR_POSTERN_OAUTH_PKCE_UNSUPPORTED',
  });
});

test('what is sent by who is nobody here is said to be gone, with a way back to where it came from', async () => {
  const world = await openSignInWorld();
  const signIn = world.another();
  const post = (headers: Record<string, string> = {}) =>
    signIn.verifyUser(
      new Request(`${world.origin}/send`, { method: 'POST', body: 'text=hello', headers }),
    ) as Promise<Response>;
  const leadsTo = async (response: Response) => {
    const href = /class="act" href="([^"]+)"/u.exec(await response.text())?.[1] ?? '';
    return new URL(href.replaceAll('&amp;', '&')).searchParams.get('returnTo');
  };
  const answer = await post();
  expect([answer.status, await answer.clone().text()]).toEqual([
    401,
    expect.stringContaining('What you sent just now was not used.') as string,
  ]);
  expect(await leadsTo(answer)).toBe(`${world.origin}/send`);
  expect(await leadsTo(await post({ referer: `${world.origin}/chat?with=bob` }))).toBe(
    `${world.origin}/chat?with=bob`,
  );
  expect(await leadsTo(await post({ referer: 'https://evil.example/chat' }))).toBe(`${world.origin}/send`);
});

test('an issuer that does not take the application’s secret is nothing that a person is told to try again', async () => {
  const world = await openSignInWorld({ clientSecret: 'another secret of the application, long enough' });
  const page = await world.visit(world.openBrowser(), 'alice');
  expect(page.html).toContain('ERR_POSTERN_OAUTH_CLIENT_REJECTED');
  expect(page.html).toContain('whoever runs the application has to');
  expect(page.html).not.toContain('introduce itself');
});

test('after the session’s time its cookie is nobody’s, and the issuer is asked again', async () => {
  const world = await openSignInWorld({ sessionMs: 60_000 });
  const signIn = world.another();
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const name = await cookieNames(signIn, world.origin);
  const cookie = `${name}=${browser.findCookie(world.origin, name)}`;
  const asked = new Request(world.origin, { headers: { cookie } });
  expect(await signIn.findPerson(asked)).toMatchObject({ id: `${world.issuer} sub:alice` });
  world.clock.advance(61_000);
  expect(await signIn.findPerson(asked)).toBeUndefined();
});

test('who was signed in under a key that was taken away is asked anew, and not locked out', async () => {
  const world = await openSignInWorld();
  const [old, fresh] = [generateKeyText(), generateKeyText()];
  const under = (...keys: string[]) =>
    world.another({ storage: encrypted(world.storage, keyringFromText(keys.join(','))) });
  world.run(under(old));
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  await reseal(world.storage, keyringFromText(`${fresh},${old}`), ['app']);
  world.run(under(fresh));
  expect((await world.visit(browser, 'alice')).html).toContain('sub:alice');
  expect((await browser.open(`${world.origin}/private`)).hops).toHaveLength(1);
  expect(world.logger.lines.filter((line) => line.startsWith('error'))).toEqual([
    `error the session of a browser cannot be read, and its person is asked anew {"code":"ERR_POSTERN_STORAGE_KEY_UNAVAILABLE","table":"browser-sign-in","sealedWith":"${idOf(old)}"}`,
  ]);
});

test('after its key is lost altogether, everybody can sign in, and one who was under way is sent out anew', async () => {
  const world = await openSignInWorld();
  const [old, fresh] = [generateKeyText(), generateKeyText()];
  const under = (key: string) => world.another({ storage: encrypted(world.storage, keyringFromText(key)) });
  world.run(under(old));
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  world.run(under(fresh));
  expect((await world.visit(browser, 'alice')).html).toContain('sub:alice');
  expect((await world.visit(world.openBrowser(), 'bob')).html).toContain('sub:bob');
  // Processes that start together agree on one key.
  world.run(under(fresh));
  expect((await browser.open(`${world.origin}/private`)).hops).toHaveLength(1);
  const said = world.logger.lines.filter((line) => line.includes(`"sealedWith":"${idOf(old)}"`));
  expect(said).not.toEqual([]);
});

const idOf = (keyText: string): string => keyText.split(':')[0] ?? '';

test('who signs out is out in every process, with a copied cookie, too, and at the issuer', async () => {
  const world = await openSignInWorld({ signedOutUrl: 'https://app.example/bye' });
  const signIn = world.another();
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const name = await cookieNames(signIn, world.origin);
  const cookie = `${name}=${browser.findCookie(world.origin, name)}`;
  await browser.open(`${world.origin}/sign-in/out`);
  const page = await browser.submit({}, 'out');
  expect(page.html).toContain(`${world.issuer}/session/end?client_id=${clientId}`);
  expect(browser.findCookie(world.origin, name)).toBeUndefined();
  expect(await signIn.findPerson(new Request(world.origin, { headers: { cookie } }))).toBeUndefined();
});

test('another site can sign nobody out', async () => {
  const world = await openSignInWorld();
  const signIn = world.another();
  const browser = world.openBrowser();
  await world.visit(browser, 'alice');
  const name = await cookieNames(signIn, world.origin);
  const cookie = `${name}=${browser.findCookie(world.origin, name)}`;
  const forged = await signIn.fetch(
    new Request(`${world.origin}/sign-in/out`, {
      method: 'POST',
      body: new URLSearchParams({ 'form-action': 'out' }),
      headers: { cookie, origin: 'https://evil.example' },
    }),
  );
  expect(forged.status).toBe(403);
  expect(await signIn.findPerson(new Request(world.origin, { headers: { cookie } }))).toBeDefined();
});

test('on https its cookies are of the host alone, out of reach of scripts and of other sites’ forms', async () => {
  const world = await openSignInWorld({ publicUrl: 'https://app.example/sign-in' });
  const answer = await world.another().verifyUser(new Request('https://app.example/private'));
  const cookies = (answer as Response).headers.getSetCookie();
  expect(cookies).toEqual([
    expect.stringMatching(
      /^__Host-postern-browser-[\w-]{12}=[\w-]{32}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/u,
    ),
  ]);
});

test('who has not signed in fills no store, however often they come', async () => {
  const world = await openSignInWorld();
  const signIn = world.another();
  for (let i = 0; i < 20; i++) await signIn.verifyUser(new Request(`${world.origin}/private`));
  const entries = await world.storage.list(['app']);
  expect(entries.map(({ key }) => key.at(-1))).toEqual(['key']);
});

test('an issuer that is not there is said as such, and nobody is anybody', async () => {
  const world = await openSignInWorld({ issuer: 'http://127.0.0.1:1' });
  const page = await world.openBrowser().open(`${world.origin}/sign-in/start`);
  expect([page.status, page.html]).toEqual([504, expect.stringContaining('ERR_POSTERN_OAUTH_')]);
  await expect(world.another().verifyUser(new Request(world.origin))).rejects.toMatchObject({
    code: 'ERR_POSTERN_OAUTH_UNREACHABLE',
  });
});

test.each([['issuer'], ['clientId'], ['publicUrl'], ['storage']])(
  'a sign-in without "%s" is refused at construction',
  (name) => {
    const options = {
      issuer: 'https://issuer.example',
      clientId: 'x',
      publicUrl: 'https://app.example/sign-in',
      storage: new MemoryBackend(),
    };
    expect(() => browserSignIn({ ...options, [name]: undefined })).toThrow(
      expect.objectContaining({
        code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
        message: expect.stringContaining(name),
      }),
    );
  },
);

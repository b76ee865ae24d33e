import { describe, expect, test } from 'vitest';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import {
  exchange,
  postCall,
  registerByHand,
  signInByHand,
  startWorld,
  stopBefore,
} from '../support/demo-world.ts';

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

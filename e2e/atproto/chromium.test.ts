/** Logins as people do them: in a real browser, on the pages of a real PDS. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchChromium, type ChromiumBrowser } from '../../test/support/chromium.ts';
import { describeWithService } from '../../test/support/services.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import {
  connectOnStdio,
  connectOverHttp,
  linkOf,
  listOf,
  loginOf,
  openFolder,
  textOf,
  type AtprotoClient,
} from './servers.ts';

/** In the browser, on the page of a PDS: signs in and consents by what its own script would send. */
async function consentAs({ handle, password, did }: Account): Promise<void> {
  const token = /csrf-token=([^;]+)/u.exec(document.cookie)?.[1] ?? '';
  const post = async (what: string, body: object, bearer?: string): Promise<Record<string, string>> => {
    const response = await fetch(`/@atproto/oauth-provider/~api/${what}`, {
      method: 'POST',
      mode: 'same-origin',
      headers: {
        'content-type': 'application/json',
        'x-csrf-token': token,
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, string>;
  };
  const signIn = { locale: 'en', username: handle, password, remember: false };
  const { ephemeralToken } = await post('sign-in', signIn);
  const { url } = await post('consent', { did }, ephemeralToken);
  location.href = url ?? '';
}

await describeWithService('chromium', 'in Chromium', () => {
  const folder = openFolder();
  let network: Network;
  let alice: Account;
  let bob: Account;
  let client: AtprotoClient;
  let chromium: ChromiumBrowser;
  beforeAll(async () => {
    network = await startNetwork();
    alice = await network.createAccount('alice.test');
    bob = await network.createAccount('bob.test');
    client = await connectOnStdio(network, folder.path, '2026-07-28');
    chromium = await launchChromium();
  });
  afterAll(async () => {
    await chromium?.close();
    await client?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    folder.close();
  });

  /** Signs in on the page of the PDS, as far as its consent. */
  async function signIn(link: string, { handle, password }: Account, isNamed: boolean) {
    const page = await chromium.newPage();
    await page.goto(link);
    if (!isNamed) {
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.fill('input[name="username"]', handle);
    }
    await page.fill('input[type="password"]', password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    return page;
  }

  test('a person who is sent to their server with their name filled in needs their password and a consent', async () => {
    const link = linkOf(await client.call('login', { handle: 'alice.test' }));
    const page = await signIn(link, alice, true);
    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.getByText('You are signed in').waitFor();
    expect(new URL(page.url()).hostname).toBe('127.0.0.1');
    expect(loginOf(await listOf(client), 'alice.test')?.status).toBe('done');
    expect(textOf(await client.call('profile', { account: 'alice.test' }))).toContain(alice.did);
    await page.context().close();
  });

  test('one who has given no name enters it there', async () => {
    const page = await signIn(linkOf(await client.call('login')), bob, false);
    await page.getByRole('button', { name: 'Authorize' }).click();
    await page.getByText('You are signed in').waitFor();
    expect(textOf(await client.call('profile', { account: 'bob.test' }))).toContain(bob.did);
    await page.context().close();
  });

  test('one who denies it is told so, and the login has failed', async () => {
    await client.call('login', { command: 'delete', handle: 'alice.test' });
    const page = await signIn(linkOf(await client.call('login', { handle: 'alice.test' })), alice, true);
    await page.getByRole('button', { name: 'Deny access' }).click();
    await page.getByText('Declined').first().waitFor();
    expect(loginOf(await listOf(client), 'alice.test')?.code).toBe('ERR_POSTERN_AUTH_DENIED');
    await page.context().close();
  });

  test('one who comes back with another account is told so, and is not logged in', async () => {
    const page = await chromium.newPage();
    await page.goto(linkOf(await client.call('login', { handle: 'alice.test' })));
    await page.locator('input[type="password"]').waitFor();
    // The page does not let them change the name that it was given. What it sends could all the same.
    await page.evaluate(consentAs, bob);
    await page.getByRole('heading', { name: 'Another account' }).waitFor();
    expect(loginOf(await listOf(client), 'alice.test')?.code).toBe('ERR_POSTERN_AUTH_WRONG_USER');
    await page.context().close();
  });

  test('an app password is entered on a page of ours, which a password manager does not fill', async () => {
    const password = await network.createAppPassword(alice);
    const page = await chromium.newPage();
    await page.goto(linkOf(await client.call('login_with_app_password', { handle: 'alice.test' })));
    await page.fill('input[type="password"]', password);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved').or(page.getByText('Done')).first().waitFor();
    expect(textOf(await client.call('profile', { account: 'alice.test' }))).toContain(alice.did);
    await page.context().close();
  });

  test('over HTTP, the person signs in to the MCP server first, and then at their own', async () => {
    const other = openFolder();
    const remote = await connectOverHttp(network, other.path, '2025-11-25', 'alice');
    try {
      const page = await chromium.newPage();
      await page.goto(linkOf(await remote.call('login', { handle: 'alice.test' })));
      await page.fill('input[name="user"]', 'alice');
      await page.getByRole('button').first().click();
      const allow = page.getByRole('button', { name: /allow/iu });
      if (await allow.isVisible().catch(() => false)) await allow.click();
      await page.fill('input[type="password"]', alice.password);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByRole('button', { name: 'Authorize' }).click();
      await page.getByText('You are signed in').waitFor();
      expect(textOf(await remote.call('profile'))).toContain(alice.did);
      await page.context().close();
    } finally {
      await remote[Symbol.asyncDispose]();
      other.close();
    }
  });

  test('no page has asked for anything outside this machine', () => {
    expect(chromium.blockedOrigins).toEqual([]);
  });
});

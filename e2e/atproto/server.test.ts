/** The MCP server of the example, on both transports, by clients that can show nothing themselves. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HttpPerson } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import {
  clientKinds,
  connectOnStdio,
  connectOverHttp,
  linkOf,
  listOf,
  loginOf,
  openFolder,
  textOf,
  type AtprotoClient,
} from './servers.ts';

let network: Network;
let alice: Account;
let bob: Account;
beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
  bob = await network.createAccount('bob.test');
});
afterAll(() => network?.[Symbol.asyncDispose]());

const transports = { stdio: connectOnStdio, HTTP: connectOverHttp } as const;
const ways = (['stdio', 'HTTP'] as const).flatMap((transport) =>
  clientKinds.map((kind) => ({ transport, kind })),
);

describe.for(ways)('over $transport, by $kind', ({ transport, kind }) => {
  const folder = openFolder();
  let client: AtprotoClient;
  let link: string;
  beforeAll(async () => {
    client = await transports[transport](network, folder.path, kind);
  });
  afterAll(async () => {
    await client?.[Symbol.asyncDispose]();
    folder.close();
  });
  const person = (): HttpPerson => new HttpPerson(client.user);

  test('a tool that needs an account says where to log in, and fails', async () => {
    const answer = await client.call('timeline');
    expect([answer.isError, textOf(answer).includes('/connect/')]).toEqual([true, true]);
  });

  test('a login with a handle is answered with a link, and is pending', async () => {
    const answer = await client.call('login', { handle: ' @Alice.test ' });
    link = linkOf(answer);
    expect([answer.isError, textOf(answer).includes(`\n${link}\n`)]).toEqual([false, true]);
    expect(loginOf(await listOf(client), 'alice.test')?.status).toBe('pending');
  });

  test('the same handle again is the same link', async () => {
    expect(linkOf(await client.call('login', { handle: 'alice.test' }))).toBe(link);
  });

  test('consent at the person’s own server logs them in', async () => {
    const page = await person().signIn(link, alice);
    expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
    const listed = await listOf(client);
    expect(listed.accounts).toMatchObject([{ handle: 'alice.test', default: true, subject: alice.did }]);
    expect(loginOf(listed, 'alice.test')?.status).toBe('done');
  });

  test('what was logged in can be used: profile, post, timeline, search', async () => {
    expect(textOf(await client.call('profile'))).toContain(`@alice.test\n${alice.did}`);
    const text = `from ${kind} over ${transport}`;
    expect(textOf(await client.call('post', { text }))).toMatch(
      new RegExp(`^Posted: at://${alice.did}/app\\.bsky\\.feed\\.post/`, 'u'),
    );
    expect(textOf(await client.call('timeline'))).toContain(`@alice.test: ${text}`);
    expect(textOf(await client.call('search', { query: text.toUpperCase() }))).toContain(text);
  });

  test('a second account is logged in beside the first, and chosen by its name', async () => {
    await person().signIn(linkOf(await client.call('login', { handle: bob.did })), bob);
    const { accounts } = await listOf(client);
    expect(accounts.map(({ subject, default: chosen }) => [subject, chosen])).toEqual([
      [alice.did, true],
      [bob.did, false],
    ]);
    expect(textOf(await client.call('profile', { account: bob.handle }))).toContain(bob.did);
    expect(textOf(await client.call('profile'))).toContain(alice.did);
  });

  test('the default can be changed', async () => {
    expect((await client.call('login', { command: ' Default ', handle: 'bob.test' })).isError).toBe(false);
    expect(textOf(await client.call('profile'))).toContain(bob.did);
  });

  test('a login without a handle lets the person say at the service who they are', async () => {
    await client.call('login', { command: 'delete', handle: 'alice.test' });
    const page = await person().signIn(linkOf(await client.call('login')), alice);
    expect(page.html).toContain('You are signed in');
    const { accounts } = await listOf(client);
    expect(accounts.map(({ handle }) => handle).toSorted()).toEqual(['alice.test', expect.any(String)]);
    expect(textOf(await client.call('profile', { account: 'alice.test' }))).toContain(alice.did);
  });

  test('an account that was deleted is logged out at its server, and cannot be used', async () => {
    const answer = await client.call('login', { command: 'delete', handle: 'alice.test' });
    expect(answer.structuredContent).toMatchObject({ deleted: { revocation: 'confirmed' } });
    expect((await listOf(client)).accounts).toHaveLength(1);
    expect((await client.call('profile', { account: 'alice.test' })).isError).toBe(true);
  });

  test('a handle that resolves to nothing is said at once, and nothing is pending for it', async () => {
    const answer = await client.call('login', { handle: 'nobody.test' });
    expect([answer.isError, textOf(answer)]).toEqual([
      true,
      expect.stringContaining('ERR_POSTERN_AUTH_ACCOUNT_UNKNOWN'),
    ]);
    expect((await listOf(client)).logins.map(({ handle }) => handle)).not.toContain('nobody.test');
  });

  test('what is no handle at all is said at once', async () => {
    const answer = await client.call('login', { handle: 'alice' });
    expect([answer.isError, textOf(answer)]).toEqual([true, expect.stringContaining('has a dot')]);
  });

  test('no token, key or code has come to the client', () => {
    expect(client.seen()).not.toMatch(/eyJ[\w-]{10}|"d":|tok-|ref-|cod-|did:.*jkt/u);
  });
});

describe.for(['2026-07-28', '2025-11-25'] as const)('a client of %s that shows links by itself', (kind) => {
  test('is sent them, for a login and for an app password, and its calls end when the person is done', async () => {
    const folder = openFolder();
    const password = await network.createAppPassword(bob);
    const links: string[] = [];
    const client = await connectOnStdio(network, folder.path, kind, {
      onLink: async (link) => {
        links.push(link);
        const person = new HttpPerson();
        const page = await person.open(link);
        if (page.url.origin === network.pdsUrl) return void (await person.consent(page, alice));
        await person.submit(page, { handle: bob.handle, appPassword: password, 'form-action': 'save' });
      },
    });
    try {
      expect(textOf(await client.call('login', { handle: 'alice.test' }))).toContain('Logged in');
      const answer = await client.call('login_with_app_password', { handle: 'bob.test' });
      expect(textOf(answer)).toContain('Logged in');
      expect(links).toHaveLength(2);
      expect(client.seen()).not.toContain(password);
      expect(textOf(await client.call('profile', { account: 'bob.test' }))).toContain(bob.did);
    } finally {
      await client[Symbol.asyncDispose]();
      folder.close();
    }
  });
});

/** Sign-ins at a real PDS, and what of them goes wrong. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPost, getTimeline } from '../../examples/atproto-server/atproto-api.ts';
import { HttpPerson } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import { codeOf, openStage } from './stage.ts';

let network: Network;
let alice: Account;
let bob: Account;
beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
  bob = await network.createAccount('bob.test');
});
afterAll(() => network?.[Symbol.asyncDispose]());

const isCallback = ({ pathname }: URL): boolean => pathname === '/callback';

describe('who signs in', () => {
  test('a handle, however it is written, leads to the account that it resolves to', async () => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    await person.signIn(await stage.begin('\u202A @ALICE.test \u202C'), alice);
    const { did, call } = await stage.accountFor('@alice.test');
    expect(did).toBe(alice.did);
    await createPost(call, did, 'first');
    expect(await getTimeline(call, 1)).toMatchObject([{ record: { text: 'first' } }]);
    const authorize = person.visited.find(({ pathname }) => pathname === '/oauth/authorize');
    // Everything else was pushed before.
    expect([...authorize!.searchParams.keys()]).toEqual(['client_id', 'request_uri']);
  });

  test('a DID leads to the account that it is', async () => {
    const stage = await openStage(network);
    await new HttpPerson().signIn(await stage.begin(bob.did), bob);
    expect((await stage.accountFor(bob.did)).did).toBe(bob.did);
  });

  test('the address of a service lets whoever signs in there in', async () => {
    const stage = await openStage(network);
    await new HttpPerson().signIn(await stage.begin(network.pdsUrl), bob);
    expect((await stage.accountFor('bob.test')).did).toBe(bob.did);
  });

  test('another account than the one that was asked for is refused, and its tokens are ended', async () => {
    const stage = await openStage(network);
    const page = await new HttpPerson().signIn(await stage.begin('alice.test'), bob);
    expect([page.status, page.html.includes('Another account')]).toEqual([403, true]);
    expect(await stage.statusOf('alice.test')).toBe('ERR_POSTERN_AUTH_WRONG_USER');
    expect(stage.sent.filter((path) => path === '/oauth/revoke')).toHaveLength(1);
    expect(await stage.logins.login.accounts.list(stage.principal)).toEqual([]);
  });

  test('a person who says no is not logged in, and may be asked again', async () => {
    const stage = await openStage(network);
    const link = await stage.begin('alice.test');
    const page = await new HttpPerson().deny(link);
    expect([page.status, page.html.includes('Declined')]).toEqual([403, true]);
    expect(await stage.statusOf('alice.test')).toBe('ERR_POSTERN_AUTH_DENIED');
    const again = await stage.begin('alice.test');
    expect(again).not.toBe(link);
    await new HttpPerson().signIn(again, alice);
    expect(await stage.statusOf('alice.test')).toBe('done');
  });

  test('a login that nobody finishes is over after five minutes', async () => {
    const stage = await openStage(network);
    const link = await stage.begin('alice.test');
    stage.advance(5 * 60_000 + 1_000);
    expect(await stage.statusOf('alice.test')).toBe('ERR_POSTERN_PENDING_EXPIRED');
    expect((await new HttpPerson().open(link)).status).toBe(410);
  });

  test('two logins at once end in either order, each with its own account', async () => {
    const stage = await openStage(network);
    const [toAlice, toBob] = [await stage.begin('alice.test'), await stage.begin('bob.test')];
    const [asAlice, asBob] = [new HttpPerson(), new HttpPerson()];
    const [alicesWay, bobsWay] = [
      await asAlice.signIn(toAlice, alice, isCallback),
      await asBob.signIn(toBob, bob, isCallback),
    ];
    expect((await asBob.open(bobsWay.url.href)).status).toBe(200);
    expect((await asAlice.open(alicesWay.url.href)).status).toBe(200);
    expect((await stage.accountFor('alice.test')).did).toBe(alice.did);
    expect((await stage.accountFor('bob.test')).did).toBe(bob.did);
  });
});

describe('what comes back', () => {
  test('a callback is used once: a second one says that it is done, and changes nothing', async () => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    const callback = await person.signIn(await stage.begin('alice.test'), alice, isCallback);
    expect((await person.open(callback.url.href)).status).toBe(200);
    const before = await stage.storedOf('alice.test');
    const again = await person.open(callback.url.href);
    expect(again.html).not.toContain('You are signed in');
    expect(await stage.storedOf('alice.test')).toEqual(before);
    expect((await stage.accountFor('alice.test')).did).toBe(alice.did);
  });

  test('of equal callbacks at the same moment one sends the code, and all are told of the same login', async () => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    const { url } = await person.signIn(await stage.begin('alice.test'), alice, isCallback);
    const pages = await Promise.all(Array.from({ length: 5 }, () => person.open(url.href)));
    expect(pages.filter(({ html }) => html.includes('You are signed in'))).toHaveLength(1);
    expect(stage.sent.filter((path) => path === '/oauth/token authorization_code')).toHaveLength(1);
    expect((await stage.accountFor('alice.test')).did).toBe(alice.did);
  });

  test.for([
    ['with another state', (url: URL) => url.searchParams.set('state', 'x'.repeat(22))],
    ['with two codes', (url: URL) => url.searchParams.append('code', 'another')],
  ] as const)('a callback %s is refused, and the real one still counts', async ([, forge]) => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    const callback = await person.signIn(await stage.begin('alice.test'), alice, isCallback);
    const forged = new URL(callback.url);
    forge(forged);
    expect((await person.open(forged.href)).status).toBe(400);
    expect(await stage.statusOf('alice.test')).toBe('pending');
    expect((await person.open(callback.url.href)).status).toBe(200);
    expect(await stage.statusOf('alice.test')).toBe('done');
  });

  test.for([
    ['of another issuer', (url: URL) => url.searchParams.set('iss', 'https://elsewhere.example')],
    ['without an issuer', (url: URL) => url.searchParams.delete('iss')],
  ] as const)('an answer %s ends the login, and its code is sent nowhere', async ([, forge]) => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    const { url } = await person.signIn(await stage.begin('alice.test'), alice, isCallback);
    forge(url);
    expect((await person.open(url.href)).status).toBe(400);
    expect(await stage.statusOf('alice.test')).toBe('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
    expect(stage.sent).not.toContain('/oauth/token authorization_code');
  });

  test('a callback from another browser is refused', async () => {
    const stage = await openStage(network);
    const callback = await new HttpPerson().signIn(await stage.begin('alice.test'), alice, isCallback);
    expect((await new HttpPerson().open(callback.url.href)).status).toBe(403);
    expect(await stage.statusOf('alice.test')).toBe('pending');
  });

  test('an address that a browser could not open can be pasted on the page of the link', async () => {
    const stage = await openStage(network);
    const link = await stage.begin('alice.test');
    const person = new HttpPerson();
    const callback = await person.signIn(link, alice, isCallback);
    const page = await person.open(link);
    expect(page.html).toContain('My browser cannot come back here');
    const fields = { 'form-action': 'paste', 'pasted-address': callback.url.href };
    expect((await person.submit(page, fields)).html).toContain('You are signed in');
  });
});

describe('a PDS that is down', () => {
  test('before a login: it is said at once, and nothing is pending', async () => {
    const stage = await openStage(network);
    await network.stopPds();
    try {
      expect(await codeOf(stage.begin(alice.did))).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
    } finally {
      await network.startPds();
    }
    expect(await stage.statusOf(alice.did)).toBeUndefined();
  });

  test('when the person follows the link, or comes back: the login stays open, and succeeds later', async () => {
    const stage = await openStage(network);
    const link = await stage.begin('alice.test');
    const person = new HttpPerson();
    await network.stopPds();
    try {
      expect((await person.open(link)).html).toContain('did not answer');
      expect(await stage.statusOf('alice.test')).toBe('pending');
    } finally {
      await network.startPds();
    }
    const callback = await person.signIn(link, alice, isCallback);
    await network.stopPds();
    try {
      expect((await person.open(callback.url.href)).html).toContain('did not answer');
      expect(await stage.statusOf('alice.test')).toBe('pending');
    } finally {
      await network.startPds();
    }
    const page = await person.open(link);
    const next = await person.submit(page, { 'form-action': 'continue' });
    expect((await person.consent(next, alice)).html).toContain('You are signed in');
  });

  test('in use, in a refresh and in a logout: the session is kept until its server has answered', async () => {
    const stage = await openStage(network);
    await new HttpPerson().signIn(await stage.begin('alice.test'), alice);
    const { call } = await stage.accountFor('alice.test');
    await network.stopPds();
    try {
      expect(await codeOf(getTimeline(call, 1))).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
      await stage.expire('alice.test');
      expect(await codeOf(getTimeline(call, 1))).toBe('ERR_POSTERN_OAUTH_UNREACHABLE');
    } finally {
      await network.startPds();
    }
    stage.advance(3_000);
    expect(await getTimeline(call, 1)).toHaveLength(1);
    const { access_token: token } = (await stage.storedOf('alice.test')).session.tokenSet;
    await network.stopPds();
    try {
      const { forgotten } = await stage.logins.login.accounts.delete(stage.principal, 'alice.test');
      expect(forgotten.revocation).toBe('unconfirmed');
    } finally {
      await network.startPds();
    }
    stage.advance(60_000);
    const before = stage.sent.length;
    await stage.oob.interactions.finishForgetting();
    expect(stage.sent.slice(before)).toContain('/oauth/revoke');
    expect(stage.logged.join('\n')).not.toContain(token);
  });
});

/** What becomes of a session at a real PDS: renewed, replayed, revoked, replaced, deleted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPost, getTimeline } from '../../examples/atproto-server/atproto-api.ts';
import { HttpPerson } from './http-person.ts';
import { startNetwork, type Account, type Network } from './network.ts';
import { codeOf, openStage, type Stage } from './stage.ts';

let network: Network;
let alice: Account;
beforeAll(async () => {
  network = await startNetwork();
  alice = await network.createAccount('alice.test');
});
afterAll(() => network?.[Symbol.asyncDispose]());

const refresh = '/oauth/token refresh_token';
const countOf = ({ sent }: Stage, path: string): number => sent.filter((each) => each === path).length;

async function openLoggedIn(): Promise<Stage> {
  const stage = await openStage(network);
  await new HttpPerson().signIn(await stage.begin('alice.test'), alice);
  return stage;
}

describe('a session that ends', () => {
  test('is renewed before its next use, once for all who want it', async () => {
    const stage = await openLoggedIn();
    const before = await stage.storedOf('alice.test');
    await stage.expire('alice.test');
    const { did, call } = await stage.accountFor();
    await Promise.all(Array.from({ length: 20 }, () => getTimeline(call, 1)));
    // Each but the first answers with a nonce first.
    expect(countOf(stage, refresh)).toBeLessThanOrEqual(2);
    const after = await stage.storedOf('alice.test');
    expect(after.session.tokenSet.refresh_token).not.toBe(before.session.tokenSet.refresh_token);
    await createPost(call, did, 'with the new one');
  });

  test('is renewed when its server refuses it, and the request is repeated', async () => {
    const stage = await openLoggedIn();
    const request = await stage.logins.login.accounts.request(stage.principal, 'alice.test');
    const stored = await stage.storedOf('alice.test');
    const { tokenSet } = stored.session;
    const [header, payload] = tokenSet.access_token.split('.');
    const broken = { ...tokenSet, access_token: `${header}.${payload}.AAAA` };
    const session = { ...stored.session, tokenSet: broken };
    await stage.oob.credentials.put(stage.principal, request, { ...stored, session });
    const { did, call } = await stage.accountFor();
    await createPost(call, did, 'once');
    expect(countOf(stage, refresh)).toBeGreaterThan(0);
    expect(countOf(stage, '/xrpc/com.atproto.repo.createRecord')).toBeGreaterThan(1);
    const posts = await getTimeline(call, 50);
    expect(posts.filter(({ record }) => record.text === 'once')).toHaveLength(1);
  });

  test('cannot be renewed once its refresh token was replayed: its person is asked again', async () => {
    const stage = await openLoggedIn();
    const spent = await stage.storedOf('alice.test');
    await stage.expire('alice.test');
    const { call } = await stage.accountFor();
    await getTimeline(call, 1);
    const request = await stage.logins.login.accounts.request(stage.principal, 'alice.test');
    const renewed = await stage.storedOf('alice.test');
    // As somebody would who had got hold of the old one.
    await stage.oob.credentials.put(stage.principal, request, { ...spent, expiresAtMs: 1 });
    expect(await codeOf(getTimeline(call, 1))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    await stage.oob.credentials.put(stage.principal, request, { ...renewed, expiresAtMs: 1 });
    expect(await codeOf(getTimeline(call, 1))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  });

  test('is held to the same account when its person logs in again', async () => {
    const stage = await openLoggedIn();
    const bob = await network.createAccount(`bob${Date.now() % 1_000_000}.test`);
    await new HttpPerson().signIn(await stage.begin('alice.test'), bob);
    expect(await stage.statusOf('alice.test')).toBe('ERR_POSTERN_AUTH_WRONG_USER');
    expect((await stage.accountFor('alice.test')).did).toBe(alice.did);
  });
});

describe('a session that is replaced or deleted', () => {
  test('a login again leaves the account with the newer session, which can be used', async () => {
    const stage = await openLoggedIn();
    const first = await stage.storedOf('alice.test');
    const { call } = await stage.accountFor();
    await new HttpPerson().signIn(await stage.begin('alice.test'), alice);
    const second = await stage.storedOf('alice.test');
    expect(second.session.tokenSet.access_token).not.toBe(first.session.tokenSet.access_token);
    expect(await getTimeline(call, 1)).toHaveLength(1);
    expect(await stage.logins.login.accounts.list(stage.principal)).toHaveLength(1);
  });

  test('the session that a login replaces is ended at its server', async () => {
    const stage = await openLoggedIn();
    const first = await stage.storedOf('alice.test');
    await new HttpPerson().signIn(await stage.begin('alice.test'), alice);
    await stage.oob.interactions.credentials.settle();
    const request = await stage.logins.login.accounts.request(stage.principal, 'alice.test');
    await stage.oob.credentials.put(stage.principal, request, { ...first, expiresAtMs: 1 });
    const { call } = await stage.accountFor().catch(() => ({ call: undefined }));
    expect(call).toBeUndefined();
  });

  test('one that is deleted is good for nothing any more, wherever it was copied to', async () => {
    const stage = await openLoggedIn();
    const copy = await stage.storedOf('alice.test');
    const request = await stage.logins.login.accounts.request(stage.principal, 'alice.test');
    const { forgotten } = await stage.logins.login.accounts.delete(stage.principal, 'alice.test');
    expect(forgotten.revocation).toBe('confirmed');
    await stage.oob.credentials.put(stage.principal, request, copy);
    const { call } = await stage.accountFor();
    expect(await codeOf(getTimeline(call, 1))).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  });
});

describe('an app password', () => {
  const enter = async (stage: Stage, password: string, handle = 'alice.test') => {
    const person = new HttpPerson();
    const page = await person.open(await stage.begin(handle, 'appPassword'));
    expect(page.html).toContain(`value="${handle}"`);
    return person.submit(page, { handle, appPassword: password, 'form-action': 'save' });
  };

  test('entered on the page opens a session that tools use as any other, renewed and ended as any other', async () => {
    const stage = await openStage(network);
    const password = await network.createAppPassword(alice);
    expect((await enter(stage, password)).status).toBe(200);
    const { did, call } = await stage.accountFor('alice.test');
    expect(did).toBe(alice.did);
    await createPost(call, did, 'by app password');
    expect(JSON.stringify(await stage.storedOf('alice.test'))).not.toContain(password);
    await stage.expire('alice.test');
    expect(await getTimeline(call, 1)).toHaveLength(1);
    expect(countOf(stage, '/xrpc/com.atproto.server.refreshSession')).toBe(1);
    const { forgotten } = await stage.logins.login.accounts.delete(stage.principal, 'alice.test');
    expect(forgotten.revocation).toBe('confirmed');
    expect(countOf(stage, '/xrpc/com.atproto.server.deleteSession')).toBe(1);
  });

  test('that is wrong is refused, and may be entered again', async () => {
    const stage = await openStage(network);
    const page = await enter(stage, 'aaaa-bbbb-cccc-dddd');
    expect([page.status, page.html.includes('The service refused this')]).toEqual([422, true]);
    expect(await stage.statusOf('alice.test')).toBe('pending');
  });

  test('is never the main password: that is refused before it is sent anywhere', async () => {
    const stage = await openStage(network);
    const page = await enter(stage, alice.password);
    expect([page.status, page.html.includes('This is no app password')]).toEqual([422, true]);
    expect(stage.sent).not.toContain('/xrpc/com.atproto.server.createSession');
  });

  test('is not taken on the page of the server', async () => {
    const stage = await openStage(network);
    const person = new HttpPerson();
    const page = await person.open(await stage.begin('alice.test'));
    const password = await network.createAppPassword(alice);
    expect(await person.isTaken(page, { ...alice, password })).toBe(false);
    expect(await person.isTaken(page, alice)).toBe(true);
  });
});

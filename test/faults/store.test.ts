import { describe, expect, test, vi } from 'vitest';
import type { StorageCall, StorageFault } from '../support/faulty-storage.ts';
import { codeOf, codeOn, openStage, textOf, type Stage } from '../support/stage.ts';

const savesGrant = ({ operation, on }: StorageCall): boolean =>
  operation === 'commit' && on.includes('/credential/');

/** Fails the operations that match, for as many times as given. */
function failing(
  matches: (call: StorageCall) => boolean,
  options: { times?: number; fault?: StorageFault; meanwhile?: () => void } = {},
): (call: StorageCall) => StorageFault {
  let left = options.times ?? Infinity;
  return (call) => {
    if (!matches(call) || left-- <= 0) return undefined;
    options.meanwhile?.();
    return options.fault ?? 'fail';
  };
}

async function revoked(stage: Stage): Promise<boolean[]> {
  return stage.as.tokens.families.map((family) => family.revoked);
}

describe('the store fails after the code was exchanged', () => {
  test('for a moment: the result is saved all the same, with one exchange', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.storage.fault = failing(savesGrant, { times: 2 });
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
    expect([stage.as.count('token'), await revoked(stage)]).toEqual([1, [false]]);
  });

  test('for good: the person is told, the tokens are revoked, and the same link works once the store does', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.storage.fault = failing(savesGrant, { meanwhile: () => stage.time.advance(10_000) });
    const browser = await stage.host.openBrowser('alice');
    const page = await browser.open(url);
    expect([page.status, codeOn(page)]).toEqual([503, 'ERR_POSTERN_STORAGE_UNAVAILABLE']);
    expect(page.html).toContain(url);
    expect(page.html).not.toContain('You are signed in');
    expect(await revoked(stage)).toEqual([true]);
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');

    stage.storage.fault = () => undefined;
    expect((await browser.open(url)).html).toContain('You are signed in');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
    expect(await revoked(stage)).toEqual([true, false]);
  });

  test('in that only its answer is lost: what is saved counts, and nothing is revoked', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    stage.storage.fault = failing(savesGrant, { times: 1, fault: 'lose-answer' });
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect([page.status, page.html.includes('You are signed in')]).toEqual([200, true]);
    expect([stage.as.count('token'), await revoked(stage)]).toEqual([1, [false]]);
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  });

  test('to tell others: those who wait find out by themselves', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const client = await stage.manager.getClient('alice');
    expect(client.session('calendar').status).toBe('AUTH_PENDING');
    stage.storage.fault = failing(({ operation }) => operation === 'signal');
    await (await stage.host.openBrowser('alice')).open(url);
    expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  });
});

describe('the store fails while a refresh is saved', () => {
  test('for a moment: the new tokens are saved, and the grant lives', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    stage.as.tokens.expireAccessTokens();
    stage.storage.fault = failing(savesGrant, { times: 2 });
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect([stage.as.count('refresh'), stage.as.tokens.reuses, await revoked(stage)]).toEqual([
      1,
      0,
      [false],
    ]);
  });

  test('in that only its answer is lost: the saved tokens are used, and nothing is revoked', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    stage.as.tokens.expireAccessTokens();
    stage.storage.fault = failing(savesGrant, { times: 1, fault: 'lose-answer' });
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect([stage.as.count('refresh'), stage.as.tokens.reuses, await revoked(stage)]).toEqual([
      1,
      0,
      [false],
    ]);
    stage.as.tokens.expireAccessTokens();
    stage.time.advance(61_000);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('for good: the call fails with the store’s error, in time', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    await client.callTool('whoami');
    stage.as.tokens.expireAccessTokens();
    stage.storage.fault = failing(savesGrant, { meanwhile: () => stage.time.advance(11_000) });
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_STORAGE_UNAVAILABLE');
    expect(stage.as.count('refresh')).toBe(1);
  });
});

describe('the store is down', () => {
  test('nobody gets a link, nothing is kept in memory instead, and the next call after it is well', async () => {
    const stage = await openStage();
    stage.storage.fault = () => 'fail';
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_STORAGE_UNAVAILABLE');
    expect(client.session('calendar').status).toBe('CONNECTION_FAILED');
    expect(await codeOf(client.getAuthChallenges())).toBe('ERR_POSTERN_STORAGE_UNAVAILABLE');
    expect(stage.as.count('authorize')).toBe(0);
    stage.storage.fault = () => undefined;
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('a link and a callback are answered with a dull page, and work afterwards', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const browser = await stage.host.openBrowser('alice');
    stage.storage.fault = () => 'fail';
    const page = await browser.open(url);
    expect([page.status, codeOn(page)]).toEqual([503, 'ERR_POSTERN_STORAGE_UNAVAILABLE']);
    expect(page.html).not.toMatch(/told to fail|at \//u);
    stage.storage.fault = () => undefined;
    const callback = await browser.open(url, {
      stopBefore: ({ pathname }) => pathname.endsWith('/callback'),
    });
    stage.storage.fault = () => 'fail';
    expect((await browser.open(callback.url)).status).toBe(503);
    expect(stage.as.count('token')).toBe(0);
    stage.storage.fault = () => undefined;
    expect((await browser.open(callback.url)).html).toContain('You are signed in');
  });

  test('sessions that wait for a person go on waiting, and notice once it is back', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const client = await stage.manager.getClient('alice');
    stage.storage.fault = ({ operation }) => (operation === 'commit' ? undefined : 'fail');
    await stage.storage.signal('x').catch(() => {});
    expect(client.session('calendar').status).toBe('AUTH_PENDING');
    stage.storage.fault = () => undefined;
    await (await stage.host.openBrowser('alice')).open(url);
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('CONNECTED'), { timeout: 8_000 });
  });
});

test('a process that dies between callback and exchange leaves a link that starts afresh, and never sends the code', async () => {
  const stage = await openStage();
  const { url } = await stage.linkOf('alice');
  const browser = await stage.host.openBrowser('alice');
  const callback = await browser.open(url, { stopBefore: ({ pathname }) => pathname.endsWith('/callback') });
  // The attempt is taken; whoever took it is never heard of again.
  stage.storage.fault = failing(({ operation, on }) => operation === 'commit' && on.includes('/attempt/'), {
    times: 1,
    fault: 'lose-answer',
  });
  expect((await browser.open(callback.url)).status).toBe(503);
  stage.time.advance(31_000);
  const page = await browser.open(callback.url);
  expect([page.status, codeOn(page)]).toEqual([400, 'ERR_POSTERN_AUTH_STATE_USED']);
  expect(page.html).toContain(url);
  expect(stage.as.count('token')).toBe(0);
  expect((await browser.open(url)).html).toContain('You are signed in');
});

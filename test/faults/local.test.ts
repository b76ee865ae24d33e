import { request } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Client, LocalAuthCoordinator, type ClientOptions, type SignInLink } from '../../src/client/index.ts';
import type { StorageBackend } from '../../src/storage/contract.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { createCookieBrowser } from '../support/cookie-browser.ts';
import { codeOf, codeOn, openStage, textOf, withParams, type Stage } from '../support/stage.ts';

/** A program at a terminal, and the links its coordinator would have opened. */
function openProgram(
  stage: Stage,
  options: { storage?: StorageBackend; client?: ClientOptions } = {},
): { client: Client; opened: string[]; coordinator: LocalAuthCoordinator } {
  const opened: string[] = [];
  const coordinator = new LocalAuthCoordinator({
    storage: options.storage ?? new MemoryBackend(),
    logger: stage.logger,
    openBrowser: (url) => Promise.resolve(opened.push(url) > 0),
    onLink: () => {},
  });
  const client = new Client(
    { calendar: { url: stage.calendar.url } },
    { coordinator, contextId: 'me', logger: stage.logger, ...options.client },
  );
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  return { client, opened, coordinator };
}

async function linkIn(opened: readonly string[]): Promise<string> {
  await vi.waitFor(() => expect(opened).toHaveLength(1), { timeout: 5_000 });
  return opened[0] ?? '';
}

const isCallback = ({ pathname }: URL): boolean => pathname.endsWith('/callback');

test('twenty calls wait for one sign-in in one tab, and all succeed', async () => {
  const stage = await openStage();
  const { client, opened } = openProgram(stage);
  const answers = Promise.all(Array.from({ length: 20 }, () => client.callTool('whoami')));
  const link = await linkIn(opened);
  expect((await createCookieBrowser().open(link)).html).toContain('You are signed in');
  expect(new Set((await answers).map(textOf))).toEqual(new Set(['user-1']));
  expect([opened.length, stage.as.count('authorize'), stage.as.count('token')]).toEqual([1, 1, 1]);
});

test('forged callbacks during a sign-in are refused, the caller goes on waiting, and the sign-in ends well', async () => {
  const stage = await openStage();
  const { client, opened } = openProgram(stage);
  const answer = client.callTool('whoami');
  const browser = createCookieBrowser();
  const { url } = await browser.open(await linkIn(opened), { stopBefore: isCallback });
  const callback = new URL(url);
  const state = callback.searchParams.get('state') ?? '';
  const stranger = createCookieBrowser();
  for (const forged of [
    withParams(callback, { state: undefined }),
    withParams(callback, { state: 'x'.repeat(32) }),
    withParams(callback, { state: [state, state] }),
    withParams(callback, { state: undefined, code: undefined, error: 'access_denied' }),
    withParams(callback, { state: 'x'.repeat(32), code: undefined, error: 'access_denied' }),
    callback.href,
    withParams(callback, { code: undefined, error: 'access_denied' }),
    withParams(callback, { code: 'stolen' }),
  ]) {
    expect((await stranger.open(forged)).status).toBeGreaterThanOrEqual(400);
  }
  expect(stage.as.count('token')).toBe(0);
  expect(client.session('calendar').status).toBe('AUTH_PENDING');
  expect((await browser.open(callback.href)).html).toContain('You are signed in');
  expect(textOf(await answer)).toBe('user-1');
});

test('a page of another site that points its name at this machine is turned away', async () => {
  const stage = await openStage();
  const { client, opened } = openProgram(stage);
  const answer = client.callTool('whoami');
  const link = new URL(await linkIn(opened));
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: link.port,
      path: link.pathname,
      headers: { host: 'evil.example' },
    };
    request(options, (response) => resolve(response.resume().statusCode))
      .once('error', reject)
      .end();
  });
  expect([status, stage.as.count('authorize')]).toEqual([421, 0]);
  await createCookieBrowser().open(link.href);
  expect(textOf(await answer)).toBe('user-1');
});

test('a person who declines ends the waiting with an error of its own', async () => {
  const stage = await openStage();
  const { client, opened } = openProgram(stage);
  const outcome = codeOf(client.callTool('whoami'));
  const browser = createCookieBrowser();
  const { url } = await browser.open(await linkIn(opened), { stopBefore: isCallback });
  const page = await browser.open(withParams(new URL(url), { code: undefined, error: 'access_denied' }));
  expect(codeOn(page)).toBe('ERR_POSTERN_AUTH_DENIED');
  expect(await outcome).toBe('ERR_POSTERN_AUTH_DENIED');
  expect(client.session('calendar').status).toBe('AUTH_FAILED');
});

test('a caller that gives up stops waiting at once, and the link stays good', async () => {
  const stage = await openStage();
  const { client, opened } = openProgram(stage);
  const leaving = new AbortController();
  const given = client.callTool('whoami', {}, { signal: leaving.signal });
  const link = await linkIn(opened);
  leaving.abort(new Error('enough'));
  await expect(given).rejects.toThrow('enough');
  await createCookieBrowser().open(link);
  expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  expect(opened).toHaveLength(1);
});

test('a person who never comes ends the waiting when the link does', async () => {
  const stage = await openStage();
  const opened: string[] = [];
  const coordinator = new LocalAuthCoordinator({
    signInTtlMs: 1_200,
    openBrowser: (url) => Promise.resolve(opened.push(url) > 0),
  });
  const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'me' });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_PENDING_EXPIRED');
  expect([client.session('calendar').status, stage.as.count('token')]).toEqual(['AUTH_FAILED', 0]);
});

test('two programs on one store open one tab, and both go on', async () => {
  const stage = await openStage();
  const storage = new MemoryBackend();
  const [one, two] = [openProgram(stage, { storage }), openProgram(stage, { storage })];
  const answers = Promise.all([one.client.callTool('whoami'), two.client.callTool('whoami')]);
  const opened = async (): Promise<string> => {
    await vi.waitFor(() => expect([...one.opened, ...two.opened]).toHaveLength(1), { timeout: 5_000 });
    return [...one.opened, ...two.opened][0] ?? '';
  };
  expect((await createCookieBrowser().open(await opened())).status).toBe(200);
  expect((await answers).map(textOf)).toEqual(['user-1', 'user-1']);
  expect([...one.opened, ...two.opened]).toHaveLength(1);
  expect(stage.as.count('register')).toBe(1);
});

test('after a close nobody listens any more', async () => {
  const stage = await openStage();
  const { client, opened, coordinator } = openProgram(stage);
  const outcome = client.callTool('whoami').then(textOf, () => 'failed');
  const link = await linkIn(opened);
  await createCookieBrowser().open(link);
  expect(await outcome).toBe('user-1');
  await coordinator.close();
  await expect(fetch(link)).rejects.toThrow('fetch failed');
});

test('a link is told while a browser opens with it, and again when none could be opened', async () => {
  const stage = await openStage();
  const links: SignInLink[] = [];
  const coordinator = new LocalAuthCoordinator({
    openBrowser: () => Promise.resolve(false),
    onLink: (link) => void links.push(link),
  });
  const client = new Client({ calendar: { url: stage.calendar.url } }, { coordinator, contextId: 'me' });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  const answer = client.callTool('whoami');
  await vi.waitFor(() => expect(links.map(({ opens }) => opens)).toEqual([true, false]));
  expect(links.map(({ server, url }) => `${server} ${url}`)).toEqual(
    Array(2).fill(`calendar ${links[0]!.url}`),
  );
  await createCookieBrowser().open(links[0]!.url);
  expect(textOf(await answer)).toBe('user-1');
});

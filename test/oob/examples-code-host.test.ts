import { describe, expect, test } from 'vitest';
import { createCookieBrowser } from '../../demo/browser.ts';
import { enterDeviceCode, makeToken, pasteToken, signOn } from '../../examples/code-host/people.ts';
import { guardedOrganisation } from '../../examples/code-host/stand-in.ts';
import { startCodeHostExample, type CodeHostExample } from '../../examples/code-host/start-code-host.ts';
import { openAs } from '../../examples/protected-server/open-as.ts';
import { textOf } from '../../examples/protected-server/scripted-client.ts';
import { countLeaks, readAllFiles } from '../../examples/protected-server/story.ts';
import { linkIn, openExampleWorld, selfCheck, type ExampleWorld } from '../support/example-world.ts';

function openWorld(
  options: { legacy?: 'session' | 'stateless' } = {},
): Promise<ExampleWorld<CodeHostExample>> {
  return openExampleWorld((seen) => startCodeHostExample({ ...seen, ...options }));
}

const byCode = (user: string, account: string) => (link: string) => enterDeviceCode(link, { user, account });

describe.each(['2026-07-28', '2025-11-25'] as const)('a client of %s', (era) => {
  test('that shows links gets the answer in the call that asked for it', async () => {
    const world = await openWorld();
    const client = await world.connect('alice', { era, onLink: byCode('alice', 'alice-work') });
    expect(textOf(await client.call('whoami', { account: 'work' }))).toBe('alice-work');
    expect(client.links).toHaveLength(1);
    expect(textOf(await client.call('whoami', { account: 'work' }))).toBe('alice-work');
    expect(client.links).toHaveLength(1);
  });

  test.each(['form', 'none'] as const)(
    'with elicitation "%s" gets the link in the result, at once',
    async (elicitation) => {
      const world = await openWorld();
      const client = await world.connect('alice', { era, elicitation });
      const began = performance.now();
      const told = await client.call('whoami', { account: 'work' });
      expect(performance.now() - began).toBeLessThan(5_000);
      const link = linkIn(told);
      expect(textOf(told)).toContain(link);
      expect(linkIn(await client.call('whoami', { account: 'work' }))).toBe(link);
      expect(client.links).toHaveLength(0);

      const service = world.example.service.origin;
      const linkForToken = linkIn(await client.call('whoami', { sign_in_with: 'token' }));
      await pasteToken(linkForToken, { user: 'alice', token: await makeToken(service, 'alice-home') });
      expect(textOf(await client.call('whoami'))).toBe('alice-home');
    },
  );
});

test('a client of 2025-11-25 without a session gets the error -32042, with the link', async () => {
  const world = await openWorld({ legacy: 'stateless' });
  const client = await world.connect('alice', { era: '2025-11-25' });
  const error: unknown = await client.call('whoami').catch((refusal: unknown) => refusal);
  expect(error).toMatchObject({ code: -32042 });
  const { elicitations } = (error as { data: { elicitations: { url: string }[] } }).data;
  expect(elicitations).toHaveLength(1);
  await enterDeviceCode(elicitations[0]?.url ?? '', { user: 'alice', account: 'alice-home' });
  await expect
    .poll(async () => client.call('whoami').then(textOf, () => ''), { timeout: 10_000, interval: 200 })
    .toBe('alice-home');
});

test('two users, one of them with two accounts, act as themselves and nobody else', async () => {
  const world = await openWorld();
  const { service } = world.example;
  const alice = await world.connect('alice', { onLink: byCode('alice', 'alice-work') });
  const aliceAtHome = await world.connect('alice', {
    onLink: async (link) =>
      void (await pasteToken(link, { user: 'alice', token: await makeToken(service.origin, 'alice-home') })),
  });
  const bob = await world.connect('bob', { onLink: byCode('bob', 'bob-dev') });
  const answers = await Promise.all([
    alice.call('whoami', { account: 'work' }),
    aliceAtHome.call('whoami', { account: 'personal', sign_in_with: 'token' }),
    bob.call('whoami', { account: 'work' }),
  ]);
  expect(answers.map(textOf)).toEqual(['alice-work', 'alice-home', 'bob-dev']);
  expect(new Set([...alice.links, ...aliceAtHome.links, ...bob.links]).size).toBe(3);
  expect(textOf(await alice.call('list_repositories', { account: 'personal' }))).toContain(
    'alice-home/notes',
  );
  // Bob has no account "personal", although Alice has one.
  const bobWithoutLinks = await world.connect('bob', { elicitation: 'none' });
  expect(linkIn(await bobWithoutLinks.call('list_repositories', { account: 'personal' }))).toContain(
    '/oob/connect/',
  );
});

test('a link opened by another user is refused, and nothing of it is shown', async () => {
  const world = await openWorld();
  const client = await world.connect('alice', { elicitation: 'none' });
  const link = linkIn(await client.call('whoami'));
  const page = await openAs(createCookieBrowser(), link, 'bob');
  expect(page.status).toBe(404);
  expect(page.html).not.toContain('class="code"');
});

test('a pasted token is kept only when the code host takes it', async () => {
  const world = await openWorld();
  const { service } = world.example;
  const client = await world.connect('alice', { elicitation: 'none' });
  const args = { sign_in_with: 'token' };
  const link = linkIn(await client.call('whoami', args));
  const unknown = await pasteToken(link, { user: 'alice', token: `ghp_${'f'.repeat(48)}` });
  expect(unknown.status).toBe(422);
  const token = await makeToken(service.origin, 'alice-home');
  service.setDown(true);
  expect((await pasteToken(link, { user: 'alice', token })).status).toBe(503);
  service.setDown(false);
  expect(linkIn(await client.call('whoami', args))).toBe(link);
  expect((await pasteToken(link, { user: 'alice', token })).status).toBe(200);
  expect(textOf(await client.call('whoami', args))).toBe('alice-home');
});

test('a person who says no at the code host ends the call, with a reason and no account', async () => {
  const world = await openWorld();
  const client = await world.connect('alice', {
    onLink: (link) => enterDeviceCode(link, { user: 'alice', account: 'alice-work', decision: 'deny' }),
  });
  const result = await client.call('whoami', { account: 'work' });
  expect(result).toMatchObject({
    isError: true,
    structuredContent: { error: { code: 'ERR_POSTERN_AUTH_DENIED' } },
  });
  expect(world.example.service.tokens).toHaveLength(0);
});

test('polling obeys slow_down, and the sign-in succeeds all the same', async () => {
  const world = await openWorld();
  const { service } = world.example;
  service.slowDownOnce();
  const client = await world.connect('alice', { onLink: byCode('alice', 'alice-work') });
  expect(textOf(await client.call('whoami'))).toBe('alice-work');
  // The second one came in time: the stand-in counts every poll that is too early.
  expect(service.counters).toMatchObject({ slowDowns: 1, polls: 2 });
});

test('single sign-on is asked for by its host alone, and the issue is opened once', async () => {
  const world = await openWorld();
  const { service } = world.example;
  const client = await world.connect('alice', { onLink: byCode('alice', 'alice-work') });
  const args = { account: 'work', repository: `${guardedOrganisation}/rockets`, title: 'A leak' };
  const refused = await client.call('open_issue', args);
  expect(refused).toMatchObject({
    isError: true,
    structuredContent: { error: { reason: 'sso-required', host: new URL(service.origin).host } },
  });
  expect(textOf(await client.call('list_repositories', { account: 'work' }))).toContain('Some may be hidden');
  expect(world.traffic().join('\n')).not.toContain('authorization_request');
  await signOn(service.origin, guardedOrganisation, 'alice-work');
  expect(textOf(await client.call('open_issue', args))).toBe(`Opened ${args.repository}#1`);
  expect(service.issues).toEqual([{ repository: args.repository, title: 'A leak', author: 'alice-work' }]);
});

test('a call that waited for a sign-in opens its issue once', async () => {
  const world = await openWorld();
  const { service } = world.example;
  const client = await world.connect('alice', { onLink: byCode('alice', 'alice-home') });
  await client.call('open_issue', { repository: 'alice-home/notes', title: 'Milk' });
  expect(service.issues).toHaveLength(1);
});

test('a token that was revoked at the code host is asked for anew, and the call goes on', async () => {
  const world = await openWorld();
  const { service } = world.example;
  const client = await world.connect('alice', {
    onLink: async (link) =>
      void (await pasteToken(link, { user: 'alice', token: await makeToken(service.origin, 'alice-home') })),
  });
  const args = { sign_in_with: 'token' };
  await client.call('whoami', args);
  service.revoke(service.tokens[0] ?? '');
  expect(textOf(await client.call('whoami', args))).toBe('alice-home');
  expect(client.links).toHaveLength(2);
  expect(service.tokens).toHaveLength(2);
});

test('no token is in what clients saw, in the log, on a page, or readable in the store', async () => {
  const world = await openWorld();
  const { service, url } = world.example;
  const pages: string[] = [];
  const token = await makeToken(service.origin, 'alice-home');
  const paste = async (link: string): Promise<void> => {
    const browser = createCookieBrowser();
    pages.push((await openAs(browser, link, 'alice')).html);
    service.setDown(true);
    pages.push((await browser.submit({ token }, 'save')).html);
    service.setDown(false);
    pages.push((await browser.submit({ token }, 'save')).html);
    pages.push((await browser.open(link)).html);
  };
  for (const era of ['2026-07-28', '2025-11-25'] as const) {
    const client = await world.connect('alice', { era, onLink: paste });
    const args = { account: `home-${era.slice(0, 4)}`, sign_in_with: 'token' };
    expect(textOf(await client.call('whoami', args))).toBe('alice-home');
    await client.call('list_repositories', args);
    await client.call('open_issue', { ...args, repository: 'bob-dev/notes', title: 'none' });
    const device = await world.connect('bob', { era, onLink: byCode('bob', 'bob-dev') });
    expect(textOf(await device.call('whoami', { account: `work-${era.slice(0, 4)}` }))).toBe('bob-dev');
  }
  const stored = await readAllFiles(world.directory);
  expect(service.tokens.length).toBe(3);
  expect(countLeaks(service.tokens, [...world.traffic(), ...world.log, ...pages, ...stored])).toBe(0);
  // What is looked through is really there: the link is in the traffic, and a page was seen.
  expect(countLeaks([`${new URL(url).origin}/oob/connect/`], world.traffic())).toBeGreaterThan(0);
  expect(pages.join('')).toContain('type="password"');
  expect(stored.length).toBeGreaterThan(1);
});

test('the example checks itself, and says so with its exit code', async () => {
  expect(await selfCheck('code-host')).toContain('none of 2 tokens');
});

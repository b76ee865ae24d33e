import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RpcToolResult } from '../../../examples/login-tool/json-rpc-client.ts';
import { createCookieBrowser, type Page } from '../../support/cookie-browser.ts';
import type { LoginWay } from '../../support/login-flows.ts';
import { openLoginMachine, type LoginMachine, type LoginProcess } from '../../support/login-processes.ts';
import { walk } from '../../heart/walk.ts';

async function openMachine(): Promise<LoginMachine> {
  const machine = await openLoginMachine();
  onTestFinished(() => machine[Symbol.asyncDispose]());
  return machine;
}

interface Content {
  readonly pending: { readonly url: string; readonly expiresAt: string };
  readonly accounts: readonly { readonly handle: string }[];
  readonly logins: readonly { readonly handle?: string; readonly status: string }[];
  readonly error: { readonly code: string };
}

const contentOf = ({ structuredContent }: RpcToolResult): Content => structuredContent as unknown as Content;
const textOf = ({ content }: RpcToolResult): string => content.map(({ text }) => text).join('\n');

async function login({ client }: LoginProcess, handle?: string): Promise<string> {
  return contentOf(await client.call('login', handle === undefined ? {} : { handle })).pending.url;
}

async function list({ client }: LoginProcess): Promise<Content> {
  return contentOf(await client.call('login', { command: 'list' }));
}

/** Whether anybody answers where a link is. */
const isAnswered = (link: string): Promise<boolean> =>
  fetch(new URL('/', link)).then(
    () => true,
    () => false,
  );

const untilAnswered = (link: string, answered = true): Promise<void> =>
  vi.waitFor(async () => expect(await isAnswered(link)).toBe(answered), { timeout: 30_000, interval: 100 });

/** What a person does at the link of each way. */
const finish: Record<LoginWay, (machine: LoginMachine, link: string) => Promise<Page>> = {
  redirect: (machine, link) => {
    machine.as.approveAs('alice');
    return walk(createCookieBrowser(), link);
  },
  device: async ({ devices }, link) => {
    const page = await createCookieBrowser().open(link);
    expect(page.html).toContain('WDJB-');
    devices.approve('alice');
    return page;
  },
  form: async (_machine, link) => {
    const browser = createCookieBrowser();
    await browser.open(link);
    return browser.submit({ key: 'CNRYzsecretz-api-key' }, 'save');
  },
};

describe.each(['redirect', 'device', 'form'] as const)('a login by %s at a server on stdio', (way) => {
  test('is done in the background, and its account used', async () => {
    const machine = await openMachine();
    const server = await machine.start({ way });
    const link = await login(server, 'alice.example');
    expect((await finish[way](machine, link)).status).toBe(200);
    const held = way === 'form' ? 'a key' : 'a token of alice';
    await vi.waitFor(async () => expect((await list(server)).accounts).toHaveLength(1), { timeout: 20_000 });
    expect(textOf(await server.client.call('whose', { account: 'alice.example' }))).toBe(held);
    expect(machine.hasOpenedBrowser()).toBe(false);
    for (const line of server.client.lines) expect(JSON.parse(line)).toHaveProperty('jsonrpc');
    await untilAnswered(link, false);
  });

  test('survives that the server is killed, and nobody has to ask for it after its next start', async () => {
    const machine = await openMachine();
    const before = await machine.start({ way });
    const link = await login(before, 'alice.example');
    await before.kill();
    const after = await machine.start({ way });
    await after.client.request('tools/list');
    await untilAnswered(link);
    expect((await finish[way](machine, link)).status).toBe(200);
    await vi.waitFor(() => expect(after.log()).toContain('status=done'), { timeout: 30_000 });
    expect((await list(after)).accounts).toMatchObject([{ handle: 'alice.example' }]);
  });
});

test('a code that was shown before the server was killed is asked after from its next start on', async () => {
  const machine = await openMachine();
  const before = await machine.start({ way: 'device' });
  await createCookieBrowser().open(await login(before, 'alice.example'));
  await before.kill();
  machine.devices.approve('alice');
  const after = await machine.start({ way: 'device' });
  await after.client.request('tools/list');
  // Nobody opens the page again, and no tool is called.
  await vi.waitFor(() => expect(after.log()).toContain('status=done'), { timeout: 30_000 });
});

describe('the port', () => {
  test('is any free one, and the same after a restart', async () => {
    const machine = await openMachine();
    const first = await machine.start();
    const link = await login(first, 'alice.example');
    await finish.redirect(machine, link);
    await first.kill();
    const next = await login(await machine.start(), 'bob.example');
    expect(new URL(next).origin).toBe(new URL(link).origin);
  });

  test('that was asked for is used, and where another program has it the answer says so and promises nothing', async () => {
    const machine = await openMachine();
    const stranger = createServer((_request, response) => response.end('Welcome'));
    stranger.listen(0, '127.0.0.1');
    await once(stranger, 'listening');
    const { port } = stranger.address() as AddressInfo;
    const server = await machine.start({ machine: { port } });
    const refused = await server.client.call('login', { handle: 'alice.example' });
    expect([refused.isError, contentOf(refused).error.code]).toEqual([
      true,
      'ERR_POSTERN_CLIENT_PORT_IN_USE',
    ]);
    expect(textOf(refused)).toContain(`Stop the program that has port ${port}`);
    expect((await list(server)).logins).toEqual([]);
    stranger.closeAllConnections();
    await new Promise((resolve) => stranger.close(resolve));
    expect(new URL(await login(server, 'alice.example')).port).toBe(String(port));
  });

  test('serves the logins of several processes, whichever of them made the link', async () => {
    const machine = await openMachine();
    const servers = [await machine.start(), await machine.start()] as const;
    const [one, same] = [await login(servers[0], 'one.example'), await login(servers[1], 'one.example')];
    const two = await login(servers[1], 'two.example');
    expect(same).toBe(one);
    expect(new URL(two).origin).toBe(new URL(one).origin);
    await servers[0].kill();
    await untilAnswered(two);
    machine.as.approveAs('two');
    expect((await walk(createCookieBrowser(), two)).status).toBe(200);
    machine.as.approveAs('one');
    expect((await walk(createCookieBrowser(), one)).status).toBe(200);
    expect((await list(servers[1])).accounts.map(({ handle }) => handle).toSorted()).toEqual([
      'one.example',
      'two.example',
    ]);
  });
});

test('what scanners, previews and curious pages ask for consumes nothing', async () => {
  const machine = await openMachine();
  const link = await login(await machine.start(), 'alice.example');
  const { origin } = new URL(link);
  const visits: readonly [path: string, init?: RequestInit][] = [
    ['/favicon.ico'],
    ['/'],
    ['/robots.txt'],
    ['/callback'],
    ['/callback/'],
    ['/callback?code=x'],
    [`/callback?code=x&state=${'s'.repeat(43)}`],
    [`/callback?error=access_denied&state=${'s'.repeat(43)}`],
    [`/x${new URL(link).pathname}`],
    [`${new URL(link).pathname}x`],
    // The link itself, by whoever is no person at a browser.
    [new URL(link).pathname],
    [new URL(link).pathname, { method: 'HEAD' }],
    [new URL(link).pathname, { method: 'POST', body: new URLSearchParams({ 'form-action': 'decline' }) }],
    [new URL(link).pathname, { headers: { purpose: 'prefetch', 'sec-fetch-mode': 'navigate' } }],
    [`${new URL(link).pathname}/status`],
  ];
  for (const [path, init] of visits) {
    const answer = await fetch(origin + path, { redirect: 'manual', ...init });
    await answer.body?.cancel();
    expect([path, answer.status]).not.toEqual([path, 302]);
  }
  expect(machine.as.calls).toEqual([]);
  expect((await finish.redirect(machine, link)).status).toBe(200);
});

test('a link is good for five minutes where nothing else is said, and the port closes with it', async () => {
  const machine = await openMachine();
  const server = await machine.start();
  const began = Date.now();
  const { expiresAt } = contentOf(await server.client.call('login')).pending;
  const leftMs = Date.parse(expiresAt) - began;
  expect([leftMs > 290_000, leftMs < 330_000]).toEqual([true, true]);
  await server.kill();
  const hasty = await (await openMachine()).start({ machine: { ttlMs: 1_500 } });
  const link = await login(hasty, 'alice.example');
  await untilAnswered(link, false);
  expect((await list(hasty)).logins).toMatchObject([{ handle: 'alice.example', status: 'expired' }]);
});

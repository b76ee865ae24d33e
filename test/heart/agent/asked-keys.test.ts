import { McpServer } from '@modelcontextprotocol/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createMcpEndpoint, firstOf } from '../../../demo/mcp-endpoint.ts';
import { openListener } from '../../../demo/open-listener.ts';
import {
  Client,
  ClientManager,
  findAuthorizationRequired,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  type ServerConfig,
} from '../../../src/client/index.ts';
import { findPosternError, MemoryBackend } from '../../../src/index.ts';
import { openLocalStorage } from '../../../src/storage/local.ts';
import { createCookieBrowser, type CookieBrowser, type Page } from '../../support/cookie-browser.ts';
import { FaultyStorage } from '../../support/faulty-storage.ts';
import { openMachineDirectory } from '../../support/machine-processes.ts';
import { openPageHost, userOf } from '../../support/page-host.ts';
import { createRecordingLogger } from '../../support/recording-logger.ts';
import { textOf } from '../../support/stage.ts';

const headerName = 'X-Weather-Key';

/** A real MCP server that lets in whoever sends a key it knows, and says whose that is. */
async function openKeyedServer(refusal: 401 | 403 = 401) {
  const owners = new Map([
    ['CNRYzsecretz-of-alice', 'alice'],
    ['CNRYzsecretz-of-bob', 'bob'],
  ]);
  const refused: string[] = [];
  const listener = await openListener();
  onTestFinished(() => listener.close());
  const url = `${listener.origin}/mcp`;
  const endpoint = createMcpEndpoint({
    url,
    gate: {
      authenticate: async (request) => {
        const token = request.headers.get(headerName) ?? '';
        const owner = owners.get(token);
        const isForbidden = (await request.clone().text()).includes('"name":"forbidden"');
        if (isForbidden) return new Response(null, { status: 403 });
        if (owner !== undefined) return { token, clientId: 'keyed', scopes: [], extra: { sub: owner } };
        refused.push(token);
        return new Response(null, { status: refusal });
      },
    },
    createServer: ({ authInfo }) => {
      const server = new McpServer({ name: 'weather', version: '1.0.0' });
      server.registerTool('whoami', { description: 'Whose key it is' }, () => ({
        content: [{ type: 'text', text: String(authInfo?.extra?.['sub']) }],
      }));
      server.registerTool('forbidden', {}, () => ({ content: [] }));
      return server;
    },
  });
  onTestFinished(() => endpoint.close());
  listener.serve(firstOf(endpoint.fetch));
  const servers: Record<string, ServerConfig> = {
    weather: { url, auth: { type: 'api_key', headerName } },
  };
  return { owners, refused, servers };
}

/** The person enters a key. */
async function enter(browser: CookieBrowser, link: string, key: string): Promise<Page> {
  const form = await browser.open(link);
  expect(form.html).toMatch(/<input[^>]*type="password"/u);
  return browser.submit({ key }, 'save');
}

/** What a call of a context comes to: `holds <whose key it is>`, `asks <link>`, or the code it fails with. */
async function outcomeOf(client: Client, tool = 'whoami'): Promise<string> {
  try {
    return `holds ${textOf(await client.callTool(tool))}`;
  } catch (error) {
    const required = findAuthorizationRequired(error);
    return required === undefined
      ? (findPosternError(error)?.code ?? String(error))
      : `asks ${required.challenge.url}`;
  }
}

async function linkOf(client: Client): Promise<string> {
  const outcome = await outcomeOf(client);
  if (!outcome.startsWith('asks ')) throw new Error(`no link is asked for: ${outcome}`);
  return outcome.slice('asks '.length);
}

/** Two processes of an agent for many users, or of a program at a terminal, which can be started anew on the same store. */
interface Agents {
  readonly clientOf: (user: string, process?: 0 | 1) => Promise<Client>;
  readonly openBrowser: (user: string) => Promise<CookieBrowser>;
  readonly restart: () => Promise<void>;
  readonly logged: () => string;
}

async function openDeployed(servers: Record<string, ServerConfig>): Promise<Agents> {
  const host = await openPageHost();
  onTestFinished(() => host.close());
  const storage = new MemoryBackend();
  const logger = createRecordingLogger();
  const start = (): ClientManager => {
    const options = {
      storage: new FaultyStorage(storage),
      publicUrl: host.publicUrl,
      verifyUser: userOf,
      logger,
    };
    const coordinator = new RemoteAuthCoordinator(options);
    host.handlers.push(coordinator.fetch);
    const manager = new ClientManager(servers, { coordinator, logger });
    onTestFinished(() => manager.close());
    return manager;
  };
  let managers = [start(), start()];
  return {
    clientOf: async (user, process = 0) => managers[process]!.getClient(user),
    openBrowser: (user) => host.openBrowser(user),
    restart: async () => {
      host.handlers.splice(0);
      await Promise.all(managers.map((manager) => manager.close()));
      managers = [start(), start()];
    },
    logged: () => logger.lines.join('\n'),
  };
}

async function openTerminal(servers: Record<string, ServerConfig>): Promise<Agents> {
  const directory = openMachineDirectory();
  const logger = createRecordingLogger();
  const closing: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closing.splice(0)) await each();
  };
  onTestFinished(close);
  const clients = new Map<string, Client>();
  const coordinators: LocalAuthCoordinator[] = [];
  const start = (): void => {
    for (const process of [0, 1]) {
      const storage = openLocalStorage(directory);
      const coordinator = new LocalAuthCoordinator({
        storage,
        logger,
        autoOpenBrowser: false,
        blockUntilCallback: false,
        onLink: () => {},
      });
      coordinators[process] = coordinator;
      closing.push(async () => {
        await coordinator.close();
        await storage.close();
      });
    }
  };
  start();
  return {
    clientOf: async (user, process = 0) => {
      const key = `${process} ${user}`;
      const client =
        clients.get(key) ??
        new Client(servers, { coordinator: coordinators[process]!, contextId: user, logger });
      if (!clients.has(key)) closing.unshift(() => client.close());
      clients.set(key, client);
      return client;
    },
    openBrowser: async () => createCookieBrowser(),
    restart: async () => {
      await close();
      clients.clear();
      start();
    },
    logged: () => logger.lines.join('\n'),
  };
}

describe.each([
  ['of a deployment', openDeployed],
  ['at a terminal', openTerminal],
] as const)('a key for an MCP server that its user is asked for, by an agent %s', (_where, open) => {
  test('is asked for once, with one link for every process, and then used by all', async () => {
    const { servers } = await openKeyedServer();
    const { clientOf, openBrowser } = await open(servers);
    const link = await linkOf(await clientOf('alice'));
    const again = [await clientOf('alice'), await clientOf('alice', 1)].map((client) => outcomeOf(client));
    expect(await Promise.all(again)).toEqual([`asks ${link}`, `asks ${link}`]);
    expect((await enter(await openBrowser('alice'), link, 'CNRYzsecretz-of-alice')).status).toBe(200);
    expect(await outcomeOf(await clientOf('alice'))).toBe('holds alice');
    expect(await outcomeOf(await clientOf('alice', 1))).toBe('holds alice');
  });

  test('is one user’s: another is asked for theirs', async () => {
    const { servers } = await openKeyedServer();
    const { clientOf, openBrowser } = await open(servers);
    for (const user of ['alice', 'bob']) {
      const link = await linkOf(await clientOf(user));
      await enter(await openBrowser(user), link, `CNRYzsecretz-of-${user}`);
    }
    expect(await outcomeOf(await clientOf('alice'))).toBe('holds alice');
    expect(await outcomeOf(await clientOf('bob'))).toBe('holds bob');
  });

  test('that the server refuses is asked for anew, and is nowhere to be read', async () => {
    const { servers, refused } = await openKeyedServer();
    const { clientOf, openBrowser, logged } = await open(servers);
    const link = await linkOf(await clientOf('alice'));
    const browser = await openBrowser('alice');
    expect((await enter(browser, link, 'CNRYzsecretz-wrong')).status).toBe(200);
    const next = await linkOf(await clientOf('alice'));
    expect([next === link, refused.includes('CNRYzsecretz-wrong')]).toEqual([false, true]);
    expect(await linkOf(await clientOf('alice', 1))).toBe(next);
    const page = await enter(await openBrowser('alice'), next, 'CNRYzsecretz-of-alice');
    expect(await outcomeOf(await clientOf('alice', 1))).toBe('holds alice');
    for (const text of [page.html, logged()]) expect(text).not.toContain('CNRY');
  });

  test('that ends at its server is asked for anew, in a session that had it', async () => {
    const { servers, owners } = await openKeyedServer();
    const { clientOf, openBrowser } = await open(servers);
    await enter(await openBrowser('alice'), await linkOf(await clientOf('alice')), 'CNRYzsecretz-of-alice');
    expect(await outcomeOf(await clientOf('alice'))).toBe('holds alice');
    owners.delete('CNRYzsecretz-of-alice');
    owners.set('CNRYzsecretz-new', 'alice');
    const link = await linkOf(await clientOf('alice'));
    await enter(await openBrowser('alice'), link, 'CNRYzsecretz-new');
    expect(await outcomeOf(await clientOf('alice'))).toBe('holds alice');
  });

  test('is kept over a restart, and so is the link to enter it', async () => {
    const { servers } = await openKeyedServer();
    const { clientOf, openBrowser, restart } = await open(servers);
    const link = await linkOf(await clientOf('alice'));
    await restart();
    expect(await linkOf(await clientOf('alice'))).toBe(link);
    await enter(await openBrowser('alice'), link, 'CNRYzsecretz-of-alice');
    await restart();
    expect(await outcomeOf(await clientOf('alice', 1))).toBe('holds alice');
  });

  test('is forgotten at a logout, which says that it goes on at its server', async () => {
    const { servers } = await openKeyedServer();
    const { clientOf, openBrowser } = await open(servers);
    await enter(await openBrowser('alice'), await linkOf(await clientOf('alice')), 'CNRYzsecretz-of-alice');
    expect(await outcomeOf(await clientOf('alice'))).toBe('holds alice');
    const { weather } = await (await clientOf('alice')).logout();
    expect(weather).toEqual({ revoked: false, reason: expect.stringContaining('forgotten here') });
    const link = await linkOf(await clientOf('alice'));
    expect(await (await openBrowser('alice')).open(link)).toMatchObject({ status: 200 });
  });

  test('that they do not want to give is not asked for again by itself', async () => {
    const { servers } = await openKeyedServer();
    const { clientOf, openBrowser } = await open(servers);
    const link = await linkOf(await clientOf('alice'));
    const browser = await openBrowser('alice');
    await browser.open(link);
    await browser.submit({}, 'decline');
    expect(await outcomeOf(await clientOf('alice', 1))).toBe('ERR_POSTERN_AUTH_DENIED');
    await (await clientOf('alice', 1)).connect({ force: true });
    expect((await (await clientOf('alice', 1)).getAuthChallenges()).map(({ url }) => url)).not.toContain(
      link,
    );
  });
});

test('a call at a terminal waits for the key, and after a wrong one for the right one', async () => {
  const { servers } = await openKeyedServer();
  const opened: string[] = [];
  const coordinator = new LocalAuthCoordinator({
    storage: new MemoryBackend(),
    openBrowser: async (url) => opened.push(url) > 0,
  });
  const client = new Client(servers, { coordinator, contextId: 'me' });
  onTestFinished(async () => {
    await client.close();
    await coordinator.close();
  });
  const answer = client.callTool('whoami').then(textOf);
  answer.catch(() => {});
  for (const [count, key] of [
    [1, 'CNRYzsecretz-wrong'],
    [2, 'CNRYzsecretz-of-bob'],
  ] as const) {
    await vi.waitFor(() => expect(opened).toHaveLength(count), { timeout: 20_000 });
    expect((await enter(createCookieBrowser(), opened.at(-1) ?? '', key)).status).toBe(200);
  }
  expect(await answer).toBe('bob');
  expect(opened).toHaveLength(2);
});

describe('a server that says 403, and nothing else, to a key that it does not know', () => {
  async function openRefusing() {
    const { owners, servers } = await openKeyedServer(403);
    const agents = await openDeployed(servers);
    return {
      owners,
      agents,
      client: await agents.clientOf('alice'),
      browser: await agents.openBrowser('alice'),
    };
  }

  test('has the person asked, and asked anew after a wrong key', async () => {
    const { client, browser } = await openRefusing();
    const link = await linkOf(client);
    await enter(browser, link, 'wrong');
    const again = await linkOf(client);
    expect(again).not.toBe(link);
    await enter(browser, again, 'CNRYzsecretz-of-alice');
    await vi.waitFor(async () => expect(await outcomeOf(client)).toBe('holds alice'), { timeout: 10_000 });
  });

  test('and to a call that its holder may not make: that call fails, and nobody is asked, however many there are', async () => {
    const { client, browser } = await openRefusing();
    await enter(browser, await linkOf(client), 'CNRYzsecretz-of-alice');
    await vi.waitFor(async () => expect(await outcomeOf(client)).toBe('holds alice'), { timeout: 10_000 });
    const forbidden = await Promise.all([1, 2, 3].map(() => outcomeOf(client, 'forbidden')));
    expect(new Set(forbidden)).toEqual(new Set(['ERR_POSTERN_AUTH_REJECTED']));
    expect(await outcomeOf(client)).toBe('holds alice');
    expect(await client.getAuthChallenges()).toEqual([]);
  });

  for (const force of [false, true]) {
    test(`has the person asked when a key that was good is good no longer${force ? ', at once by force' : ''}`, async () => {
      const { owners, client, browser } = await openRefusing();
      await enter(browser, await linkOf(client), 'CNRYzsecretz-of-alice');
      await vi.waitFor(async () => expect(await outcomeOf(client)).toBe('holds alice'), { timeout: 10_000 });
      owners.delete('CNRYzsecretz-of-alice');
      if (force) await client.connect({ force: true });
      else expect(await outcomeOf(client)).toBe('ERR_POSTERN_AUTH_REJECTED');
      owners.set('CNRYzsecretz-another', 'alice');
      await enter(browser, await linkOf(client), 'CNRYzsecretz-another');
      await vi.waitFor(async () => expect(await outcomeOf(client)).toBe('holds alice'), { timeout: 10_000 });
    });
  }

  test('for a while only: the key is kept, and is good again by force', async () => {
    const { owners, agents, client, browser } = await openRefusing();
    await enter(browser, await linkOf(client), 'CNRYzsecretz-of-alice');
    await vi.waitFor(async () => expect(await outcomeOf(client)).toBe('holds alice'), { timeout: 10_000 });
    owners.delete('CNRYzsecretz-of-alice');
    const other = await agents.clientOf('alice', 1);
    expect(await outcomeOf(other)).toMatch(/^asks /u);
    owners.set('CNRYzsecretz-of-alice', 'alice');
    await other.connect({ force: true });
    expect(await outcomeOf(other)).toBe('holds alice');
  });
});

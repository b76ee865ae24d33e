import { UrlElicitationRequiredError } from '@modelcontextprotocol/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import {
  Client,
  ClientManager,
  findAuthorizationRequired,
  LocalAuthCoordinator,
  RemoteAuthCoordinator,
  type AuthCoordinator,
  type ClientHandlers,
} from '../../../src/client/index.ts';
import type { ResumePolicy } from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import { createServerOf } from '../../support/in-process-server.ts';
import { openPageHost, userOf, type PageHost } from '../../support/page-host.ts';
import { challengeOf, codeOf, failureOf, textOf } from '../../support/stage.ts';
import { until } from '../../support/tool-stage.ts';
import { runQuery } from './asking-call.ts';
import { accept, openPair, theirLink, type Pair } from './asking-pair.ts';
import { parkQuery } from './parked-query.ts';

const patience = { timeout: 20_000 };
/** As patient as the real ones, a good deal faster. */
const soon = { sweepMs: 50, tryMs: 100 };

type Handler = NonNullable<ClientHandlers['elicitation']>;

async function statusOf(manager: ClientManager, pendingId: string): Promise<string | undefined> {
  const client = await manager.getClient('alice');
  return (await manager.coordinator.pendings.in(client.context.namespace).get(pendingId))?.status;
}

describe('a person who is done at the server’s link, and tells nobody', () => {
  const eras = [
    { era: 'modern', who: 'a handler that accepts', elicitation: accept },
    { era: 'stateless', who: 'no handler', elicitation: undefined },
    { era: 'stateless', who: 'a handler that accepts', elicitation: accept },
  ] as const;

  /** Parks a call that is tried soon, and counts how often a handler is shown a link. */
  async function park(era: (typeof eras)[number]['era'], elicitation: Handler | undefined) {
    let shown = 0;
    const counting: Handler | undefined = elicitation && ((...asked) => (shown++, elicitation(...asked)));
    const pair = await openPair(era, counting, soon);
    return { pair, ...(await parkQuery(pair)), shown: () => shown };
  }

  for (const { era, who, elicitation } of eras) {
    test(`${era}, ${who}: the parked call is made by itself, once, and the link says that it is done (issue 8.23)`, async () => {
      const { pair, resumed, challenge } = await park(era, elicitation);
      await pair.server.finish(await theirLink(pair));
      await pair.manager.start();
      await vi.waitFor(() => expect(resumed).toEqual(['run_query at db as alice/db-alice']), patience);
      await vi.waitFor(
        async () => expect(await statusOf(pair.manager, challenge.pendingId)).toBe('completed'),
        patience,
      );
      expect(pair.server.effects).toHaveLength(1);
    });
  }

  for (const { era, who, elicitation } of eras) {
    test(`${era}, ${who}: is not shown anything while the server is asked again, and keeps the one link`, async () => {
      const { pair, resumed, challenge, shown } = await park(era, elicitation);
      const before = [shown(), pair.server.runs()] as const;
      await pair.manager.start();
      await vi.waitFor(() => expect(pair.server.runs()).toBeGreaterThan(before[1] + 1), patience);
      await pair.manager.stop();
      const live = await pair.manager.coordinator.pendings.in(pair.client.context.namespace).list();
      expect(live.map(({ id, status }) => [id, status])).toEqual([[challenge.pendingId, 'pending']]);
      expect([shown(), resumed]).toEqual([before[0], []]);
    });
  }

  test('the process that parked is gone: another asks the server, and makes the call once', async () => {
    const { pair, resumed, resumeIn, challenge } = await park('stateless', undefined);
    await pair.manager.close();
    const later = pair.startAnother();
    resumeIn(later);
    await pair.server.finish(await theirLink(pair));
    await later.start();
    await vi.waitFor(() => expect(resumed).toEqual(['run_query at db as alice/db-alice']), patience);
    await vi.waitFor(
      async () => expect(await statusOf(later, challenge.pendingId)).toBe('completed'),
      patience,
    );
  });
});

/** A server in this process that asks for a person at a link, for each user’s order, until that one is paid. */
function createShop(linkFor: (order: number, asked: number) => string) {
  const paid = new Set<number>();
  const calls: number[] = [];
  let asked = 0;
  const notifiers: ((id: string) => Promise<void>)[] = [];
  const { config } = createServerOf([], (mcp) => {
    notifiers.push(async (elicitationId) => {
      await mcp.server.notification({
        method: 'notifications/elicitation/complete',
        params: { elicitationId },
      });
    });
    mcp.registerTool('pay', { inputSchema: z.object({ order: z.number() }) }, ({ order }) => {
      if (!paid.has(order)) {
        const url = linkFor(order, ++asked);
        throw new UrlElicitationRequiredError([
          { mode: 'url', message: `Pay order ${order}`, url, elicitationId: url },
        ]);
      }
      calls.push(order);
      return { content: [{ type: 'text', text: `paid ${order}` }] };
    });
  });
  return {
    config,
    calls,
    asked: () => asked,
    pay: (order: number) => void paid.add(order),
    /** The server says that a link is done with. */
    say: async (id: string) => void (await Promise.all(notifiers.map((notify) => notify(id)))),
  };
}

function createAgent(
  config: ReturnType<typeof createShop>['config'],
  coordinator: AuthCoordinator,
  elicitation?: Handler,
): ClientManager {
  const handlers = elicitation && { handlers: { elicitation } };
  const manager = new ClientManager(
    { shop: config },
    { coordinator, versionNegotiation: 'legacy', ...handlers },
  );
  onTestFinished(() => manager.close());
  return manager;
}

async function openShop(linkFor: (order: number, asked: number) => string, elicitation?: Handler) {
  const shop = createShop(linkFor);
  const host: PageHost = await openPageHost();
  onTestFinished(() => host.close());
  const coordinator = new RemoteAuthCoordinator({
    storage: new MemoryBackend(),
    publicUrl: host.publicUrl,
    verifyUser: userOf,
    resume: soon,
  });
  host.handlers.push(coordinator.fetch);
  const manager = createAgent(shop.config, coordinator, elicitation);
  return { shop, host, manager, client: await manager.getClient('alice') };
}

const pageOfOrder = (order: number): string => `https://pay.example/orders/${order}`;
const newPageEachTime = (order: number, asked: number): string =>
  `https://pay.example/o/${order}?try=${asked}`;

describe('a server that makes a new link each time it is asked', () => {
  test('has one link of ours, with the newest of its own behind it, and the call is made once (issue 8.23)', async () => {
    const { shop, host, manager, client } = await openShop(newPageEachTime);
    const results: string[] = [];
    const place = manager.continuation<{ order: number }>('pay', async ({ client: resumed, payload }) => {
      results.push(textOf(await resumed.callTool('pay', payload)));
    });
    const error = await failureOf(client.callTool('pay', { order: 1 }));
    await place.park(error, { order: 1 });
    await manager.start();
    await until(() => shop.asked() >= 3);
    const pendings = await manager.coordinator.pendings.in(client.context.namespace).list();
    const link = findAuthorizationRequired(error)?.challenge.url ?? '';
    expect(pendings.map(({ url, status }) => [url, status])).toEqual([[link, 'pending']]);
    await vi.waitFor(async () => {
      const asked = shop.asked();
      const page = await (await host.openBrowser('alice')).open(link);
      expect([page.html.includes(`try=${asked}`), page.html.includes('try=1"')]).toEqual([true, false]);
    }, patience);
    shop.pay(1);
    await vi.waitFor(() => expect(results).toEqual(['paid 1']), patience);
    expect(shop.calls).toEqual([1]);
  });

  test('is asked two things at once: neither gets the other’s link', async () => {
    const { host, client } = await openShop(newPageEachTime);
    const orders = [1, 2, 3, 4];
    const challenges = await Promise.all(
      orders.map((order) => challengeOf(client.callTool('pay', { order }))),
    );
    const browser = await host.openBrowser('alice');
    for (const [index, order] of orders.entries()) {
      const { html } = await browser.open(challenges[index]!.url);
      expect(orders.filter((other) => html.includes(`pay.example/o/${other}?`))).toEqual([order]);
    }
  });

  test('says that one of two is done: the other stays open', async () => {
    const { shop, manager, client } = await openShop(pageOfOrder, accept);
    const [one, two] = await Promise.all(
      [1, 2].map((order) => challengeOf(client.callTool('pay', { order }))),
    );
    await shop.say(pageOfOrder(2));
    await vi.waitFor(async () => expect(await statusOf(manager, two!.pendingId)).toBe('completed'), patience);
    expect(await statusOf(manager, one!.pendingId)).toBe('pending');
  });
});

test('modern: two calls at once whose persons are slow do not swap their links (issue 8.23)', async () => {
  const pair: Pair = await openPair('modern', accept);
  const connections = ['db-1', 'db-2', 'db-3'];
  const challenges = await Promise.all(
    connections.map((connection) => challengeOf(runQuery(pair.client, 60_000, connection))),
  );
  const browser = await pair.host.openBrowser('alice');
  const links = await Promise.all(connections.map((connection) => theirLink(pair, connection)));
  for (const [index, link] of links.entries()) {
    const { html } = await browser.open(challenges[index]!.url);
    expect(links.filter((other) => html.includes(other))).toEqual([link]);
  }
});

describe('a call that waits for its person in this process', () => {
  async function openBlocking(
    linkFor: (order: number, asked: number) => string,
    elicitation?: Handler,
    resume: ResumePolicy = soon,
  ) {
    const shop = createShop(linkFor);
    const opened: string[] = [];
    const coordinator = new LocalAuthCoordinator({
      resume,
      openBrowser: async (url) => opened.push(url) > 0,
    });
    const client = new Client(
      { shop: shop.config },
      { coordinator, versionNegotiation: 'legacy', ...(elicitation && { handlers: { elicitation } }) },
    );
    onTestFinished(async () => {
      await client.close();
      await coordinator.close();
    });
    return { shop, client, opened };
  }

  for (const [name, linkFor] of [
    ['one link', pageOfOrder],
    ['a new link each time', newPageEachTime],
  ] as const) {
    test(`asks the server again by itself, shows one page, and returns (${name}, issue 8.23)`, async () => {
      const { shop, client, opened } = await openBlocking(linkFor);
      const call = client.callTool('pay', { order: 1 });
      call.catch(() => {});
      await until(() => shop.asked() >= 3);
      expect(client.session('shop').status).toBe('CONNECTED');
      shop.pay(1);
      expect(textOf(await call)).toBe('paid 1');
      expect([shop.calls, opened.length]).toEqual([[1], 1]);
    });
  }

  test('goes on at once when the server says that it is done', async () => {
    const { shop, client } = await openBlocking(pageOfOrder, accept, {});
    const call = client.callTool('pay', { order: 1 });
    await until(() => shop.asked() >= 2);
    shop.pay(1);
    await shop.say(pageOfOrder(1));
    expect(textOf(await call)).toBe('paid 1');
  });

  test('ends when its caller gives up, and when the session is closed', async () => {
    const { shop, client } = await openBlocking(pageOfOrder);
    const stop = new AbortController();
    const given = client.callTool('pay', { order: 1 }, { signal: stop.signal });
    const closed = client.callTool('pay', { order: 2 });
    const closedCode = codeOf(closed);
    given.catch(() => {});
    await until(() => shop.asked() >= 2);
    stop.abort(new Error('no more'));
    await expect(given).rejects.toThrow('no more');
    await client.disconnect();
    expect(await closedCode).toBe('ERR_POSTERN_CLIENT_CLOSED');
  });
});

describe('a host that shows links itself, and is told of one by an error', () => {
  test('is shown it once, and the call is made again when it says that the person is done (issue 8.23)', async () => {
    const shown: unknown[] = [];
    const { shop, client } = await openShop(pageOfOrder, async (request, { server, contextId }) => {
      // Longer than the call may take.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      shown.push({ ...request, server, contextId });
      shop.pay(1);
      return { action: 'accept' };
    });
    const result = await client.callTool('pay', { order: 1 }, { timeout: 1_000 });
    expect([textOf(result), shop.calls]).toEqual(['paid 1', [1]]);
    const url = pageOfOrder(1);
    expect(shown).toEqual([
      { mode: 'url', url, elicitationId: url, message: 'Pay order 1', server: 'shop', contextId: 'alice' },
    ]);
  });

  test('declines for its person: the call says so, and the session stays connected', async () => {
    const { client } = await openShop(pageOfOrder, () => ({ action: 'decline' }));
    expect(await codeOf(client.callTool('pay', { order: 1 }))).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(client.session('shop').status).toBe('CONNECTED');
  });

  test('is shown it once, although the server has made a new link when the call is made again', async () => {
    let shown = 0;
    const { client } = await openShop(newPageEachTime, () => (shown++, { action: 'accept' }));
    expect((await challengeOf(client.callTool('pay', { order: 1 }))).server).toBe('shop');
    expect(shown).toBe(1);
  });

  test('closes the question: the call can be parked, as one that nobody was asked about', async () => {
    const { client } = await openShop(pageOfOrder, () => ({ action: 'cancel' }));
    expect((await challengeOf(client.callTool('pay', { order: 1 }))).server).toBe('shop');
  });

  test('shows forms only: it is not shown a link', async () => {
    const shop = createShop(pageOfOrder);
    const coordinator = new RemoteAuthCoordinator({
      storage: new MemoryBackend(),
      publicUrl: 'https://bot.example/postern',
      verifyUser: userOf,
    });
    let shown = 0;
    const elicitation: Handler = () => (shown++, { action: 'accept' });
    const manager = new ClientManager(
      { shop: shop.config },
      {
        coordinator,
        versionNegotiation: 'legacy',
        handlers: { elicitation, elicitationModes: ['form'] },
      },
    );
    onTestFinished(() => manager.close());
    const client = await manager.getClient('alice');
    expect((await challengeOf(client.callTool('pay', { order: 1 }))).server).toBe('shop');
    expect(shown).toBe(0);
  });
});

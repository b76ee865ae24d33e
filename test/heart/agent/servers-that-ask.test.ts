import { UrlElicitationRequiredError, type McpServer } from '@modelcontextprotocol/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  ClientManager,
  findAuthorizationRequired,
  RemoteAuthCoordinator,
  type Client,
} from '../../../src/client/index.ts';
import { MemoryBackend } from '../../../src/index.ts';
import { userOf } from '../../support/page-host.ts';
import { createServerOf } from '../../support/in-process-server.ts';
import { challengeOf, codeOf, textOf } from '../../support/stage.ts';
import type { Era } from '../../support/tool-stage.ts';
import { runQuery } from './asking-call.ts';
import { accept, openPair, theirLink, type Pair } from './asking-pair.ts';
import { parkQuery } from './parked-query.ts';

const patience = { timeout: 20_000 };

describe('a server that needs something of a person', () => {
  const cases = [
    { era: 'modern', who: 'a handler that accepts, and a person who is slow', elicitation: accept },
    { era: 'stateless', who: 'a handler that accepts', elicitation: accept },
    { era: 'stateless', who: 'no handler', elicitation: undefined },
  ] as const;
  for (const { era, who, elicitation } of cases) {
    test(`${era}, ${who}: the call fails as one does that a sign-in is needed for, and can be parked (issue 8.23)`, async () => {
      const pair = await openPair(era, elicitation);
      const error = await runQuery(pair.client).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(await codeOf(Promise.reject(error))).toBe('ERR_POSTERN_AUTH_REQUIRED');
      const challenge = findAuthorizationRequired(error)?.challenge;
      expect([challenge?.server, challenge?.contextId]).toEqual(['queries', 'alice']);
      expect(challenge?.expiresAtMs).toBeGreaterThan(Date.now());
      const place = pair.manager.continuation('later', () => Promise.resolve());
      expect((await place.park(error, {})).id).toBeTypeOf('string');

      await pair.server.finish(await theirLink(pair));
      expect(textOf(await runQuery(pair.client))).toBe('run_query at db as alice/db-alice');
      expect(pair.server.effects).toHaveLength(1);
    });
  }

  for (const era of ['modern', 'session'] as const) {
    test(`${era}, no handler: the result carries the link in words`, async () => {
      const pair = await openPair(era);
      const result = await runQuery(pair.client).catch((error: unknown) => error);
      const link = await theirLink(pair);
      // Or the error that the other cases end with, once a client can do without a handler.
      const told = findAuthorizationRequired(result) !== undefined || JSON.stringify(result).includes(link);
      expect(told).toBe(true);
    });
  }

  for (const era of ['modern', 'session'] as const) {
    test(`${era}, a handler whose person is quick: the call goes on by itself`, async () => {
      const pair: Pair = await openPair(era, async (request) => {
        if (request.mode === 'url') await pair.server.finish(request.url);
        return { action: 'accept' };
      });
      expect(textOf(await runQuery(pair.client))).toBe('run_query at db as alice/db-alice');
    });
  }
});

describe('a person whose link leads to our page, and on to the server’s', () => {
  const eras = [
    { era: 'modern', elicitation: accept },
    { era: 'stateless', elicitation: undefined },
  ] as const;
  for (const { era, elicitation } of eras) {
    test(`${era}: finds the server’s link there, says that it is done, and the parked call resumes`, async () => {
      const pair = await openPair(era, elicitation);
      const { challenge, resumed } = await parkQuery(pair);
      const link = challenge.url;
      const browser = await pair.host.openBrowser('alice');
      const page = await browser.open(link);
      const theirs = await theirLink(pair);
      expect([page.status, page.html.includes(theirs)]).toEqual([200, true]);
      await pair.server.finish(theirs);
      expect((await browser.submit({}, 'done')).status).toBe(200);
      await pair.manager.start();
      await vi.waitFor(() => expect(resumed).toEqual(['run_query at db as alice/db-alice']), patience);
      expect(pair.server.effects).toHaveLength(1);
    });

    test(`${era}: the process is killed meanwhile, and another serves the page and resumes the call`, async () => {
      const pair = await openPair(era, elicitation);
      const { challenge, resumed, resumeIn } = await parkQuery(pair);
      const link = challenge.url;
      const later = pair.startAnother();
      resumeIn(later);
      await pair.server.finish(await theirLink(pair));
      const browser = await pair.host.openBrowser('alice');
      await browser.open(link);
      expect((await browser.submit({}, 'done')).status).toBe(200);
      await later.start();
      await vi.waitFor(() => expect(resumed).toEqual(['run_query at db as alice/db-alice']), patience);
      expect(pair.server.effects).toHaveLength(1);
    });
  }

  test('says so too early: the call is asked for once more, with a link again', async () => {
    const pair = await openPair('stateless');
    const { url } = await challengeOf(runQuery(pair.client));
    const browser = await pair.host.openBrowser('alice');
    await browser.open(url);
    await browser.submit({}, 'done');
    const again = await challengeOf(runQuery(pair.client));
    expect([again.server, again.url === url]).toEqual(['queries', false]);
  });

  test('declines there: the parked call is told, and nobody is asked again for a while', async () => {
    const pair = await openPair('stateless');
    const { challenge, resumed } = await parkQuery(pair);
    const link = challenge.url;
    const browser = await pair.host.openBrowser('alice');
    await browser.open(link);
    await browser.submit({}, 'decline');
    await pair.manager.start();
    await vi.waitFor(() => expect(resumed).toEqual(['ERR_POSTERN_AUTH_DENIED']), patience);
    expect(await codeOf(runQuery(pair.client))).toBe('ERR_POSTERN_AUTH_DENIED');
    expect(pair.client.session('queries').status).toBe('CONNECTED');
  });

  test('is the one it is for: nobody else sees the server’s link', async () => {
    const pair = await openPair('stateless');
    const { url } = await challengeOf(runQuery(pair.client));
    const page = await (await pair.host.openBrowser('bob')).open(url);
    expect(page.status).toBeGreaterThanOrEqual(400);
    expect(page.html).not.toContain(await theirLink(pair));
  });

  test('gets one link, whoever asks, and the session stays connected', async () => {
    const pair = await openPair('stateless');
    const links = await Promise.all([1, 2, 3].map(() => challengeOf(runQuery(pair.client))));
    const later = await pair.startAnother().getClient('alice');
    links.push(await challengeOf(runQuery(later)));
    expect(new Set(links.map(({ url }) => url)).size).toBe(1);
    expect(pair.client.session('queries').status).toBe('CONNECTED');
  });

  test('is done when the same call goes through: a call that is parked on it resumes', async () => {
    const pair = await openPair('stateless');
    const { resumed } = await parkQuery(pair);
    await pair.manager.start();
    await pair.server.finish(await theirLink(pair));
    expect(textOf(await runQuery(pair.client))).toBe('run_query at db as alice/db-alice');
    await vi.waitFor(() => expect(resumed).toEqual(['run_query at db as alice/db-alice']), patience);
  });
});

/** A client of a server in this process that asks for a person at a link of its own, under the id `e-1`. */
async function openAsking(
  url: string,
): Promise<{ client: Client; manager: ClientManager; complete: () => Promise<void> }> {
  let current: McpServer | undefined;
  const { config } = createServerOf([], (mcp) => {
    current = mcp;
    mcp.registerTool('ask', {}, () => {
      throw new UrlElicitationRequiredError([
        { mode: 'url', message: '<b>Pay</b>', url, elicitationId: 'e-1' },
      ]);
    });
  });
  const coordinator = new RemoteAuthCoordinator({
    storage: new MemoryBackend(),
    publicUrl: 'https://bot.example/postern',
    verifyUser: userOf,
  });
  const manager = new ClientManager(
    { own: config },
    { coordinator, versionNegotiation: 'legacy', handlers: { elicitation: accept } },
  );
  onTestFinished(() => manager.close());
  const complete = async (): Promise<void> => {
    const params = { elicitationId: 'e-1' };
    await current?.server.notification({ method: 'notifications/elicitation/complete', params });
  };
  return { client: await manager.getClient('alice'), manager, complete };
}

describe('a server’s link', () => {
  test('is done with when the server says so', async () => {
    const { client, manager, complete } = await openAsking('https://pay.example/1');
    const { pendingId } = await challengeOf(client.callTool('ask'));
    await complete();
    const { pendings } = manager.coordinator;
    const statusOf = async () => (await pendings.in(client.context.namespace).get(pendingId))?.status;
    await vi.waitFor(async () => expect(await statusOf()).toBe('completed'), patience);
  });

  for (const url of ['javascript:alert(1)', 'http://pay.example/1', 'https://user@pay.example/']) {
    test(`that no browser should open is shown to nobody: ${url}`, async () => {
      const { client } = await openAsking(url);
      expect(await codeOf(client.callTool('ask'))).toBe('ERR_POSTERN_OAUTH_URL_FORBIDDEN');
    });
  }
});

/** Asks for something with a handler whose person takes twice as long as a call may. */
async function callWithSlowPerson(era: Era): Promise<string> {
  const timeoutMs = 2_000;
  const pair: Pair = await openPair(era, async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 2 * timeoutMs));
    if (request.mode === 'url') await pair.server.finish(request.url);
    return { action: 'accept' };
  });
  return runQuery(pair.client, timeoutMs).then(textOf, (error: unknown) => codeOf(Promise.reject(error)));
}

describe('a person who takes longer inside a handler than the call may', () => {
  test('session: the time does not run against the call (issue 8.23)', async () => {
    expect(await callWithSlowPerson('session')).toBe('run_query at db as alice/db-alice');
  });

  test('modern: the time does not run against the call', async () => {
    expect(await callWithSlowPerson('modern')).toBe('run_query at db as alice/db-alice');
  });
});

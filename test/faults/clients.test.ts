import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Client,
  ClientManager,
  LocalAuthCoordinator,
  ToolAmbiguousError,
  ToolNotFoundError,
  type CompletionEvent,
  type ServerConfig,
} from '../../src/client/index.ts';
import { MemoryBackend } from '../../src/storage/memory-backend.ts';
import { createInProcessServer } from '../support/in-process-server.ts';
import { createSteppedClock } from '../support/stepped-clock.ts';
import { challengeOf, codeOf, codeOn, failureOf, openStage, textOf } from '../support/stage.ts';

function openClient(servers: Record<string, ServerConfig>): Client {
  const client = new Client(servers);
  onTestFinished(() => client.close());
  return client;
}

describe('a tool by its name', () => {
  test('is found on the one server that offers it', async () => {
    const client = openClient({
      one: createInProcessServer('a').config,
      two: createInProcessServer('b').config,
    });
    expect(textOf(await client.callTool('b'))).toBe('b');
  });

  test('that no server offers is an error which names the servers and their states', async () => {
    const client = openClient({
      one: createInProcessServer('a').config,
      gone: { command: '/no/such/program' },
    });
    const error = await failureOf(client.callTool('missing'));
    expect(error).toBeInstanceOf(ToolNotFoundError);
    expect(error).toMatchObject({
      code: 'ERR_POSTERN_CLIENT_TOOL_NOT_FOUND',
      tool: 'missing',
      searched: { one: 'CONNECTED', gone: 'FAILED' },
      available: ['a'],
    });
  });

  test('that two servers offer is never guessed; naming the server decides', async () => {
    const client = openClient({
      one: createInProcessServer('a').config,
      two: createInProcessServer('a').config,
    });
    const error = await failureOf(client.callTool('a'));
    expect(error).toBeInstanceOf(ToolAmbiguousError);
    expect(error).toMatchObject({ code: 'ERR_POSTERN_CLIENT_TOOL_AMBIGUOUS', servers: ['one', 'two'] });
    expect(textOf(await client.callTool('a', {}, { server: 'two' }))).toBe('a');
  });

  test('may be on the server that waits for a person: then the call asks for the person', async () => {
    const stage = await openStage({
      servers: (calendar) => ({ other: createInProcessServer('a').config, calendar: { url: calendar.url } }),
    });
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
    expect(textOf(await client.callTool('a'))).toBe('a');
  });

  test('on a server that is not configured is an error which names those that are', async () => {
    const client = openClient({ one: createInProcessServer('a').config });
    expect(await failureOf(client.callTool('a', {}, { server: 'two' }))).toMatchObject({
      code: 'ERR_POSTERN_CLIENT_SERVER_UNKNOWN',
      hint: 'Configured are: one.',
    });
  });

  test('with no server at all is not found', async () => {
    expect(await codeOf(openClient({}).callTool('a'))).toBe('ERR_POSTERN_CLIENT_TOOL_NOT_FOUND');
  });
});

describe('servers that come and go', () => {
  test('one that is added is used by the next call, and is added once', async () => {
    const client = openClient({});
    client.addServer('one', createInProcessServer('a').config);
    expect(textOf(await client.callTool('a'))).toBe('a');
    expect(await codeOf((async () => client.addServer('one', createInProcessServer().config))())).toBe(
      'ERR_POSTERN_CONFIG_MISCONFIGURED',
    );
    expect(client.servers).toEqual(['one']);
  });

  test('one that is removed is disconnected and unknown; its credentials stay', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const session = client.session('calendar');
    await client.removeServer('calendar');
    expect(session.status).toBe('DISCONNECTED');
    expect(await codeOf(client.callTool('whoami', {}, { server: 'calendar' }))).toBe(
      'ERR_POSTERN_CLIENT_SERVER_UNKNOWN',
    );
    client.addServer('calendar', { url: stage.calendar.url });
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('authorize')).toBe(1);
  });

  test('what one context adds is not another’s', async () => {
    const stage = await openStage();
    const alice = await stage.manager.getClient('alice');
    alice.addServer('own', createInProcessServer('a').config);
    expect((await stage.manager.getClient('bob')).servers).toEqual(['calendar']);
  });

  test('a configuration with a secret in the wrong place is refused without quoting it', async () => {
    const client = openClient({});
    const wrong = {
      url: 'https://x.example',
      auth: { type: 'api_key', kay: 'CANARY-123' },
    } as unknown as ServerConfig;
    const error = await failureOf((async () => client.addServer('x', wrong))());
    expect(error).toMatchObject({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' });
    expect(String(error)).not.toContain('CANARY-123');
  });
});

describe('metadata of a context', () => {
  test('is what the latest getClient said, and comes with the event', async () => {
    const stage = await openStage();
    const events: CompletionEvent[] = [];
    stage.coordinator.subscribe({ onCompletion: (event) => void events.push(event) });
    const client = await stage.manager.getClient('alice', { thread: 1 });
    const first = await challengeOf(client.callTool('whoami'));
    await stage.manager.getClient('alice', { thread: 2 });
    expect((await challengeOf(client.callTool('whoami'))).url).toBe(first.url);
    await stage.manager.getClient('alice', { thread: 3 });
    await (await stage.host.openBrowser('alice')).open(first.url);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    expect(events[0]).toMatchObject({
      contextId: 'alice',
      server: 'calendar',
      success: true,
      metadata: { thread: 3 },
    });
  });

  test('a subscriber that throws, or hangs, hinders neither the page nor the others', async () => {
    const stage = await openStage();
    const told: string[] = [];
    stage.coordinator.subscribe({ onCompletion: () => Promise.reject(new Error('no')) });
    stage.coordinator.subscribe({
      onCompletion: () => {
        throw new Error('no');
      },
    });
    const stop = stage.coordinator.subscribe({ onCompletion: () => new Promise(() => {}) });
    stop();
    stage.coordinator.subscribe({ onCompletion: ({ contextId }) => void told.push(contextId) });
    await stage.signIn('alice');
    await vi.waitFor(() => expect(told).toEqual(['alice']));
  });

  test('a declined sign-in is an event, too, with why', async () => {
    const stage = await openStage();
    const events: CompletionEvent[] = [];
    stage.coordinator.subscribe({ onCompletion: (event) => void events.push(event) });
    const { url } = await stage.linkOf('alice');
    stage.as.on('authorize', ({ url: asked }) => {
      const back = new URL(asked.searchParams.get('redirect_uri') ?? '');
      back.search = new URLSearchParams({
        error: 'access_denied',
        iss: stage.as.issuer,
        state: asked.searchParams.get('state') ?? '',
      }).toString();
      return { status: 302, headers: { location: back.href } };
    });
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect(codeOn(page)).toBe('ERR_POSTERN_AUTH_DENIED');
    await vi.waitFor(() =>
      expect(events).toMatchObject([{ success: false, failure: 'ERR_POSTERN_AUTH_DENIED' }]),
    );
  });
});

describe('contexts', () => {
  /** Pairs that a careless key would mix up. */
  const hostile = [
    ['user:a', 'user:a:b'],
    ['al', 'alice'],
    ['a/b', 'a:b'],
    ['a?x', 'a'],
    ['::a', 'a'],
    ['*', 'x'],
    ['%', '%25'],
    ['user%3Aa', 'user:a'],
    ['../a', 'a'],
    ['a b', 'a\u00a0b'],
    ['é', 'e\u0301'],
    ["' OR 1=1--", '1'],
    ['__proto__', 'constructor'],
  ] as const;
  test.each(hostile)('%j and %j have nothing in common', async (one, two) => {
    const stage = await openStage({ coordinator: { verifyUser: () => one } });
    const first = await stage.manager.getClient(one);
    const { url } = await challengeOf(first.callTool('whoami'));
    const second = await stage.manager.getClient(two);
    expect(await second.getAuthChallenges()).toEqual([]);
    const page = await (await stage.host.openBrowser()).open(url);
    expect(page.status).toBe(200);
    expect(textOf(await first.callTool('whoami'))).toBe('user-1');

    const other = await challengeOf(second.callTool('whoami'));
    expect(other.url).not.toBe(url);
    expect((await (await stage.host.openBrowser()).open(other.url)).status).toBe(404);
    await second.logout();
    expect(textOf(await first.callTool('whoami'))).toBe('user-1');
    expect((await second.context.storage.list()).map(({ key }) => key[0])).not.toContain(
      first.context.namespace.partition,
    );
  });

  test.each(['', 'undefined', 'null', '\ud800', 'x'.repeat(301)])('the id %j is refused', async (id) => {
    const stage = await openStage();
    expect(await codeOf(stage.manager.getClient(id))).toBe('ERR_POSTERN_NAMESPACE_INVALID');
  });

  test.each([undefined, null, 7, ['alice'], { toString: () => 'alice' }])(
    'the id %j, which is no text, is refused',
    async (id) => {
      const stage = await openStage();
      expect(await codeOf(stage.manager.getClient(id as unknown as string))).toBe(
        'ERR_POSTERN_NAMESPACE_INVALID',
      );
    },
  );
});

describe('clients in memory', () => {
  test('one that nobody asked for is let go, what it stored stays, and one that is busy is kept', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const time = createSteppedClock();
    const coordinator = new LocalAuthCoordinator({
      storage: new MemoryBackend(),
      autoOpenBrowser: false,
      onLink: () => {},
    });
    const server = createInProcessServer('a');
    const manager = new ClientManager(
      { one: server.config },
      { coordinator, clock: time.clock, idleMs: 60_000 },
    );
    onTestFinished(() => manager.close());
    const idle = await manager.getClient('idle');
    await idle.callTool('a');
    const busy = await manager.getClient('busy');
    busy.addServer('slow', { connect: () => new Promise<never>(() => {}) });
    const waiting = busy.connect({ server: 'slow' });
    await vi.waitFor(() => expect(busy.isBusy).toBe(true));
    time.advance(61_000);
    vi.advanceTimersByTime(60_000);
    await vi.waitFor(() => expect(manager.size).toBe(1));
    await vi.waitFor(() => expect(idle.session('one').status).toBe('DISCONNECTED'));
    expect(textOf(await (await manager.getClient('idle')).callTool('a'))).toBe('a');
    expect(server.connections()).toBe(2);
    await busy.disconnect();
    await waiting;
    expect(busy.session('slow').status).toBe('DISCONNECTED');
  });

  test('a transport that never opens ends the connect at its deadline', async () => {
    const client = new Client(
      { slow: { connect: () => new Promise<never>(() => {}) } },
      { connectTimeoutMs: 100 },
    );
    onTestFinished(() => client.close());
    await client.connect();
    expect(client.session('slow').error?.code).toBe('ERR_POSTERN_CLIENT_UNREACHABLE');
  });

  test('a thousand contexts cost no connection until they are used', async () => {
    const coordinator = new LocalAuthCoordinator({ storage: new MemoryBackend(), autoOpenBrowser: false });
    const server = createInProcessServer('a');
    const manager = new ClientManager({ one: server.config }, { coordinator });
    onTestFinished(() => manager.close());
    for (let index = 0; index < 1_000; index++) await manager.getClient(`user-${index}`);
    expect([manager.size, server.connections()]).toEqual([1_000, 0]);
  });

  test('a client that was closed says so', async () => {
    const client = new Client({ one: createInProcessServer('a').config });
    await client.callTool('a');
    await client.close();
    expect(await codeOf(client.callTool('a'))).toBe('ERR_POSTERN_CLIENT_CLOSED');
  });
});

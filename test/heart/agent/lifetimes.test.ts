import { SignJWT } from 'jose';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  ClientManager,
  RemoteAuthCoordinator,
  type Client,
  type ServerConfig,
} from '../../../src/client/index.ts';
import { startAgents } from '../../support/agent-processes.ts';
import { answerMcp } from '../../support/minimal-mcp.ts';
import { userOf } from '../../support/page-host.ts';
import {
  challengeOf,
  codeOf,
  openStage,
  textOf,
  type Stage,
  type StageOptions,
} from '../../support/stage.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;

type Fields = Readonly<Record<string, unknown>>;

/** Has a token endpoint's replies changed; `undefined` takes a field out. */
function rewrite(
  stage: Stage,
  kinds: readonly ('token' | 'refresh')[],
  change: (body: Fields) => Fields,
): void {
  for (const kind of kinds) {
    stage.as.on(kind, async (_call, standard) => {
      const reply = await standard();
      if (!('body' in reply) || reply.status !== undefined) return reply;
      return { body: { ...(reply.body as Fields), ...change(reply.body as Fields) } };
    });
  }
}

async function openSignedIn(
  change?: (body: Fields) => Fields,
  options: StageOptions = {},
): Promise<[Stage, Client]> {
  const stage = await openStage(options);
  if (change !== undefined) rewrite(stage, ['token', 'refresh'], change);
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
  return [stage, client];
}

const refused = (stage: Stage): number => stage.calendar.counters.unauthorized;
const whoami = async (client: Client): Promise<string> => textOf(await client.callTool('whoami'));

describe('a grant that is due', () => {
  test('is renewed while calls go on with the token that is still good', async () => {
    const [stage, client] = await openSignedIn();
    const release = Promise.withResolvers<void>();
    stage.as.on('refresh', async () => {
      await release.promise;
      return undefined;
    });
    stage.time.advance(59.5 * minuteMs);
    expect([await whoami(client), await whoami(client)]).toEqual(['alice', 'alice']);
    await vi.waitFor(() => expect(stage.as.count('refresh')).toBe(1));
    release.resolve();
    await client.disconnect();
    expect(await whoami(client)).toBe('alice');
    stage.time.advance(30 * minuteMs);
    expect(await whoami(client)).toBe('alice');
    expect([stage.as.count('refresh'), refused(stage)]).toEqual([1, 1]);
  });

  test('is handed to whatever keeps a serverless process alive', async () => {
    const kept: Promise<unknown>[] = [];
    const [stage, client] = await openSignedIn(undefined, {
      coordinator: { waitUntil: (work) => void kept.push(work) },
    });
    const before = kept.length;
    stage.time.advance(59.5 * minuteMs);
    await whoami(client);
    await Promise.all(kept.slice(before));
    expect([kept.length > before, stage.as.count('refresh')]).toEqual([true, 1]);
  });
});

describe('a token of which nobody says how long it lasts', () => {
  const silent = { expires_in: undefined };

  test.each([undefined, 0, '0', 4e9])(
    'with %j for a lifetime is used until it is refused, and the next is renewed ahead of that',
    async (expires_in) => {
      const [stage, client] = await openSignedIn(() => ({ expires_in }));
      stage.time.advance(hourMs);
      stage.as.tokens.expireAccessTokens();
      const before = refused(stage);
      expect(await whoami(client)).toBe('alice');
      expect([stage.as.count('refresh'), refused(stage) - before]).toEqual([1, 1]);
      stage.time.advance(59.5 * minuteMs);
      expect(await whoami(client)).toBe('alice');
      await vi.waitFor(() => expect(stage.as.count('refresh')).toBe(2));
      expect(refused(stage) - before).toBe(1);
    },
  );

  test('what was learnt of it outlives a consent, in any process', async () => {
    const [stage, client] = await openSignedIn(() => silent);
    stage.time.advance(hourMs);
    stage.as.tokens.expireAccessTokens();
    expect(await whoami(client)).toBe('alice');
    stage.as.tokens.revokeAll();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
    await stage.signIn('alice');
    const other = await startProcess(stage).getClient('alice');
    expect(await whoami(other)).toBe('alice');
    const before = stage.as.count('refresh');
    stage.time.advance(59.5 * minuteMs);
    expect(await whoami(other)).toBe('alice');
    await vi.waitFor(() => expect(stage.as.count('refresh')).toBe(before + 1));
  });

  test('is renewed ahead of the end that its own text gives', async () => {
    const stage = await openStage();
    rewrite(stage, ['token', 'refresh'], () => silent);
    const jwt = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt(1_000)
      .setExpirationTime(1_000 + 1_800)
      .sign(new Uint8Array(32));
    // As the resource reads it, it is the token that was issued.
    const issued = new Map<string, string>();
    rewrite(stage, ['token'], ({ access_token }) => {
      issued.set(jwt, String(access_token));
      return { access_token: jwt, ...silent };
    });
    const { tokens } = stage.as;
    const [familyOf, isLive] = [tokens.familyOf.bind(tokens), tokens.isLive.bind(tokens)];
    tokens.familyOf = (token) => familyOf(issued.get(token) ?? token);
    tokens.isLive = (token) => isLive(issued.get(token) ?? token);
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(await whoami(client)).toBe('alice');
    stage.time.advance(20 * minuteMs);
    expect([await whoami(client), stage.as.count('refresh')]).toEqual(['alice', 0]);
    stage.time.advance(9.5 * minuteMs);
    expect(await whoami(client)).toBe('alice');
    await vi.waitFor(() => expect(stage.as.count('refresh')).toBe(1));
  });
});

describe('what has ended by its own account', () => {
  test('is not sent, nor is the call without it: its person is asked before the server refuses', async () => {
    const [stage, client] = await openSignedIn(() => ({ refresh_token: undefined }));
    stage.time.advance(hourMs);
    const before = refused(stage);
    const { url } = await challengeOf(client.callTool('whoami'));
    const other = await startProcess(stage).getClient('alice');
    expect((await challengeOf(other.callTool('whoami'))).url).toBe(url);
    expect(refused(stage)).toBe(before);
    await stage.signIn('alice');
    expect(await whoami(client)).toBe('alice');
  });

  test('where a server publishes nothing about itself, its refusal says whom to ask', async () => {
    const mcp = { name: 'files', tools: [{ name: 'whoami' }], call: () => 'here' };
    const stage = await openStage({
      servers: (_calendar, { resource }) => ({ files: { url: resource } }),
      as: { serve: (call) => answerMcp(call, mcp) },
    });
    rewrite(stage, ['token'], () => ({ refresh_token: undefined }));
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    expect(await whoami(client)).toBe('here');
    stage.time.advance(hourMs);
    stage.as.on('resource-metadata', () => ({ status: 404 }));
    let asked = 0;
    stage.as.on('resource', ({ headers }) => {
      expect(headers.authorization).toBeUndefined();
      asked++;
      stage.as.on('resource-metadata', undefined);
      return undefined;
    });
    expect((await challengeOf(client.callTool('whoami'))).server).toBe('files');
    expect(asked).toBe(1);
  });

  test.each(['refresh_token_expires_in', 'refresh_expires_in'])(
    'a refresh token past its %s is not sent: its person is asked',
    async (name) => {
      const [stage, client] = await openSignedIn(() => ({ [name]: 7_200 }));
      stage.time.advance(2 * hourMs);
      await challengeOf(client.callTool('whoami'));
      expect(stage.as.count('refresh')).toBe(0);
      await stage.signIn('alice');
      expect(await whoami(client)).toBe('alice');
    },
  );

  test('a refresh token is sent until then, and after a refresh that gave it more time', async () => {
    const [stage, client] = await openSignedIn(() => ({ refresh_token_expires_in: 7_200 }));
    for (let round = 1; round <= 3; round++) {
      stage.time.advance(1.5 * hourMs);
      stage.as.tokens.expireAccessTokens();
      expect([await whoami(client), stage.as.count('refresh')]).toEqual(['alice', round]);
    }
  });
});

describe('a machine’s grant', () => {
  const secret = { clientId: 'bot', clientSecret: 'CNRYzsecretz-secret' };
  const machines: Record<string, (url: string) => ServerConfig> = {
    'client credentials': (url) => ({ url, auth: { type: 'client_credentials', client: secret } }),
    'a workload’s assertion': (url) => ({
      url,
      auth: { type: 'jwt_bearer', client: secret, assertion: () => 'CNRYzsecretz-assertion' },
    }),
  };

  async function openMachine(name: string, hosts = 1): Promise<[Stage, Client]> {
    const stage = await openStage({ servers: ({ url }) => ({ calendar: machines[name]!(url) }), hosts });
    rewrite(stage, ['token'], () => ({ refresh_token: undefined }));
    const client = await stage.manager.getClient('bot');
    expect([await whoami(client), stage.as.count('token')]).toEqual(['machine', 1]);
    return [stage, client];
  }

  test.each(Object.keys(machines))(
    'by %s is replaced ahead of its end, and no call waits for that',
    async (name) => {
      const [stage, client] = await openMachine(name);
      const before = refused(stage);
      const release = Promise.withResolvers<void>();
      stage.as.on('token', async () => {
        await release.promise;
        return undefined;
      });
      stage.time.advance(59.5 * minuteMs);
      expect(await whoami(client)).toBe('machine');
      await vi.waitFor(() => expect(stage.as.count('token')).toBe(2));
      release.resolve();
      stage.time.advance(2_000);
      await vi.waitFor(async () => expect(await whoami(client)).toBe('machine'));
      stage.time.advance(30 * minuteMs);
      expect(await whoami(client)).toBe('machine');
      expect([stage.as.count('token'), refused(stage) - before]).toEqual([2, 0]);
    },
  );

  test('that has ended is replaced before anything is sent, once for everybody', async () => {
    const [stage] = await openMachine('client credentials', 2);
    const clients = await Promise.all(stage.managers.map((manager) => manager.getClient('bot')));
    expect(await Promise.all(clients.map(whoami))).toEqual(['machine', 'machine']);
    const before = refused(stage);
    stage.time.advance(2 * hourMs);
    stage.as.tokens.expireAccessTokens();
    const calls = Array.from({ length: 20 }, (_, index) => whoami(clients[index % 2]!));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['machine']));
    expect([stage.as.count('token'), refused(stage) - before]).toEqual([2, 0]);
  });

  test('that is refused is replaced once, also by a process that did not obtain it, however young it is', async () => {
    const [stage] = await openMachine('client credentials');
    stage.as.tokens.expireAccessTokens();
    const other = await startProcess(stage, {
      calendar: machines['client credentials']!(stage.calendar.url),
    }).getClient('bot');
    expect([await whoami(other), stage.as.count('token')]).toEqual(['machine', 2]);
  });

  test('that its issuer will not give is asked for once in two seconds, however many calls want it', async () => {
    const [stage, client] = await openMachine('client credentials');
    stage.as.tokens.expireAccessTokens();
    let isAway = true;
    stage.as.on('token', async (_call, standard) =>
      isAway ? { status: 503, body: { error: 'temporarily_unavailable' } } : standard(),
    );
    const before = stage.as.count('token');
    const codes = new Set<string | undefined>();
    for (let call = 0; call < 20; call++) codes.add(await codeOf(client.callTool('whoami')));
    expect([[...codes], stage.as.count('token') - before]).toEqual([['ERR_POSTERN_OAUTH_REQUEST_FAILED'], 1]);
    isAway = false;
    stage.time.advance(2_000);
    expect([await whoami(client), stage.as.count('token') - before]).toEqual(['machine', 2]);
  });

  test('that is refused for ever is replaced once, and then the server is to blame', async () => {
    const [stage, client] = await openMachine('client credentials');
    const accept = stage.calendar.rejectToken(() => true);
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    expect(stage.as.count('token')).toBe(2);
    accept();
    stage.time.advance(2 * hourMs);
    expect(await whoami(client)).toBe('machine');
  });
});

test('a machine’s grant is one for three real processes: obtained once, and replaced once when it is refused', async () => {
  const stage = await openStage({ servers: () => ({}) });
  rewrite(stage, ['token'], () => ({ refresh_token: undefined }));
  const { host, calendar, as } = stage;
  const auth = {
    type: 'client_credentials',
    client: { clientId: 'bot', clientSecret: 'CNRYzsecretz-secret' },
  } as const;
  const agents = await startAgents(3, { host, calendarUrl: calendar.url, auth });
  const everybody = async (): Promise<Set<string | undefined>> => {
    const outcomes = await Promise.all(agents.map((agent) => agent.call('bot', 4)));
    return new Set(outcomes.flat().map(({ text, code }) => text ?? code));
  };
  expect([await everybody(), as.count('token')]).toEqual([new Set(['machine']), 1]);
  as.tokens.expireAccessTokens();
  expect([await everybody(), as.count('token')]).toEqual([new Set(['machine']), 2]);
  await agents[0]!.kill();
  expect((await agents[1]!.call('bot')).map(({ text }) => text)).toEqual(['machine']);
  expect(as.count('token')).toBe(2);
});

/** Another process of the same application. */
function startProcess(stage: Stage, servers?: Record<string, ServerConfig>): ClientManager {
  const coordinator = new RemoteAuthCoordinator({
    storage: stage.storage,
    publicUrl: stage.host.publicUrl,
    verifyUser: userOf,
    clock: stage.time.clock,
    logger: stage.logger,
  });
  const manager = new ClientManager(servers ?? { calendar: { url: stage.calendar.url } }, {
    coordinator,
    clock: stage.time.clock,
  });
  onTestFinished(async () => {
    await manager.close();
    await coordinator.close();
  });
  return manager;
}

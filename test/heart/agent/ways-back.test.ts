import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  Client,
  connectionConditions,
  explain,
  sessionStatuses,
  type ConnectionCondition,
  type SessionStatus,
} from '../../../src/client/index.ts';
import { startMortalMcpServer, type McpCall } from '../../support/mortal-mcp-server.ts';
import type { Reply } from '../../support/programmable-reply.ts';
import {
  challengeOf,
  codeOf,
  openStage,
  textOf,
  withParams,
  type Stage,
  type StageOptions,
} from '../../support/stage.ts';
import { walk, walkToCallback } from '../walk.ts';

/** A connection that has been brought into a condition, and the way back that the table names. */
interface Trouble {
  readonly client: Client;
  readonly server: string;
  readonly tool: string;
  /** What was wrong is put right, by whoever acts; and then the call is made that leads back. */
  readonly goBack: () => Promise<void>;
}

type StagedClient = { stage: Stage; client: Client };

async function openAlice(options?: StageOptions): Promise<StagedClient> {
  const stage = await openStage(options);
  stage.as.approveAs('alice');
  return { stage, client: await stage.manager.getClient('alice') };
}

async function openLink({ stage }: StagedClient, url: string): Promise<void> {
  await walk(await stage.host.openBrowser('alice'), url);
}

/** Follows whatever link the next call asks for. */
async function signIn(staged: StagedClient): Promise<void> {
  await openLink(staged, (await challengeOf(staged.client.callTool('whoami'))).url);
}

async function openSignedIn(options?: StageOptions): Promise<StagedClient> {
  const staged = await openAlice(options);
  await signIn(staged);
  expect(textOf(await staged.client.callTool('whoami'))).toBe('alice');
  return staged;
}

/** Has the person come back from the issuer with an error. */
async function comeBackWith(staged: StagedClient, error: Record<string, string>): Promise<void> {
  const { stage, client } = staged;
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, (await challengeOf(client.callTool('whoami'))).url);
  await browser.open(withParams(callback, { code: undefined, ...error }));
  await vi.waitFor(() => expect(client.session('calendar').isFailed).toBe(true));
}

const trouble = ({ client }: StagedClient, goBack: () => Promise<void>): Trouble => ({
  client,
  server: 'calendar',
  tool: 'whoami',
  goBack,
});

/** Starts over, and follows the link that this asks for, if it does. */
async function startOver(staged: StagedClient): Promise<void> {
  await staged.client.connect({ server: 'calendar', force: true });
  if (staged.client.session('calendar').requiresUserAction) await signIn(staged);
}

/** A server without a login, and what its client is configured with. */
async function openMortal(
  override: (call: McpCall) => Reply | undefined,
  config: object = {},
): Promise<{
  client: Client;
  url: string;
  restart: () => void;
}> {
  const server = await startMortalMcpServer({ override, unknown: () => ({ status: 500 }) });
  const client = new Client({ mortal: { url: server.url, ...config } }, { connectTimeoutMs: 8_000 });
  onTestFinished(() => client.close());
  return {
    client,
    url: server.url,
    restart: () => server.restart(),
  };
}

const scenarios: Record<ConnectionCondition, () => Promise<Trouble>> = {
  ok: async () => trouble(await openSignedIn(), async () => {}),

  expiring: async () => {
    const staged = await openAlice();
    staged.stage.as.on('token', async (_call, standard) => {
      const reply = (await standard()) as { body: object };
      return { ...reply, body: { ...reply.body, refresh_token: undefined, expires_in: 300 } };
    });
    await signIn(staged);
    expect(textOf(await staged.client.callTool('whoami'))).toBe('alice');
    return trouble(staged, async () => {
      staged.stage.as.on('token', undefined);
      await staged.client.logout();
      await signIn(staged);
    });
  },

  'needs-consent': async () => {
    const staged = await openAlice();
    await staged.client.connect();
    return trouble(staged, async () => {
      const [challenge] = await staged.client.getAuthChallenges();
      await openLink(staged, challenge?.url ?? '');
    });
  },

  'needs-step-up': async () => {
    const staged = await openSignedIn();
    const share = ['share_calendar', { with: 'bob' }] as const;
    const { url } = await challengeOf(staged.client.callTool(...share));
    expect(staged.client.session('calendar').status).toBe('CONNECTED');
    return trouble(staged, async () => {
      await openLink(staged, url);
      await staged.client.callTool(...share);
    });
  },

  'client-forgotten': async () => {
    const staged = await openAlice();
    await comeBackWith(staged, { error: 'unauthorized_client' });
    return trouble(staged, async () => {
      const before = staged.stage.as.count('register');
      await startOver(staged);
      expect(staged.stage.as.count('register')).toBe(before + 1);
    });
  },

  'refused-for-good': async () => {
    const { stage, client } = await openAlice();
    stage.as.on('metadata', async (_call, standard) => {
      const reply = (await standard()) as { body: object };
      return { ...reply, body: { ...reply.body, code_challenge_methods_supported: ['plain'] } };
    });
    await client.connect();
    return trouble({ stage, client }, async () => {
      stage.as.on('metadata', undefined);
      // What was found out before is not gone by: the time that it is kept for is not over.
      await startOver({ stage, client });
    });
  },

  transient: async () => {
    const { stage, client } = await openSignedIn();
    await client.disconnect();
    stage.time.advance(2_000);
    stage.storage.fault = () => 'fail';
    await client.connect();
    return trouble({ stage, client }, async () => {
      stage.storage.fault = () => undefined;
      await client.connect();
    });
  },

  'denied-by-person': async () => {
    const staged = await openAlice();
    await comeBackWith(staged, { error: 'access_denied' });
    return trouble(staged, async () => {
      await staged.client.session('calendar').askAgain();
      await signIn(staged);
    });
  },

  'refused-by-organisation': async () => {
    const staged = await openAlice();
    await comeBackWith(staged, { error: 'access_denied', error_subtype: 'admin_policy_enforced' });
    return trouble(staged, () => startOver(staged));
  },

  misconfigured: async () => {
    const { stage, client } = await openAlice({ as: { metadata: { registration_endpoint: undefined } } });
    await client.connect();
    return trouble({ stage, client }, async () => {
      const { issuer } = stage.as;
      await client.removeServer('calendar');
      client.addServer('calendar', {
        url: stage.calendar.url,
        auth: { type: 'oauth', client: { clientId: 'by-hand', issuer } },
      });
      await signIn({ stage, client });
    });
  },

  'credential-refused': async () => {
    const headers = (token: string): object => ({ headers: { Authorization: `Bearer ${token}` } });
    const { client, url } = await openMortal(
      (call) => (call.headers.authorization === 'Bearer good' ? undefined : { status: 401 }),
      headers('tok-1'),
    );
    await client.connect();
    return {
      client,
      server: 'mortal',
      tool: 'run',
      goBack: async () => {
        await client.removeServer('mortal');
        client.addServer('mortal', { url, ...headers('good') });
        await client.connect();
      },
    };
  },

  'session-lost': async () => {
    const { client, restart } = await openMortal(() => undefined);
    await client.callTool('run');
    restart();
    await codeOf(client.callTool('run', {}, { server: 'mortal' }));
    return { client, server: 'mortal', tool: 'run', goBack: () => client.connect() };
  },

  'version-refused': async () => {
    const { client, url } = await openMortal(
      ({ message: { id, method, params } }) =>
        method === 'initialize' && params?.protocolVersion !== '2025-06-18'
          ? {
              body: {
                jsonrpc: '2.0',
                id,
                error: { code: -32_602, message: 'No', data: { supported: ['2025-06-18'] } },
              },
            }
          : undefined,
      { protocolVersion: '2024-11-05' },
    );
    await client.connect();
    return {
      client,
      server: 'mortal',
      tool: 'run',
      goBack: async () => {
        await client.removeServer('mortal');
        client.addServer('mortal', { url, protocolVersion: '2025-06-18' });
        await client.connect();
      },
    };
  },
};

const conditions = Object.keys(connectionConditions) as ConnectionCondition[];

describe.each(conditions)('a connection that is %s', (condition) => {
  test('says so with its evidence, and by the way back that the table names it is CONNECTED', async () => {
    const { client, server, tool, goBack } = await scenarios[condition]();
    const report = client.session(server).condition;
    expect(report).toMatchObject({ condition, ...connectionConditions[condition] });
    expect(client.conditions.get(server)).toEqual(report);
    expect(report.sinceMs).toBeGreaterThan(0);
    if (!['ok', 'expiring'].includes(condition))
      expect(report).toMatchObject({ code: expect.any(String), phase: expect.any(String) });
    await goBack();
    await vi.waitFor(() => expect(client.session(server).status).toBe('CONNECTED'));
    expect((await client.callTool(tool, {}, { server })).isError).not.toBe(true);
    expect(client.session(server).status).toBe('CONNECTED');
    expect(client.session(server).condition.condition).toBe('ok');
  });

  test('is told to a person, a model and an operator in a sentence, each in their own words', () => {
    const { words, call, actor } = connectionConditions[condition];
    for (const sentence of Object.values(words)) expect(sentence).toMatch(/^[A-Z].+\.$/u);
    expect(words.person).not.toMatch(/ERR_|\b(?:server|session|credential|client|scope|token|connect)\b/iu);
    expect(words.model).not.toMatch(/https?:|\b(?:password|api key|secret)\b/iu);
    expect(new Set(Object.values(words)).size).toBe(3);
    expect([call === '', actor === undefined]).toEqual([false, false]);
  });
});

/** Statuses that tests reach by themselves; here, that each of them has a condition, and a way on. */
test.each(Object.keys(sessionStatuses) as SessionStatus[])(
  'the status %s has a row, and leads to CONNECTED',
  (status) => {
    const seen = new Set<SessionStatus>([status]);
    for (const from of seen) for (const to of sessionStatuses[from].next) seen.add(to);
    expect(seen).toContain('CONNECTED');
  },
);

describe('connect({ force: true })', () => {
  test('begins anew behind a live link: it leads to where the server says now, as a client registered now', async () => {
    const staged = await openAlice();
    const { stage, client } = staged;
    stage.as.on('metadata', async (_call, standard) => {
      const reply = (await standard()) as { body: object };
      return { ...reply, body: { ...reply.body, authorization_endpoint: `${stage.as.issuer}/nowhere` } };
    });
    const { url } = await challengeOf(client.callTool('whoami'));
    stage.as.on('metadata', undefined);
    await client.connect({ server: 'calendar', force: true });
    const [challenge] = await client.getAuthChallenges();
    expect(challenge?.url).toBe(url);
    expect(stage.as.count('register')).toBe(2);
    await openLink(staged, url);
    await vi.waitFor(() => expect(client.session('calendar').status).toBe('CONNECTED'));
  });

  test('asks a person where a refresh fails for whatever reason', async () => {
    const staged = await openSignedIn();
    const { stage, client } = staged;
    stage.as.tokens.expireAccessTokens();
    stage.as.on('refresh', () => ({ status: 503, body: 'out of order' }));
    await codeOf(client.callTool('whoami'));
    await startOver(staged);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('of a session that works connects anew, and asks nobody', async () => {
    const { stage, client } = await openSignedIn();
    await client.connect({ force: true });
    expect(client.session('calendar').status).toBe('CONNECTED');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('token')).toBe(1);
  });

  test('of a session that works: the next sign-in registers anew, and looks everything up again', async () => {
    const staged = await openSignedIn();
    const { stage, client } = staged;
    await client.connect({ force: true });
    await client.logout();
    const looked = stage.as.count('metadata');
    await signIn(staged);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('register')).toBe(2);
    expect(stage.as.count('metadata')).toBeGreaterThan(looked);
  });
});

test('a logout of a session that has failed leads to a link that is new in everything', async () => {
  const staged = await openAlice();
  await comeBackWith(staged, { error: 'access_denied' });
  const before = staged.stage.as.count('register');
  await staged.client.logout();
  await signIn(staged);
  expect(staged.stage.as.count('register')).toBe(before + 1);
  expect(textOf(await staged.client.callTool('whoami'))).toBe('alice');
});

// claude-code#80298, MCPJungle#289 (R10).
describe('a credential that the operator has configured and the server refuses', () => {
  const header = { headers: { authorization: 'Bearer CNRYzsecretz-tok-1' } };
  const configs: Record<string, object> = {
    'a header, and nothing else': header,
    'a header in capitals': { headers: { AUTHORIZATION: 'Bearer CNRYzsecretz-tok-1' } },
    'an API key': { auth: { type: 'api_key', key: 'CNRYzsecretz-tok-1' } },
    'nothing, with the login turned off': { auth: { type: 'none' } },
  };
  for (const [name, config] of Object.entries(configs)) {
    for (const status of [401, 403]) {
      test(`${name}, HTTP ${status}: is said to be that, at connect and in a call alike, and nobody speaks OAuth`, async () => {
        let isGood = false;
        const { client } = await openMortal(() => (isGood ? undefined : { status }), config);
        const fetched = vi.spyOn(globalThis, 'fetch');
        onTestFinished(() => fetched.mockRestore());
        await client.connect();
        const refused = ['AUTH_FAILED', 'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED', status];
        const story = (): unknown[] => {
          const { status: at, error } = client.session('mortal');
          return [at, error?.code, error?.evidence?.httpStatus];
        };
        expect(story()).toEqual(refused);
        isGood = true;
        expect(await codeOf(client.callTool('run').then(() => Promise.reject(new Error('fine'))))).toContain(
          'fine',
        );
        isGood = false;
        expect(await codeOf(client.callTool('run', {}, { server: 'mortal' }))).toBe(refused[1]);
        expect(story()).toEqual(refused);
        const asked = fetched.mock.calls.map(([input]) => new Request(input).url);
        expect(asked.length).toBeGreaterThan(0);
        expect(asked.filter((url) => url.includes('well-known'))).toEqual([]);
        const told = ['person', 'model', 'operator'].map((audience) =>
          explain(client.session('mortal').error, { for: audience as 'person' }),
        );
        expect(told.join()).not.toContain('CNRY');
      });
    }
  }
});

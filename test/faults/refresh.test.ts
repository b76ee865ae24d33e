import { describe, expect, test, vi } from 'vitest';
import { challengeOf, codeOf, failureOf, openStage, textOf, type Stage } from '../support/stage.ts';

const oauthTimeoutMs = 500;

/** A stage with alice signed in and connected. */
async function openSignedIn(options: Parameters<typeof openStage>[0] = {}): Promise<Stage> {
  const stage = await openStage(options);
  await stage.signIn('alice');
  const client = await stage.manager.getClient('alice');
  expect(textOf(await client.callTool('whoami'))).toBe('alice');
  return stage;
}

function whoami(stage: Stage, times: number): Promise<string[]> {
  return Promise.all(
    Array.from({ length: times }, async (_, index) => {
      const manager = stage.managers[index % stage.managers.length]!;
      return textOf(await (await manager.getClient('alice')).callTool('whoami'));
    }),
  );
}

describe('a token that the server rejects although it has not expired', () => {
  test('a thousand calls in one process make one refresh, and all succeed', async () => {
    const stage = await openSignedIn();
    stage.as.tokens.expireAccessTokens();
    const answers = await whoami(stage, 1_000);
    expect(new Set(answers)).toEqual(new Set(['alice']));
    expect(answers).toHaveLength(1_000);
    expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([1, 0]);
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([false]);
  });

  test('two hundred calls over four coordinators of one store make one refresh, and all succeed', async () => {
    const stage = await openSignedIn({ hosts: 4 });
    await whoami(stage, 4);
    stage.as.tokens.expireAccessTokens();
    expect(new Set(await whoami(stage, 200))).toEqual(new Set(['alice']));
    expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([1, 0]);
  });

  test('a hundred calls of ten contexts make ten refreshes, and nobody acts for another', async () => {
    const stage = await openStage();
    const names = Array.from({ length: 10 }, (_, index) => `user-${index}`);
    for (const name of names) await stage.signIn(name);
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const client = await stage.manager.getClient(names[index % 10]!);
        return textOf(await client.callTool('whoami'));
      }),
    );
    expect(answers).toEqual(Array.from({ length: 100 }, (_, index) => names[index % 10]));
    expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([10, 0]);
  });

  test('a refresh every round, for ten rounds, keeps the grant alive', async () => {
    const stage = await openSignedIn({ hosts: 2 });
    for (let round = 1; round <= 10; round++) {
      stage.as.tokens.expireAccessTokens();
      expect(await whoami(stage, 10)).toHaveLength(10);
      expect(stage.as.count('refresh')).toBe(round);
    }
    expect(stage.as.tokens.reuses).toBe(0);
  });

  test('rejected for ever, it is refreshed once, and then the session says so and stops', async () => {
    const stage = await openSignedIn();
    stage.time.advance(10 * 60_000);
    stage.calendar.rejectToken(() => true);
    const before = stage.calendar.counters.unauthorized;
    const client = await stage.manager.getClient('alice');
    const outcome = await codeOf(client.callTool('whoami'));
    expect(stage.as.count('refresh')).toBe(1);
    expect(stage.calendar.counters.unauthorized - before).toBeLessThanOrEqual(2);
    // A refreshed token that is no better: a person may have to consent anew, and is asked once.
    expect(outcome).toBe('ERR_POSTERN_AUTH_REQUIRED');
    await stage.signIn('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    expect(await client.getAuthChallenges()).toEqual([]);
    expect(stage.as.count('authorize')).toBe(2);
    expect(stage.as.count('refresh')).toBeLessThanOrEqual(2);
  });

  test('ended early just after it was refreshed, it is refreshed again a moment later', async () => {
    const stage = await openSignedIn();
    const accept = stage.calendar.rejectToken(() => true);
    const client = await stage.manager.getClient('alice');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    accept();
    stage.as.tokens.expireAccessTokens();
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    expect(stage.as.count('refresh')).toBe(1);
    stage.time.advance(2_000);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect([stage.as.count('refresh'), stage.as.count('authorize')]).toEqual([2, 1]);
  });

  test('refused for ever, it is refreshed after ever longer pauses', async () => {
    const stage = await openSignedIn();
    stage.calendar.rejectToken(() => true);
    const client = await stage.manager.getClient('alice');
    for (let second = 0; second < 50; second++) {
      expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
      stage.time.advance(1_000);
    }
    // At 0, 2, 6, 14 and 30 seconds.
    expect(stage.as.count('refresh')).toBe(5);
  });

  test('a token just issued that is refused is tried at most twice, and nobody is asked again', async () => {
    const stage = await openStage();
    stage.calendar.rejectToken(() => true);
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const session = client.session('calendar');
    await vi.waitFor(() => expect(session.status).toBe('AUTH_FAILED'));
    expect(session.error?.code).toBe('ERR_POSTERN_AUTH_REJECTED');
    const before = stage.calendar.counters.unauthorized;
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REJECTED');
    expect(stage.calendar.counters.unauthorized - before).toBeLessThanOrEqual(2);
    expect([stage.as.count('authorize'), await client.getAuthChallenges()]).toEqual([1, []]);
  });
});

describe('a refresh that fails', () => {
  const passing = {
    'never gets an answer': { hang: 'headers' },
    'never gets a whole answer': { hang: 'body' },
    'is answered with 500 and invalid_grant': { status: 500, body: { error: 'invalid_grant' } },
    'is answered with 429': { status: 429, headers: { 'retry-after': '999999' } },
    'is answered with a web page': { status: 200, body: '<h1>Maintenance</h1>' },
    'is cut off': { cut: 'midway' },
  } as const;
  test.each(Object.keys(passing) as (keyof typeof passing)[])(
    'because it %s ends its callers within the deadline, costs one request, and leaves the grant',
    async (kind) => {
      const stage = await openSignedIn({ coordinator: { oauthTimeoutMs } });
      stage.time.advance(2 * 60 * 60_000);
      stage.as.on('refresh', () => passing[kind]);
      const client = await stage.manager.getClient('alice');
      const startedAt = performance.now();
      const codes = await Promise.all(Array.from({ length: 10 }, () => codeOf(client.callTool('whoami'))));
      expect(performance.now() - startedAt).toBeLessThan(oauthTimeoutMs + 2_500);
      expect(new Set(codes).size).toBe(1);
      expect(codes[0]).toMatch(/^ERR_POSTERN_OAUTH_/u);
      expect(stage.as.count('refresh')).toBeLessThanOrEqual(2);
      expect(await client.getAuthChallenges()).toEqual([]);

      stage.as.on('refresh', undefined);
      // However long it asks for, it is left alone for an hour at most.
      stage.time.advance(kind === 'is answered with 429' ? 60 * 60_000 : 3_000);
      expect(textOf(await client.callTool('whoami'))).toBe('alice');
      expect(stage.as.count('authorize')).toBe(1);
    },
  );

  test('while the token is still good for a while hinders nobody', async () => {
    const stage = await openSignedIn();
    stage.time.advance(59.5 * 60_000);
    stage.as.on('refresh', () => ({ status: 503 }));
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(stage.as.count('refresh')).toBe(1);
  });

  test('with invalid_grant ends the grant, and the person is asked once', async () => {
    const stage = await openSignedIn();
    stage.as.tokens.revokeAll();
    const client = await stage.manager.getClient('alice');
    const links = await Promise.all(
      Array.from({ length: 5 }, async () => (await challengeOf(client.callTool('whoami'))).url),
    );
    expect(new Set(links).size).toBe(1);
    expect(stage.as.count('refresh')).toBe(1);
    stage.as.on('refresh', undefined);
    await stage.signIn('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
  });

  test('with invalid_grant after another process has renewed the grant ends nothing: the winner’s is used', async () => {
    const stage = await openSignedIn();
    const [grantKey] = stage.storage.written
      .map(({ key }) => key)
      .filter((key) => key.includes('/credential/'));
    expect(grantKey).toBeDefined();
    stage.as.tokens.expireAccessTokens();
    stage.as.on('refresh', async (call) => {
      // A process whose lease ran out redeems first, and saves what it got.
      stage.as.on('refresh', undefined);
      const won = stage.as.tokens.refresh(call.form.get('refresh_token') ?? '');
      await rewriteGrant(stage, { accessToken: won?.access, refreshToken: won?.refresh });
      return { status: 400, body: { error: 'invalid_grant' } };
    });
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(await client.getAuthChallenges()).toEqual([]);
    expect(stage.as.tokens.reuses).toBe(0);
  });

  test('is finished and saved although its caller gave up', async () => {
    const stage = await openSignedIn();
    stage.as.tokens.expireAccessTokens();
    const leaving = new AbortController();
    stage.as.on('refresh', () => {
      leaving.abort();
      return undefined;
    });
    const client = await stage.manager.getClient('alice');
    expect(await failureOf(client.callTool('whoami', {}, { signal: leaving.signal }))).toBe(
      leaving.signal.reason,
    );
    stage.as.on('refresh', undefined);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect([stage.as.count('refresh'), stage.as.tokens.reuses]).toEqual([1, 0]);
  });

  test('a reply without a new refresh token keeps the old one', async () => {
    const stage = await openSignedIn({ as: { rotate: false } });
    for (let round = 1; round <= 2; round++) {
      stage.as.tokens.expireAccessTokens();
      expect(await whoami(stage, 1)).toEqual(['alice']);
      expect(stage.as.count('refresh')).toBe(round);
    }
  });
});

describe('a logout', () => {
  test('revokes at the authorization server, forgets here, and the next call asks anew', async () => {
    const stage = await openSignedIn();
    const client = await stage.manager.getClient('alice');
    expect(await client.logout()).toEqual({ calendar: { revoked: true } });
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([true]);
    expect(
      stage.as.calls.filter(({ kind }) => kind === 'revoke').map(({ form }) => form.get('token_type_hint')),
    ).toEqual(['refresh_token', 'access_token']);
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });

  test('during a refresh wins: what the refresh brings is revoked, not kept', async () => {
    const stage = await openSignedIn();
    stage.as.tokens.expireAccessTokens();
    const client = await stage.manager.getClient('alice');
    const other = stage.manager.coordinator.createContext('alice');
    let loggedOut: Promise<unknown> | undefined;
    stage.as.on('refresh', async () => {
      stage.as.on('refresh', undefined);
      // Another process logs the same context out, while this one's refresh is on its way.
      const elsewhere = await stage.managers.at(-1)!.getClient('alice');
      loggedOut = elsewhere.session('calendar').logout();
      await vi.waitFor(async () =>
        expect(await other.storage.get('credential', stage.calendar.url, 'calendar')).toBeUndefined(),
      );
      return undefined;
    });
    expect(await codeOf(client.callTool('whoami'))).toMatch(/^ERR_POSTERN_(?:AUTH_REQUIRED|CLIENT_)/u);
    await loggedOut;
    expect(await other.storage.get('credential', stage.calendar.url, 'calendar')).toBeUndefined();
    expect(stage.as.tokens.families.map(({ revoked }) => revoked)).toEqual([true]);
  });

  test('says so when the authorization server offers no revocation, or does not answer', async () => {
    const stage = await openSignedIn({ coordinator: { oauthTimeoutMs } });
    stage.as.on('revoke', () => ({ hang: 'headers' }));
    const client = await stage.manager.getClient('alice');
    const { calendar } = await client.logout();
    expect(calendar).toMatchObject({ revoked: false });
    expect(calendar?.reason).toContain('ERR_POSTERN_OAUTH_UNREACHABLE');
    expect(await codeOf(client.callTool('whoami'))).toBe('ERR_POSTERN_AUTH_REQUIRED');

    const silent = await openSignedIn({ as: { metadata: { revocation_endpoint: undefined } } });
    const result = await (await silent.manager.getClient('alice')).logout();
    expect(result['calendar']).toMatchObject({ revoked: false });
  });

  test('ends a sign-in that nobody has finished; its callback connects nothing', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    const client = await stage.manager.getClient('alice');
    await client.logout();
    const page = await (await stage.host.openBrowser('alice')).open(url);
    expect(page.status).toBe(410);
    expect(stage.as.count('authorize')).toBe(0);
  });
});

/** Replaces the stored tokens, as another process would. */
async function rewriteGrant(stage: Stage, tokens: Readonly<Record<string, unknown>>): Promise<void> {
  const { storage } = stage.manager.coordinator.createContext('alice');
  const entry = await storage.get('credential', stage.calendar.url, 'calendar');
  const record = JSON.parse(new TextDecoder().decode(entry?.value)) as { credential: object };
  const value = new TextEncoder().encode(
    JSON.stringify({ ...record, credential: { ...record.credential, ...tokens } }),
  );
  await storage.commit([{ put: storage.key(['credential', stage.calendar.url, 'calendar']), value }]);
}

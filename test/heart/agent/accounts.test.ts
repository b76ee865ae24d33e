import { describe, expect, test, vi } from 'vitest';
import {
  ClientManager,
  findAuthorizationRequired,
  type Client,
  type ServerConfig,
} from '../../../src/client/index.ts';
import {
  failureOf,
  challengeOf,
  codeOn,
  openStage,
  textOf,
  type Stage,
  type StageOptions,
} from '../../support/stage.ts';
import type { Page } from '../../support/cookie-browser.ts';
import { refusalOf } from '../set-ups/callback-answer.ts';
import { walkToCallback } from '../walk.ts';

const minuteMs = 60_000;

/** Which account of alice's a call is made with, and whom it turns out to be. */
async function whoami(client: Client, alias?: string): Promise<string> {
  try {
    return textOf(await client.callTool('whoami', {}, { server: 'calendar', alias }));
  } catch (error) {
    if (findAuthorizationRequired(error) === undefined) throw error;
    return 'asks';
  }
}

/** Has alice's browser sign in to one of her accounts, as this person of the authorization server. */
async function signIn(stage: Stage, client: Client, alias: string | undefined, as: string): Promise<Page> {
  const { url } = await challengeOf(client.callTool('whoami', {}, { server: 'calendar', alias }));
  stage.as.approveAs(as);
  return (await stage.host.openBrowser(client.context.id)).open(url);
}

async function openTwoAccounts(options: StageOptions = {}): Promise<[Stage, Client]> {
  const stage = await openStage(options);
  const client = await stage.manager.getClient('alice');
  expect((await signIn(stage, client, undefined, 'al@home')).status).toBe(200);
  expect((await signIn(stage, client, 'work', 'al@work')).status).toBe(200);
  return [stage, client];
}

/** What the authorization endpoint was sent, as far as it names whom to expect. */
function hints(stage: Stage): (string | null)[] {
  return stage.as.calls
    .filter(({ kind }) => kind === 'authorize')
    .map(({ url }) => url.searchParams.get('login_hint'));
}

const withOpenId = {
  as: { claims: (subject: string) => ({ email: `${subject}.example` }) },
  servers: ({ url }: { url: string }): Record<string, ServerConfig> => ({
    calendar: {
      url,
      auth: { type: 'oauth', scopes: ['openid', 'offline_access', 'calendar:read', 'calendar:write'] },
    },
  }),
};

describe('two accounts of one person at one server', () => {
  test('are used side by side, each with its own token, in every process', async () => {
    const [stage, client] = await openTwoAccounts({ hosts: 2 });
    const other = await stage.managers[1]!.getClient('alice');
    const calls = [client, other].flatMap((one) => [
      whoami(one),
      whoami(one, 'work'),
      whoami(one, 'default'),
    ]);
    expect(await Promise.all(calls)).toEqual([
      'al@home',
      'al@work',
      'al@home',
      'al@home',
      'al@work',
      'al@home',
    ]);
    stage.as.tokens.expireAccessTokens();
    expect(await Promise.all([whoami(other, 'work'), whoami(other), whoami(client, 'work')])).toEqual([
      'al@work',
      'al@home',
      'al@work',
    ]);
    expect(stage.as.count('refresh')).toBe(2);
  });

  test('have a link each, at the same time', async () => {
    const stage = await openStage();
    const client = await stage.manager.getClient('alice');
    const asked = await Promise.all(
      [undefined, 'work'].map((alias) =>
        challengeOf(client.callTool('whoami', {}, { server: 'calendar', alias })),
      ),
    );
    expect(asked.map(({ server, alias }) => [server, alias])).toEqual([
      ['calendar', 'default'],
      ['calendar', 'work'],
    ]);
    expect(new Set(asked.map(({ url }) => url)).size).toBe(2);
    expect((await client.getAuthChallenges()).map(({ url }) => url).toSorted()).toEqual(
      asked.map(({ url }) => url).toSorted(),
    );
    stage.as.approveAs('al@work');
    const page = await (await stage.host.openBrowser('alice')).open(asked[1]!.url);
    expect(page.status).toBe(200);
    expect([await whoami(client), await whoami(client, 'work')]).toEqual(['asks', 'al@work']);
  });

  test('are declined each by itself', async () => {
    const stage = await openStage();
    const client = await stage.manager.getClient('alice');
    const { url } = await challengeOf(client.callTool('whoami', {}, { server: 'calendar', alias: 'work' }));
    const browser = await stage.host.openBrowser('alice');
    await browser.open(refusalOf(await walkToCallback(browser, url)).href);
    const error = await failureOf(client.callTool('whoami', {}, { server: 'calendar', alias: 'work' }));
    expect(String(error)).toContain('declined');
    expect(await whoami(client)).toBe('asks');
  });

  test('are logged out of each by itself, or all at once', async () => {
    const [stage, client] = await openTwoAccounts();
    expect(await client.logout({ server: 'calendar', alias: 'work' })).toEqual({
      calendar: { revoked: true },
    });
    const revoked = (): boolean[] => stage.as.tokens.families.map((family) => family.revoked);
    expect([revoked(), await whoami(client), await whoami(client, 'work')]).toEqual([
      [false, true],
      'al@home',
      'asks',
    ]);
    await signIn(stage, client, 'work', 'al@work');
    // A process that has never used the second one ends it all the same.
    expect(await (await openLater(stage)).logout()).toEqual({ calendar: { revoked: true } });
    expect(revoked()).toEqual([true, true, true]);
    expect([await whoami(client), await whoami(client, 'work')]).toEqual(['asks', 'asks']);
  });

  test('are listed with what they are and how long they last, and without a token', async () => {
    const [stage, client] = await openTwoAccounts(withOpenId);
    const kept = await client.credentials();
    expect(kept).toMatchObject([
      {
        server: 'calendar',
        alias: 'default',
        condition: 'good',
        renewable: true,
        account: { name: 'al@home.example' },
      },
      {
        server: 'calendar',
        alias: 'work',
        condition: 'good',
        renewable: true,
        account: { name: 'al@work.example' },
      },
    ]);
    expect(await client.credentials({ alias: 'work' })).toMatchObject([{ alias: 'work' }]);
    const { url } = stage.calendar;
    expect(kept.map(({ resource }) => resource)).toEqual([url, url]);
    expect(JSON.stringify(kept)).not.toMatch(/at_|rt_/u);
  });

  test('that are the same one after all are said in the log, once, and wherever accounts are listed', async () => {
    const stage = await openStage(withOpenId);
    const client = await stage.manager.getClient('alice');
    const warnings = (): string[] =>
      stage.logger.lines.filter((line) => line.includes('under several aliases'));
    await signIn(stage, client, undefined, 'al@home');
    await signIn(stage, client, 'work', 'al@work');
    const names = (): Promise<unknown[]> =>
      client.credentials().then((kept) => kept.map((one) => [one.alias, one.sameAccountAs]));
    expect([warnings(), await names()]).toEqual([
      [],
      [
        ['default', undefined],
        ['work', undefined],
      ],
    ]);
    expect((await signIn(stage, client, 'other', 'al@home')).status).toBe(200);
    expect(warnings()).toHaveLength(1);
    expect(warnings()[0]).toContain('"aliases":"calendar/other, calendar"');
    expect(await names()).toEqual([
      ['default', ['other']],
      ['other', ['default']],
      ['work', undefined],
    ]);
    expect(await client.credentials({ alias: 'other' })).toMatchObject([{ sameAccountAs: ['default'] }]);
    // Who is asked again, and gives the same as before, is told nothing new.
    stage.as.tokens.revokeAll();
    await signIn(stage, client, 'other', 'al@home');
    expect(warnings()).toHaveLength(1);
    expect(JSON.stringify([warnings(), await client.credentials()])).not.toMatch(/at_|rt_/u);
  });

  test('tell subscribers and parked calls which of them was signed in to', async () => {
    const stage = await openStage();
    const resumed: string[] = [];
    const place = stage.manager.continuation<string>('ask', async ({ client, payload }) => {
      resumed.push(`${payload}: ${await whoami(client, payload)}`);
    });
    const events: string[] = [];
    stage.coordinator.subscribe({
      onCompletion: ({ server, alias }) => void events.push(`${server} ${alias}`),
    });
    await stage.manager.start();
    const client = await stage.manager.getClient('alice');
    for (const alias of ['work', 'default']) {
      const error = await failureOf(client.callTool('whoami', {}, { server: 'calendar', alias }));
      await place.park(error, alias);
    }
    await signIn(stage, client, 'work', 'al@work');
    await vi.waitFor(() => expect(resumed).toEqual(['work: al@work']), { timeout: 10_000 });
    expect(events).toEqual(['calendar work']);
    await signIn(stage, client, undefined, 'al@home');
    await vi.waitFor(() => expect(resumed).toEqual(['work: al@work', 'default: al@home']), {
      timeout: 10_000,
    });
  });

  test.each(['', 'a\u001Fb', 'x'.repeat(101)])('cannot be named %j', async (alias) => {
    const client = await (await openStage()).manager.getClient('alice');
    expect(() => client.session('calendar', { alias })).toThrow(
      expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
    );
  });
});

test('of three contexts with two accounts each, over two processes, nobody is ever taken for another', async () => {
  const stage = await openStage({ hosts: 2 });
  const names = ['alice', 'bob', 'carol'];
  const accounts = names.flatMap((name) => [undefined, 'work'].map((alias) => ({ name, alias })));
  for (const { name, alias } of accounts) {
    await signIn(stage, await stage.manager.getClient(name), alias, `${name} ${alias ?? 'default'}`);
  }
  for (const round of [1, 2]) {
    const answers = await Promise.all(
      accounts.flatMap(({ name, alias }) =>
        stage.managers.map(async (manager) => [
          `${name} ${alias ?? 'default'}`,
          await whoami(await manager.getClient(name), alias),
        ]),
      ),
    );
    expect(answers.filter(([wanted, found]) => wanted !== found)).toEqual([]);
    if (round === 1) stage.as.tokens.expireAccessTokens();
  }
  expect(stage.as.count('refresh')).toBe(accounts.length);
});

describe('whom an authorization server is to expect', () => {
  test('is what the configuration or the caller says for that account, and for no other', async () => {
    const loginHint = { default: 'al@home.example', work: 'al@work.example' };
    const stage = await openStage({
      servers: ({ url }) => ({ calendar: { url, auth: { type: 'oauth', loginHint } } }),
    });
    const client = await stage.manager.getClient('alice');
    client.session('calendar', { alias: 'club', loginHint: 'al@club.example' });
    for (const alias of [undefined, 'work', 'club', 'other']) await signIn(stage, client, alias, 'al');
    expect(hints(stage)).toEqual(['al@home.example', 'al@work.example', 'al@club.example', null]);
  });

  test('is pushed along with the rest where requests are pushed', async () => {
    const stage = await openStage({
      as: {
        metadata: { require_pushed_authorization_requests: true },
      },
      servers: ({ url }) => ({ calendar: { url, auth: { type: 'oauth', loginHint: 'al@home.example' } } }),
    });
    const metadata = { pushed_authorization_request_endpoint: `${stage.as.issuer}/par` };
    stage.as.on('metadata', async (_call, standard) => {
      const reply = await standard();
      return 'body' in reply ? { body: { ...(reply.body as object), ...metadata } } : reply;
    });
    const client = await stage.manager.getClient('alice');
    await signIn(stage, client, undefined, 'al');
    const pushed = stage.as.calls
      .filter(({ kind }) => kind === 'par')
      .map(({ form }) => form.get('login_hint'));
    expect([pushed, hints(stage)]).toEqual([['al@home.example'], [null]]);
  });

  test('is the account from before, when it has to be asked again', async () => {
    const [stage, client] = await openTwoAccounts(withOpenId);
    stage.as.tokens.revokeAll();
    await signIn(stage, client, 'work', 'al@work');
    await signIn(stage, client, undefined, 'al@home');
    expect(hints(stage)).toEqual([null, null, 'al@work.example', 'al@home.example']);
  });
});

describe('another account than before', () => {
  test('is refused, also once the grant has ended, and what it gave is revoked; the right one is taken', async () => {
    const [stage, client] = await openTwoAccounts(withOpenId);
    stage.as.tokens.revokeAll();
    const page = await signIn(stage, client, 'work', 'al@home');
    expect([page.status, codeOn(page)]).toEqual([403, 'ERR_POSTERN_AUTH_WRONG_USER']);
    expect(stage.as.tokens.families.at(-1)?.revoked).toBe(true);
    expect(await whoami(client, 'work')).toBe('asks');
    expect((await signIn(stage, client, 'work', 'al@work')).status).toBe(200);
    expect(await whoami(client, 'work')).toBe('al@work');
  });

  test('is taken after a logout: that is how accounts are changed', async () => {
    const [stage, client] = await openTwoAccounts(withOpenId);
    await client.logout({ server: 'calendar', alias: 'work' });
    expect((await signIn(stage, client, 'work', 'bo@work')).status).toBe(200);
    expect(await whoami(client, 'work')).toBe('bo@work');
  });
});

describe('what is said before a person is needed', () => {
  test('a sign-in that brought no refresh token, although asked for, is in the log and in the list', async () => {
    const stage = await openStage(withOpenId);
    stage.as.on('token', async (_call, standard) => {
      const reply = await standard();
      return 'body' in reply ? { body: { ...(reply.body as object), refresh_token: undefined } } : reply;
    });
    const client = await stage.manager.getClient('alice');
    await signIn(stage, client, undefined, 'al@home');
    expect(await client.credentials()).toMatchObject([{ renewable: false, offlineDenied: true }]);
    expect(stage.logger.lines.filter((line) => line.includes('without a way to renew it'))).toHaveLength(1);
  });

  test('days before a refresh token dies, once, and no sooner', async () => {
    const dayMs = 24 * 60 * minuteMs;
    const endsAtMs = Date.now() + 30 * dayMs;
    const stage = await openStage();
    for (const kind of ['token', 'refresh'] as const) {
      stage.as.on(kind, async (_call, standard) => {
        const reply = await standard();
        const refresh_expires_in = Math.round((endsAtMs - stage.time.clock()) / 1000);
        return 'body' in reply ? { body: { ...(reply.body as object), refresh_expires_in } } : reply;
      });
    }
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    const said = (): number => stage.logger.lines.filter((line) => line.includes('before long')).length;
    const after = async (days: number): Promise<[string | undefined, number]> => {
      stage.time.advance(days * dayMs);
      expect(await whoami(client)).toBe('alice');
      return [(await client.credentials())[0]?.condition, said()];
    };
    expect([await after(0), await after(26), await after(2), await after(1)]).toEqual([
      ['good', 0],
      ['good', 0],
      ['expiring', 1],
      ['expiring', 1],
    ]);
    stage.time.advance(2 * dayMs);
    expect(await whoami(client)).toBe('asks');
  });
});

/** A process that starts later, on the same store. */
function openLater({ calendar, coordinator, time }: Stage): Promise<Client> {
  const servers = { calendar: { url: calendar.url } };
  return new ClientManager(servers, { coordinator, clock: time.clock }).getClient('alice');
}

import { english } from '../../web/texts/english.ts';
import { speak } from '../../web/texts/texts.ts';
import { describe, expect, test } from 'vitest';
import type { PosternErrorCode } from '../../core/error-codes.ts';
import { silentLogger } from '../../core/logger.ts';
import { createNamespace } from '../../namespace/namespace.ts';
import type { DeviceAuthorizationOptions } from '../../oauth/device.ts';
import { createOAuthHttp } from '../../oauth/oauth-http.ts';
import { deviceCode } from './device-code.ts';
import type { InteractionData, FlowWatch } from '../flow.ts';

const issuer = 'https://as.example';
const startMs = 1_000_000_000;
const plan: DeviceAuthorizationOptions = {
  discovery: {
    issuer,
    resource: 'https://code.example',
    server: { issuer, token_endpoint: `${issuer}/token`, device_authorization_endpoint: `${issuer}/device` },
  },
  client: {
    issuer,
    clientId: 'c',
    tokenEndpointAuthMethod: 'none',
    source: 'preregistered',
    redirectUris: [],
  },
};
const request = { resource: 'code.example', alias: 'default', scopes: ['read'] };
const place = { callbackUrl: 'https://s.example/callback', gate: {} };

/** The flow against a server that answers as written down, in a time that passes only in its pauses. */
function open(replies: readonly (Record<string, unknown> | 'down')[], device: Record<string, unknown> = {}) {
  let nowMs = startMs;
  const polls: number[] = [];
  const updates: unknown[] = [];
  const ends: (PosternErrorCode | 'finished')[] = [];
  const http = createOAuthHttp({
    clock: () => nowMs,
    fetch: async (url) => {
      if (url.endsWith('/device')) {
        return Response.json({
          device_code: 'CNRY-device',
          user_code: 'WDJB-MJHT',
          verification_uri: 'https://code.example/device',
          expires_in: 900,
          interval: 5,
          ...device,
        });
      }
      polls.push(nowMs - startMs);
      const reply = replies[Math.min(polls.length, replies.length) - 1];
      if (reply === 'down' || reply === undefined) throw new TypeError('fetch failed');
      return Response.json(reply, { status: reply['error'] === undefined ? 200 : 400 });
    },
  });
  const flow = deviceCode({ http, authorize: () => plan });
  const stop = new AbortController();
  const watch = async (data: unknown): Promise<void> => {
    let stored = data;
    const pending = {
      id: 'p',
      namespace: createNamespace('user', 'alice'),
      kind: 'device_code',
      initiator: 'alice',
      createdAtMs: startMs,
      expiresAtMs: startMs + 900_000,
      status: 'pending' as const,
      url: 'https://s.example/connect/p',
      version: '1',
      data: { flow: 'device', message: '', request, wanted: [], data } satisfies InteractionData,
    };
    const tools: FlowWatch = {
      pending,
      signal: stop.signal,
      clock: () => nowMs,
      logger: silentLogger,
      pause: async (ms) => void (nowMs += ms),
      finish: async () => {
        ends.push('finished');
        return 'in time';
      },
      fail: async (code) => void ends.push(code),
      update: async (change) => {
        stored = change(stored);
        updates.push((stored as { intervalMs: number }).intervalMs);
      },
    };
    await flow.watch?.(tools);
  };
  return {
    flow,
    polls,
    updates,
    ends,
    watch,
    stop,
    begin: () => flow.begin({ ...request, ...place, say: speak(english), clock: () => nowMs }),
    later: (ms: number) => void (nowMs += ms),
  };
}

const waiting = { error: 'authorization_pending' };
const slower = { error: 'slow_down' };
const granted = { access_token: 'CNRY-token', token_type: 'bearer', expires_in: 3600 };

describe('the poller of a device code', () => {
  test('waits an interval before each poll, and five seconds longer after each slow_down', async () => {
    const { begin, watch, polls, updates, ends } = open([waiting, slower, slower, slower, waiting, granted]);
    await watch((await begin()).data);
    const pauses = polls.map((at, index) => (at - (polls[index - 1] ?? 0)) / 1000);
    expect(pauses).toEqual([5, 5, 10, 15, 20, 20]);
    expect(updates).toEqual([10_000, 15_000, 20_000]);
    expect(ends).toEqual(['finished']);
  });

  test('goes on, after another one died, at the interval that one had reached', async () => {
    const { begin, watch, polls } = open([granted]);
    const { data } = await begin();
    await watch({ ...(data as object), intervalMs: 15_000 });
    expect(polls).toEqual([15_000]);
  });

  test('keeps to the interval the server has set', async () => {
    const { begin, watch, polls } = open([granted], { interval: 30 });
    await watch((await begin()).data);
    expect(polls).toEqual([30_000]);
  });

  test('stops when the code runs out, even if the server goes on saying that it waits', async () => {
    const { begin, watch, polls, ends } = open([waiting], { expires_in: 62 });
    await watch((await begin()).data);
    expect(ends).toEqual(['ERR_POSTERN_PENDING_EXPIRED']);
    expect(polls.at(-1)).toBe(60_000);
  });

  test.each([
    ['expired_token', 'ERR_POSTERN_PENDING_EXPIRED'],
    ['access_denied', 'ERR_POSTERN_AUTH_DENIED'],
    ['invalid_grant', 'ERR_POSTERN_OAUTH_GRANT_INVALID'],
    ['invalid_client', 'ERR_POSTERN_OAUTH_CLIENT_REJECTED'],
  ])('ends at once on %s, with %s', async (error, code) => {
    const { begin, watch, polls, ends } = open([{ error }]);
    await watch((await begin()).data);
    expect([polls.length, ends]).toEqual([1, [code]]);
  });

  test('asks a server that cannot be reached less and less often, and goes on when it is back', async () => {
    const { begin, watch, polls, ends } = open(['down', 'down', 'down', 'down', 'down', waiting, granted]);
    await watch((await begin()).data);
    const pauses = polls.map((at, index) => (at - (polls[index - 1] ?? 0)) / 1000);
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60, 5]);
    expect(ends).toEqual(['finished']);
  });

  test('polls no more once it is told to stop', async () => {
    const { begin, watch, polls, stop, ends } = open([waiting]);
    stop.abort();
    await watch((await begin()).data);
    expect([polls, ends]).toEqual([[], []]);
  });
});

describe('a device code', () => {
  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'http://169.254.169.254/',
    'http://code.example/device',
    'https://10.0.0.1/device',
    'https://user@code.example/',
    `https://code.example/${'x'.repeat(10_000)}`,
  ])('whose page is %.40s is refused before anybody sees it', async (verification_uri) => {
    await expect(open([], { verification_uri }).begin()).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_POSTERN_OAUTH_(?:URL_FORBIDDEN|RESPONSE_INVALID)$/u),
    });
  });

  test('is in neither the message nor anything else a client is told', async () => {
    const { message, ttlMs } = await open([]).begin();
    expect([message, ttlMs]).toEqual(['Sign in to code.example with a code', 900_000]);
  });
});

function grantOf(lifetimeMs: number): object {
  return {
    accessToken: 'a',
    tokenType: 'bearer',
    issuer,
    tokenEndpoint: `${issuer}/token`,
    client: plan.client,
    resource: 'r',
    obtainedAtMs: startMs,
    expiresAtMs: startMs + lifetimeMs,
  };
}

describe('what a tool gets of a grant', () => {
  test('is what it needs to call the service, and nothing to renew it with', async () => {
    const { flow } = open([]);
    const grant = {
      ...granted,
      accessToken: 'a',
      refreshToken: 'CNRY-refresh',
      tokenType: 'bearer',
      issuer,
      tokenEndpoint: `${issuer}/token`,
      client: plan.client,
      resource: 'r',
      obtainedAtMs: startMs,
      expiresAtMs: startMs + 3_600_000,
    };
    expect(flow.credential.read(grant)).toEqual({
      accessToken: 'a',
      tokenType: 'bearer',
      scopes: undefined,
      expiresAtMs: startMs + 3_600_000,
      subject: undefined,
    });
  });

  test.each([
    ['an hour’s token half a minute before its end', 3_600_000, 3_570_000, 'due'],
    ['an hour’s token more than five minutes before its end', 3_600_000, 3_299_000, 'good'],
    ['an hour’s token after its end', 3_600_000, 3_600_000, 'over'],
    ['a fresh token of twenty seconds', 20_000, 0, 'good'],
    ['a token of twenty seconds in its last two', 20_000, 18_001, 'due'],
  ])('%s, %i ms long and %i ms old, is %s', (_what, lifetimeMs, ageMs, state) => {
    const { flow } = open([]);
    const grant = { ...grantOf(lifetimeMs), refreshToken: 'r' };
    expect(flow.credential.stateOf?.(grant as never, startMs + ageMs)).toBe(state);
  });

  test('that cannot be renewed is good to its very end', () => {
    const { flow } = open([]);
    expect(flow.credential.stateOf?.(grantOf(3_600_000) as never, startMs + 3_599_999)).toBe('good');
  });

  test('is nothing when what is stored is no grant', () => {
    expect(open([]).flow.credential.read({ password: 'x' })).toBeUndefined();
  });
});

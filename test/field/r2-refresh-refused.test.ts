import { describe, expect, test } from 'vitest';
import { OAuthRequestError } from '../../src/oauth/index.ts';
import type { OAuthCredential } from '../../src/oob/index.ts';
import { walk } from '../heart/walk.ts';
import { consent, openFlowStage, redirectFlow, type FlowStage } from '../support/flow-stage.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { codeOf, failureOf, openStage, textOf, type Stage } from '../support/stage.ts';

// R2: supabase/auth#2829. Issue 9: a cooldown after a failed refresh repeats the failure's own code.

const notFound: Reply = {
  status: 400,
  body: {
    code: 400,
    error_code: 'refresh_token_not_found',
    msg: 'Invalid Refresh Token: Refresh Token Not Found',
  },
};

/** An agent whose token the server no longer takes, and whose refresh token is answered like this. */
async function openAgent(reply: Reply): Promise<Stage> {
  const stage = await openStage();
  await stage.signIn('alice');
  stage.as.tokens.expireAccessTokens();
  stage.as.on('refresh', () => reply);
  return stage;
}

async function outcome(stage: Stage): Promise<string> {
  const client = await stage.manager.getClient('alice');
  return client.callTool('whoami').then(textOf, (error: unknown) => codeOf(Promise.reject(error)));
}

/** Tries every few seconds until somebody is asked. Returns how often, and how long that took. */
async function triesUntilAsked(stage: Stage): Promise<{ tries: number; seconds: number }> {
  for (let tries = 1; tries <= 100; tries++) {
    if ((await outcome(stage)) === 'ERR_POSTERN_AUTH_REQUIRED') return { tries, seconds: (tries - 1) * 5 };
    stage.time.advance(5_000);
  }
  throw new Error('nobody is ever asked');
}

describe('an agent whose refresh is refused for good, but not with invalid_grant', () => {
  test('has its person asked at once, and the grant stays: a refresh that works again needs nobody', async () => {
    const stage = await openAgent(notFound);
    expect(await outcome(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
    const [family] = stage.as.tokens.families;
    expect(family?.revoked).toBe(false);
    expect(stage.as.count('revoke')).toBe(0);
    expect(stage.logger.lines.join('\n')).toContain('ERR_POSTERN_OAUTH_REQUEST_REFUSED');
    await stage.signIn('alice');
    expect(await outcome(stage)).toBe('alice');
  });

  test('gets in again by the refresh, where that works before anybody has signed in', async () => {
    const stage = await openAgent(notFound);
    expect(await outcome(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
    stage.as.on('refresh', undefined);
    stage.time.advance(5_000);
    const client = await stage.manager.getClient('alice');
    await client.connect({ force: true });
    expect(await outcome(stage)).toBe('alice');
    expect(stage.as.count('token')).toBe(1);
  });

  test.each<[string, Reply]>([
    ['a 400 without JSON', { status: 400, body: 'Bad Request' }],
    ['invalid_request', { status: 400, body: { error: 'invalid_request' } }],
    ['a 401 without an OAuth error', { status: 401, body: { message: 'Unauthorized' } }],
    ['access_denied', { status: 400, body: { error: 'access_denied' } }],
  ])('has its person asked at once by %s', async (_, reply) => {
    const stage = await openAgent(reply);
    expect(await outcome(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
  });
});

describe('an agent whose refresh fails again and again', () => {
  test.each<[string, Reply]>([
    ['with status 500', { status: 500, body: { error: 'invalid_grant' } }],
    ['with status 404', { status: 404 }],
    ['with a web page', { headers: { 'content-type': 'text/html' }, body: '<h1>Maintenance</h1>' }],
    ['with tokens that are none', { body: { access_token: {} } }],
    ['with a cut connection', { cut: 'now' }],
  ])('%s has its person asked within two minutes, and not at the first failure', async (_, reply) => {
    const stage = await openAgent(reply);
    const { tries, seconds } = await triesUntilAsked(stage);
    expect(tries).toBeGreaterThan(2);
    expect(seconds).toBeLessThanOrEqual(120);
    await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
    stage.as.approveAs('alice');
    expect(stage.as.count('token')).toBe(1 + 1);
  });

  test('and succeeds in between starts to count anew', async () => {
    const stage = await openAgent({ status: 500 });
    for (let tries = 0; tries < 12; tries++) {
      expect(await outcome(stage)).toBe('ERR_POSTERN_OAUTH_REQUEST_FAILED');
      stage.time.advance(5_000);
    }
    stage.as.on('refresh', undefined);
    expect(await outcome(stage)).toBe('alice');
    stage.as.tokens.expireAccessTokens();
    stage.time.advance(61_000);
    stage.as.on('refresh', () => ({ status: 500 }));
    expect(await outcome(stage)).toBe('ERR_POSTERN_OAUTH_REQUEST_FAILED');
  });
});

async function openServer(
  reply: Reply,
): Promise<{ stage: FlowStage; acquire: () => Promise<OAuthCredential>; reject: () => Promise<void> }> {
  const stage = await openFlowStage();
  const flow = redirectFlow(stage);
  const request = { resource: 'calendar.example', flow };
  const principal = await stage.principal('alice');
  await consent(await stage.host.openBrowser('alice'), (await stage.linkOf('alice', flow)).url);
  const acquire = (): Promise<OAuthCredential> => stage.oob.credentials.acquire(principal, request);
  const refused = await acquire();
  stage.as.on('refresh', () => reply);
  return { stage, acquire, reject: () => stage.oob.credentials.reject(principal, request, refused) };
}

describe('a server whose third party refuses a token that is not over, and its refresh for good', () => {
  test('has its person asked; the refused token is not given out again', async () => {
    const { acquire, reject } = await openServer(notFound);
    await reject();
    expect(await codeOf(acquire())).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
    expect(await codeOf(acquire())).toBe('ERR_POSTERN_OOB_INTERACTION_REQUIRED');
  });

  test('uses what a refresh brings that works again', async () => {
    const { stage, acquire, reject } = await openServer(notFound);
    await reject();
    stage.as.on('refresh', undefined);
    stage.time.advance(30_000);
    const { accessToken } = await acquire();
    expect(stage.as.tokens.isLive(accessToken)).toBe(true);
  });
});

describe('within the cooldown after a failed refresh, the next caller is told the same', () => {
  test.each<[string, Reply, object]>([
    [
      'a busy server, with its status and how long to leave it alone',
      { status: 429, headers: { 'retry-after': '7' } },
      { code: 'ERR_POSTERN_OAUTH_REQUEST_FAILED', status: 429 },
    ],
    [
      'temporarily_unavailable',
      { status: 503, body: { error: 'temporarily_unavailable' } },
      { code: 'ERR_POSTERN_OAUTH_REQUEST_FAILED', status: 503, error: 'temporarily_unavailable' },
    ],
    ['nonsense', { body: '<h1>Hi</h1>' }, { code: 'ERR_POSTERN_OAUTH_RESPONSE_INVALID' }],
    [
      'a client that is refused, with what to do about it',
      { status: 401, body: { error: 'invalid_client' } },
      {
        code: 'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
        hint: 'Check that the client is still registered there, and its secret or key.',
      },
    ],
    ['no answer', { cut: 'now' }, { code: 'ERR_POSTERN_OAUTH_UNREACHABLE' }],
  ])('%s', async (_, reply, facts) => {
    const { stage, acquire } = await openServer(reply);
    stage.time.advance(3_601_000);
    const first = await failureOf(acquire());
    stage.time.advance(1_000);
    const second = await failureOf(acquire());
    expect(second).toMatchObject(facts);
    expect(stage.as.count('refresh')).toBe(1);
    expect(second instanceof OAuthRequestError).toBe(first instanceof OAuthRequestError);
    // A second of it has gone by.
    const [before, after] = [first, second].map(
      (error) => (error as Partial<OAuthRequestError>).retryAfterMs,
    );
    expect(after === undefined).toBe(before === undefined);
    expect(after ?? 0).toBeLessThanOrEqual(Math.max(0, (before ?? 0) - 1_000));
    if (before !== undefined) expect(after).toBeGreaterThan(0);
  });
});

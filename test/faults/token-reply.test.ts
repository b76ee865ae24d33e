import { describe, expect, test, vi } from 'vitest';
import type { Reply } from '../support/programmable-reply.ts';
import { codeOn, openStage, textOf, type Stage } from '../support/stage.ts';

const oauthTimeoutMs = 500;

/** Replies that end a sign-in: the code is spent, and trying the same again would not help. */
const final: Record<string, [reply: Reply, code: string]> = {
  'has no token': [{ body: { token_type: 'Bearer', expires_in: 60 } }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
  'has an empty token': [
    { body: { access_token: '', token_type: 'Bearer' } },
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
  ],
  'has a token that is an object': [
    { body: { access_token: {}, token_type: 'Bearer' } },
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
  ],
  'is an array': [{ body: [] }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
  'is null': [{ body: 'null' }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
  'is a web page': [
    { headers: { 'content-type': 'text/html' }, body: '<h1>Hi</h1>' },
    'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
  ],
  'is nested 100,000 deep': [{ body: '{"a":'.repeat(100_000) }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
  'is 20 MB long': [{ floodBytes: 20_000_000 }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
  'is a 200 with an error inside': [{ body: { error: 'invalid_grant' } }, 'ERR_POSTERN_OAUTH_GRANT_INVALID'],
  'is a 200 with a token and an error inside': [
    { body: { error: 'invalid_client', access_token: 'at', token_type: 'Bearer' } },
    'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
  ],
  'is a 201 with an error inside': [
    { status: 201, body: { error: 'invalid_grant' } },
    'ERR_POSTERN_OAUTH_GRANT_INVALID',
  ],
  redirects: [{ status: 307, headers: { location: '/elsewhere' } }, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID'],
};

/** Replies that say nothing about the code: the person may try again with the link they have. */
const passing: Record<string, [reply: Reply, code: string]> = {
  'never comes': [{ hang: 'headers' }, 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'never ends': [{ hang: 'body' }, 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'comes a byte at a time': [{ dripEveryMs: 20 }, 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'is cut off': [{ cut: 'midway' }, 'ERR_POSTERN_OAUTH_UNREACHABLE'],
  'is a 500': [{ status: 500, body: { error: 'invalid_grant' } }, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
  'is a 429': [{ status: 429, headers: { 'retry-after': '999999' } }, 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
};

async function answerWith(reply: Reply): Promise<{ stage: Stage; url: string; code: string | undefined }> {
  const stage = await openStage({ coordinator: { oauthTimeoutMs } });
  const { url } = await stage.linkOf('alice');
  stage.as.on('token', () => reply);
  const startedAt = performance.now();
  const page = await (await stage.host.openBrowser('alice')).open(url);
  expect(performance.now() - startedAt).toBeLessThan(oauthTimeoutMs + 2_500);
  expect(page.status).toBeGreaterThanOrEqual(500);
  expect(stage.as.count('token')).toBe(1);
  return { stage, url, code: codeOn(page) };
}

describe('a reply of the token endpoint', () => {
  test.each(Object.keys(final))(
    'that %s ends the sign-in; the next call gets a new link, which ends well',
    async (kind) => {
      const [reply, expected] = final[kind]!;
      const { stage, url, code } = await answerWith(reply);
      expect(code).toBe(expected);
      const { sessions } = await stage.manager.getClient('alice');
      const session = sessions.get('calendar')!;
      await vi.waitFor(() => expect(session.status).toBe('AUTH_FAILED'));
      expect(session.error?.code).toBe(expected);
      stage.as.on('token', undefined);
      expect((await stage.linkOf('alice')).url).not.toBe(url);
      await stage.signIn('alice');
      await vi.waitFor(() => expect(session.status).toBe('CONNECTED'));
    },
  );

  test.each(Object.keys(passing))(
    'that %s leaves the link good, and the second try ends well',
    async (kind) => {
      const [reply, expected] = passing[kind]!;
      const { stage, url, code } = await answerWith(reply);
      expect(code).toBe(expected);
      expect((await stage.linkOf('alice')).url).toBe(url);
      stage.as.on('token', undefined);
      await stage.signIn('alice');
      const client = await stage.manager.getClient('alice');
      expect(textOf(await client.callTool('whoami'))).toBe('alice');
    },
  );

  test('that repeats the code and the verifier shows them to nobody', async () => {
    const stage = await openStage();
    const { url } = await stage.linkOf('alice');
    let sent = '';
    stage.as.on('token', (call) => {
      sent = call.text;
      const [code, verifier] = [call.form.get('code'), call.form.get('code_verifier')];
      const said = `${code} ${verifier}`;
      return { status: 400, body: { error: said, error_description: said, [`${code}`]: verifier } };
    });
    const page = await (await stage.host.openBrowser('alice')).open(url);
    const client = await stage.manager.getClient('alice');
    await vi.waitFor(() => expect(client.session('calendar').status).not.toBe('CONNECTED'));
    const seen = [page.html, ...stage.logger.lines, String(client.session('calendar').error)].join('\n');
    for (const name of ['code', 'code_verifier']) {
      const secret = new URLSearchParams(sent).get(name) ?? '';
      expect(secret.length).toBeGreaterThan(10);
      expect(seen).not.toContain(secret);
    }
  });
});

describe('a lifetime', () => {
  const lifetimes: Record<string, unknown> = {
    'as text': '3600',
    'of a trillion seconds': 1e12,
    'of a trillion seconds as text': '1000000000000',
    'with decimals': 3599.6,
    'that is no number': 'soon',
    'that is null': null,
    'that is a list': [3600],
    // Servers write these for what never ends, or is not known. Believed, they would have a person asked for ever.
    'of nought': 0,
    'of less than nothing': -5,
  };
  test.each(Object.keys(lifetimes))('%s is accepted, and calls neither refresh nor spin', async (kind) => {
    const stage = await openStage();
    withLifetime(stage, lifetimes[kind]);
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    for (let call = 0; call < 3; call++) expect(textOf(await client.callTool('whoami'))).toBe('alice');
    stage.time.advance(30 * 60_000);
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect([stage.as.count('token'), stage.as.count('refresh')]).toEqual([1, 0]);
  });

  test('that ends while nobody calls is renewed by the next call, once', async () => {
    const stage = await openStage();
    await stage.signIn('alice');
    const client = await stage.manager.getClient('alice');
    stage.time.advance(2 * 60 * 60_000);
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.callTool('whoami')));
    expect(answers.map(textOf)).toEqual(Array.from({ length: 10 }, () => 'alice'));
    expect(stage.as.count('refresh')).toBe(1);
  });
});

/** The server's own reply to the code, with another lifetime in it. Refreshes keep the usual one. */
function withLifetime(stage: Stage, expires_in: unknown): void {
  stage.as.on('token', (call) => {
    const code = stage.as.tokens.redeemCode(call.form.get('code') ?? '', call.form);
    if (code === undefined) return { status: 400, body: { error: 'invalid_grant' } };
    const { clientId, scope, resource, subject } = code;
    const { access, refresh } = stage.as.tokens.issue({ clientId, scope, resource, subject, jkt: undefined });
    return {
      body: { access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in, scope },
    };
  });
}

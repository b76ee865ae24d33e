import { describe, expect, test } from 'vitest';
import { walk, walkToCallback } from '../heart/walk.ts';
import type { Call, CallKind } from '../support/programmable-authorization.ts';
import type { Reply } from '../support/programmable-reply.ts';
import { codeOf, failureOf, openStage, textOf, withParams, type Stage } from '../support/stage.ts';

// The rules that the reports from the field imply, whatever the input. Rule 4 (lost sessions) stands with the sessions, rule
// 6 with the providers, and rule 7 in r7-one-slash.test.ts.

async function whoami(stage: Stage): Promise<string> {
  const client = await stage.manager.getClient('alice');
  return client.callTool('whoami').then(textOf, (error: unknown) => codeOf(Promise.reject(error)));
}

async function tryToSignIn(stage: Stage): Promise<string> {
  const client = await stage.manager.getClient('alice');
  stage.as.approveAs('alice');
  const browser = await stage.host.openBrowser('alice');
  await stage
    .linkOf('alice')
    .then(async ({ url }) => walk(browser, url))
    .catch(() => {});
  return client.session('calendar').error?.code ?? 'none';
}

describe('rule 1: every reply is judged when it arrives, and what cannot be used is never stored', () => {
  const registered =
    (fields: object) =>
    (call: Call): Reply => ({
      status: 201,
      body: { ...(JSON.parse(call.text) as object), client_id: 'client-1', ...fields },
    });
  const issued = (fields: object) => (): Reply => ({
    body: { access_token: 'at', token_type: 'Bearer', expires_in: 60, refresh_token: 'rt', ...fields },
  });
  const rows: Readonly<Record<string, readonly [CallKind, (call: Call) => Reply, code: string]>> = {
    'a registration with a secret to authenticate by, and without the secret': [
      'register',
      registered({ token_endpoint_auth_method: 'client_secret_basic' }),
      'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
    ],
    'a registration with a method nobody here speaks': [
      'register',
      registered({ token_endpoint_auth_method: 'tls_client_auth' }),
      'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
    ],
    'a registration for another redirect URI': [
      'register',
      registered({ redirect_uris: ['https://elsewhere.example/callback'] }),
      'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
    ],
    'a registration without an id': [
      'register',
      registered({ client_id: undefined }),
      'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
    ],
    'a token that no header can carry': [
      'token',
      issued({ access_token: 'a\nb' }),
      'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    ],
    'a token of a type nobody asked for': [
      'token',
      issued({ token_type: 'mac' }),
      'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    ],
    'a token that is bound to a key which is not ours': [
      'token',
      issued({ token_type: 'DPoP' }),
      'ERR_POSTERN_OAUTH_RESPONSE_INVALID',
    ],
  };

  test.each(Object.keys(rows))('%s: refused there, with the other side named', async (name) => {
    const [kind, reply, code] = rows[name]!;
    const stage = await openStage();
    stage.as.on(kind, reply);
    const client = await stage.manager.getClient('alice');
    await tryToSignIn(stage);
    const { error } = client.session('calendar');
    await expect.poll(() => client.session('calendar').error?.code).toBe(code);
    expect(error).toBeDefined();
    if (kind === 'register') {
      expect(await stage.storage.list(['app', 'registration'])).toEqual([]);
      expect(error?.message).toContain(new URL(stage.as.issuer).host);
    } else expect(await whoami(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
    stage.as.on(kind, undefined);
    await tryToSignIn(stage);
    expect(await whoami(stage)).toBe('alice');
  });

  test('a refresh that answers with another person’s identity: refused, and the grant stays as it was', async () => {
    const stage = await openStage({
      servers: ({ url }) => ({
        calendar: { url, auth: { type: 'oauth', scopes: ['openid', 'calendar:read', 'calendar:write'] } },
      }),
    });
    await tryToSignIn(stage);
    expect(await whoami(stage)).toBe('alice');
    stage.as.tokens.expireAccessTokens();
    stage.as.on('refresh', async () => {
      const { access, refresh, family } = stage.as.tokens.issue({
        clientId: 'client-1',
        subject: 'mallory',
        scope: 'openid',
      });
      const clientId = stage.as.tokens.families[0]?.clientId ?? '';
      return { body: await stage.as.tokenResponse({ access, refresh, family: { ...family, clientId } }) };
    });
    expect(await whoami(stage)).toBe('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
    stage.as.on('refresh', undefined);
    stage.time.advance(5_000);
    expect(await whoami(stage)).toBe('alice');
  });
});

/** What goes wrong at the other side, and is mended then. */
const failures: Readonly<Record<string, (stage: Stage) => void | Promise<void>>> = {
  'the metadata is not to be had': ({ as }) => as.on('metadata', () => ({ status: 503 })),
  'the metadata is nonsense': ({ as }) => as.on('metadata', () => ({ body: '<h1>Hi</h1>' })),
  'the metadata is an error of the server': ({ as }) => as.on('metadata', () => ({ status: 500 })),
  'nobody may register': ({ as }) => as.on('register', () => ({ status: 403 })),
  'the registration is nonsense': ({ as }) => as.on('register', () => ({ status: 201, body: [] })),
  'the authorization endpoint shows a page': ({ as }) =>
    as.on('authorize', () => ({ status: 400, body: 'Unknown client' })),
  'the token endpoint refuses for good': ({ as }) =>
    as.on('token', () => ({ status: 400, body: { error: 'invalid_target' } })),
  'the token endpoint does not know the client': ({ as }) =>
    as.on('token', () => ({ status: 401, body: { error: 'invalid_client' } })),
  'the token endpoint is busy': ({ as }) => as.on('token', () => ({ status: 429 })),
  'the token endpoint breaks off': ({ as }) => as.on('token', () => ({ cut: 'now' })),
};
const kinds: readonly CallKind[] = [
  'metadata',
  'resource-metadata',
  'register',
  'authorize',
  'token',
  'refresh',
];

describe('rule 2: from every failure there is a way back', () => {
  test.each(Object.keys(failures))('%s: when that is mended, the next call leads in', async (name) => {
    const stage = await openStage();
    await failures[name]!(stage);
    await tryToSignIn(stage);
    for (const kind of kinds) stage.as.on(kind, undefined);
    await tryToSignIn(stage);
    if ((await whoami(stage)) !== 'alice') await tryToSignIn(stage);
    expect(await whoami(stage)).toBe('alice');
  });

  test.each(Object.keys(failures))('%s: when that is mended, force leads in', async (name) => {
    const stage = await openStage();
    await failures[name]!(stage);
    await tryToSignIn(stage);
    for (const kind of kinds) stage.as.on(kind, undefined);
    const client = await stage.manager.getClient('alice');
    await client.connect({ force: true });
    await tryToSignIn(stage);
    expect(await whoami(stage)).toBe('alice');
  });

  test.each<[string, Reply]>([
    ['refused for good', { status: 400, body: { error: 'invalid_target' } }],
    ['of a grant that is over', { status: 400, body: { error: 'invalid_grant' } }],
    ['of a client that is forgotten', { status: 401, body: { error: 'invalid_client' } }],
  ])('a refresh %s: the person is asked at once, and gets in', async (_, reply) => {
    const stage = await openStage();
    await tryToSignIn(stage);
    stage.as.tokens.expireAccessTokens();
    stage.as.on('refresh', () => reply);
    expect(await whoami(stage)).toBe('ERR_POSTERN_AUTH_REQUIRED');
    await tryToSignIn(stage);
    expect(await whoami(stage)).toBe('alice');
  });
});

describe('rule 3: a credential’s own word about its end is believed, and one that is refused is replaced once', () => {
  test('what has ended by its own account is renewed before anything is sent', async () => {
    const stage = await openStage();
    await tryToSignIn(stage);
    const { unauthorized } = stage.calendar.counters;
    stage.time.advance(3_601_000);
    stage.as.tokens.expireAccessTokens();
    expect(await whoami(stage)).toBe('alice');
    expect([stage.calendar.counters.unauthorized, stage.as.count('refresh')]).toEqual([unauthorized, 1]);
  });

  test('what is refused early is renewed once, for all processes, and nobody is asked', async () => {
    const stage = await openStage({ hosts: 2 });
    await tryToSignIn(stage);
    const clients = await Promise.all(stage.managers.map((manager) => manager.getClient('alice')));
    for (const client of clients) expect(textOf(await client.callTool('whoami'))).toBe('alice');
    stage.as.tokens.expireAccessTokens();
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => textOf(await clients[index % 2]!.callTool('whoami'))),
    );
    expect([new Set(answers), stage.as.count('refresh'), stage.as.count('token')]).toEqual([
      new Set(['alice']),
      1,
      1,
    ]);
  });
});

describe('rule 5: the server’s own reason reaches the operator, in whatever phase, and nobody else', () => {
  const reason = 'Ask the registrar at desk 12 for permission (ABC1234)';
  /** With what no log may hold: markup, addresses, and whatever was sent. */
  const refusal =
    (status: number, error: string) =>
    (call: Call): Reply => ({
      status,
      body: {
        error,
        error_description: `${reason} <b>https://x.example/?a=1</b> ${[...call.form.values()].join(' ')} ${'long '.repeat(2_000)}`,
      },
    });

  const phases: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
    discovery: async (stage) => {
      stage.as.on('metadata', refusal(503, 'temporarily_unavailable'));
      await tryToSignIn(stage);
    },
    registration: async (stage) => {
      stage.as.on('register', refusal(403, 'access_denied'));
      await tryToSignIn(stage);
    },
    'registration, of a busy server': async (stage) => {
      stage.as.on('register', refusal(503, 'temporarily_unavailable'));
      await tryToSignIn(stage);
    },
    'the callback': async (stage) => {
      const browser = await stage.host.openBrowser('alice');
      const callback = await walkToCallback(browser, (await stage.linkOf('alice')).url);
      const description = `${reason} <b>https://x.example/?a=1</b> ${callback.searchParams.get('state')}`;
      await browser.open(
        withParams(callback, { code: undefined, error: 'invalid_target', error_description: description }),
      );
    },
    'the exchange of the code': async (stage) => {
      stage.as.on('token', refusal(400, 'invalid_target'));
      await tryToSignIn(stage);
    },
    'the exchange of the code, at a busy server': async (stage) => {
      stage.as.on('token', refusal(503, 'temporarily_unavailable'));
      await tryToSignIn(stage);
    },
    'a refresh': async (stage) => {
      await tryToSignIn(stage);
      stage.as.tokens.expireAccessTokens();
      stage.as.on('refresh', refusal(500, 'server_error'));
      await whoami(stage);
    },
    'a revocation': async (stage) => {
      await tryToSignIn(stage);
      stage.as.on('revoke', refusal(503, 'temporarily_unavailable'));
      await (await stage.manager.getClient('alice')).logout();
    },
  };

  test.each(Object.keys(phases))('%s', async (phase) => {
    const stage = await openStage();
    await phases[phase]!(stage);
    const lines = stage.logger.lines.filter((line) =>
      line.includes('Ask the registrar at desk 12 for permission'),
    );
    expect(lines).not.toEqual([]);
    const client = await stage.manager.getClient('alice');
    const failure = await failureOf(client.callTool('whoami'));
    for (const line of lines) {
      expect(line).toContain('ABC1234');
      expect(line.length).toBeLessThan(800);
      expect(line).not.toMatch(/<b>|x\.example/u);
    }
    const pages = stage.host.answers.map(({ headers, body }) => headers + body).join('\n');
    const told = `${pages} ${String(failure)} ${JSON.stringify(failure)} ${JSON.stringify(client.session('calendar').error)}`;
    expect(told).not.toContain('registrar');
    // Whatever was sent to the server, and came back in its reason.
    const names = ['code', 'code_verifier', 'refresh_token', 'token'];
    const sent = stage.as.calls.flatMap(({ form }) => names.map((name) => form.get(name) ?? ''));
    const logged = stage.logger.lines.join('\n');
    for (const secret of sent.filter((text) => text.length > 8)) expect(logged).not.toContain(secret);
  });
});

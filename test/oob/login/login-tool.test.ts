import type { CallToolResult } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import { consent, titleOf } from '../../support/flow-stage.ts';
import { chooseAtService, openLoginStage, service, type LoginStage } from '../../support/login-stage.ts';
import { textOf, until } from '../../support/tool-stage.ts';

interface Content {
  readonly pending: {
    readonly id: string;
    readonly url: string;
    readonly status: string;
    readonly handle?: string;
  };
  readonly accounts: readonly {
    readonly handle: string;
    readonly default: boolean;
    readonly name?: string;
  }[];
  readonly logins: readonly { readonly handle?: string; readonly status: string; readonly code?: string }[];
  readonly error: { readonly code: string; readonly hint: string };
}

const contentOf = ({ structuredContent }: CallToolResult): Content => structuredContent as Content;
const linkOf = (result: CallToolResult): string => contentOf(result).pending.url;

async function finish(stage: LoginStage, link: string, user = 'al'): Promise<void> {
  const page = await consent(await stage.host.openBrowser(user), link);
  expect([page.status, titleOf(page)]).toEqual([200, 'You are signed in']);
}

describe.each(['modern', 'session', 'stateless'] as const)('a client without elicitation, %s', (era) => {
  test('is answered with the link at once, and is told no more', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect({ era });
    const result = await client.login({ handle: 'alice.example' });
    const { pending } = contentOf(result);
    expect(result.isError ?? false).toBe(false);
    expect(pending).toMatchObject({
      kind: 'oauth_redirect',
      status: 'pending',
      resource: service,
      alias: 'alice.example',
      handle: 'alice.example',
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/u),
    });
    expect(textOf(result).split('\n')).toContain(pending.url);
    await finish(stage, pending.url);
    expect(contentOf(await client.login({ command: 'list' }))).toMatchObject({
      accounts: [{ handle: 'alice.example', default: true, condition: 'good' }],
      logins: [{ handle: 'alice.example', status: 'done' }],
    });
  });
});

describe('a client with URL elicitation', () => {
  test.each(['modern', 'session'] as const)(
    'is sent the link instead, %s, and told the account',
    async (era) => {
      const stage = await openLoginStage();
      const client = await stage.connect({
        era,
        elicitation: 'url',
        answer: async ({ url }) => {
          await finish(stage, url);
          return 'accept';
        },
      });
      const result = await client.login({ handle: 'alice.example' });
      expect(textOf(result)).toBe('Logged in to photos.example as `alice.example`.');
      expect(client.prompts).toHaveLength(1);
      // Once more means once more, and not what is there already.
      await client.login({ handle: 'alice.example' });
      expect(client.prompts).toHaveLength(2);
      expect(new Set(client.prompts.map(({ url }) => url)).size).toBe(2);
    },
  );

  test('is told the link in words when its person takes longer than the call', async () => {
    const stage = await openLoginStage({ login: { sessionWaitMs: 300 } });
    const client = await stage.connect({ elicitation: 'url' });
    const result = await client.login({ handle: 'alice.example' });
    expect([result.isError ?? false, linkOf(result)]).toEqual([false, client.prompts[0]?.url]);
    await finish(stage, linkOf(result));
    await until(() => client.completed.length === 1);
  });

  test('whose person declines has declined, and is not asked again by the next call', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect({ elicitation: 'url', answer: async () => 'decline' });
    for (let calls = 0; calls < 2; calls++) {
      expect(contentOf(await client.login({ handle: 'alice.example' })).error.code).toBe(
        'ERR_POSTERN_AUTH_DENIED',
      );
    }
    expect(client.prompts).toHaveLength(1);
  });
});

test('a client that has forms and shows no links gets the words', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect({ elicitation: 'form' });
  expect(textOf(await client.login())).toContain(`${stage.host.publicUrl}/connect/`);
});

describe('a handle', () => {
  test.each([
    'alice.example',
    ' Alice.Example ',
    '@alice.example',
    '\u202A@ALICE.example\u202C',
    '@ alice.example',
  ])('is the same account as %j', async (handle) => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    const first = await client.login({ handle: 'alice.example' });
    const second = await client.login({ command: ' LOGIN ', handle });
    expect(linkOf(second)).toBe(linkOf(first));
    expect(contentOf(second).pending.id).toBe(contentOf(first).pending.id);
  });

  test('goes to the service as the login hint, as it was written', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    await finish(stage, linkOf(await client.login({ handle: '@Alice.Example' })));
    const asked = stage.as.calls.find(({ kind }) => kind === 'authorize');
    expect(asked?.url.searchParams.get('login_hint')).toBe('Alice.Example');
  });

  test.each(['', '  ', '@', undefined])(
    'that is %j is none: the person chooses at the service',
    async (handle) => {
      const stage = await openLoginStage();
      const client = await stage.connect();
      const result = await client.login(handle === undefined ? {} : { handle });
      expect(contentOf(result).pending).not.toHaveProperty('handle');
      chooseAtService('zoe');
      await finish(stage, linkOf(result));
      const asked = stage.as.calls.find(({ kind }) => kind === 'authorize');
      expect(asked?.url.searchParams.has('login_hint')).toBe(false);
      expect(contentOf(await client.login({ command: 'list' })).accounts).toMatchObject([
        { handle: 'zoe.example', default: true },
      ]);
    },
  );

  test('that no account can have is refused', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    for (const handle of ['a'.repeat(101), 'a\u0000b', 'a\nb']) {
      expect(contentOf(await client.login({ handle })).error.code).toBe('ERR_POSTERN_OOB_LOGIN_INVALID');
    }
  });

  test('is what the server’s own rule makes of it', async () => {
    const stage = await openLoginStage({
      login: { normalizeHandle: (handle) => (handle.includes('.') ? handle : `${handle}.example`) },
    });
    const client = await stage.connect();
    const { pending } = contentOf(await client.login({ handle: '@alice' }));
    expect(pending.handle).toBe('alice.example');
  });
});

test('a command that there is not is refused with those that there are', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect();
  const result = await client.login({ command: 'logout' });
  expect(result.isError).toBe(true);
  expect(contentOf(result).error).toMatchObject({
    code: 'ERR_POSTERN_OOB_LOGIN_INVALID',
    hint: 'The commands are "login", "list", "default", "delete".',
  });
  expect(textOf(result)).toContain('"login", "list", "default", "delete"');
});

describe('several accounts', () => {
  async function withAccounts(...handles: readonly string[]) {
    const stage = await openLoginStage();
    const client = await stage.connect();
    for (const handle of handles) await finish(stage, linkOf(await client.login({ handle })));
    return { stage, client };
  }

  test('have the first one as default, until another is made it', async () => {
    const { client } = await withAccounts('bob.example', 'alice.example');
    expect(textOf(await client.whose())).toBe('bob');
    expect(textOf(await client.login({ command: 'Default', handle: '@Alice.example' }))).toContain(
      '`alice.example` is the default account',
    );
    expect(textOf(await client.whose())).toBe('alice');
    expect(textOf(await client.whose('bob.example'))).toBe('bob');
    expect(contentOf(await client.login({ command: 'LIST' })).accounts).toMatchObject([
      { handle: 'alice.example', default: true },
      { handle: 'bob.example', default: false },
    ]);
  });

  test('keep their default when it is logged in to anew', async () => {
    const { stage, client } = await withAccounts('bob.example', 'alice.example');
    await finish(stage, linkOf(await client.login({ handle: 'bob.example' })));
    expect(textOf(await client.whose())).toBe('bob');
  });

  test.each(['default', 'delete'])('and a "%s" of none of them names them all', async (command) => {
    const { client } = await withAccounts('bob.example', 'alice.example');
    for (const handle of ['carol.example', '']) {
      const result = await client.login({ command, handle });
      expect(contentOf(result).error.code).toBe('ERR_POSTERN_OOB_LOGIN_INVALID');
      expect(textOf(result)).toMatch(/"bob\.example", "alice\.example"|"alice\.example", "bob\.example"/u);
    }
  });

  test('are logged in to one after the other without a handle, each under what the service calls it', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    for (const subject of ['zoe', 'yves', 'zoe']) {
      chooseAtService(subject);
      await finish(stage, linkOf(await client.login()));
    }
    expect(contentOf(await client.login({ command: 'list' })).accounts).toMatchObject([
      { handle: 'zoe.example', default: true },
      { handle: 'yves.example', default: false },
    ]);
    expect(textOf(await client.whose('yves.example'))).toBe('yves');
    // What was kept twice goes with the next login, and with its account.
    await client.login();
    await client.login({ command: 'delete', handle: 'zoe.example' });
    expect(contentOf(await client.login({ command: 'list' })).accounts).toMatchObject([
      { handle: 'yves.example' },
    ]);
  });

  test('are said to be another’s where their person signed in as somebody else', async () => {
    const stage = await openLoginStage({ login: { normalizeHandle: () => 'work' } });
    const client = await stage.connect();
    await finish(stage, linkOf(await client.login({ handle: 'x' })));
    expect(textOf(await client.login({ command: 'list' }))).toContain(
      '`work` (signed in there as `work.example`)',
    );
  });

  test('of two people are each their own', async () => {
    const { stage, client } = await withAccounts('alice.example');
    const other = await stage.connect({ user: 'mallory' });
    expect(contentOf(await other.login({ command: 'list' }))).toEqual({ accounts: [], logins: [] });
    expect(contentOf(await other.login({ command: 'delete', handle: 'alice.example' })).error.code).toBe(
      'ERR_POSTERN_OOB_LOGIN_INVALID',
    );
    const link = linkOf(await other.login({ handle: 'alice.example' }));
    const page = await (await stage.host.openBrowser('al')).open(link);
    expect(page.status).toBe(404);
    expect(textOf(await client.whose())).toBe('alice');
  });
});

describe('a deletion', () => {
  test('ends the account at its issuer, and what was begun before it is not kept', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    await finish(stage, linkOf(await client.login({ handle: 'alice.example' })));
    const late = linkOf(await client.login({ handle: 'alice.example' }));
    const browser = await stage.host.openBrowser('al');
    const callback = await consent(browser, late, {
      stopBefore: ({ pathname }) => pathname.endsWith('/callback'),
    });
    const result = await client.login({ command: 'delete', handle: 'alice.example' });
    expect(textOf(result)).toBe(
      '`alice.example` is logged out of photos.example, and forgotten here. Its access there has ended.',
    );
    expect(result.structuredContent).toMatchObject({ deleted: { revocation: 'confirmed' } });
    expect(stage.as.count('revoke')).toBeGreaterThan(0);
    await browser.open(callback.url);
    const { accounts, logins } = contentOf(await client.login({ command: 'list' }));
    expect([accounts, logins.map(({ status }) => status)]).toEqual([[], ['withdrawn']]);
  });

  test('of an account that is no longer good forgets it, so that another can take its place', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    chooseAtService('zoe');
    await finish(stage, linkOf(await client.login()));
    const principal = await stage.principal('al');
    const request = await stage.logins[0]!.accounts.request(principal);
    const held = await stage.oob.credentials.find(principal, request);
    stage.as.on('refresh', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    await stage.oob.credentials.reject(principal, request, held);
    const listed = await client.login({ command: 'list' });
    expect(textOf(listed)).toContain('`zoe.example` *(default)*');
    expect(textOf(listed)).toContain('**is no longer good**: call `login` with handle `zoe.example`');
    expect(textOf(await client.login({ command: 'delete', handle: 'zoe.example' }))).toContain(
      'forgotten here',
    );
    chooseAtService('yves');
    await finish(stage, linkOf(await client.login()));
    expect(contentOf(await client.login({ command: 'list' })).accounts).toMatchObject([
      { handle: 'yves.example' },
    ]);
  });

  test('of an account that is only being logged in to calls that off', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    const link = linkOf(await client.login({ handle: 'alice.example' }));
    expect(textOf(await client.login({ command: 'delete', handle: 'alice.example' }))).toContain(
      'was called off',
    );
    expect((await (await stage.host.openBrowser('al')).open(link)).status).toBe(410);
  });
});

describe('several logins at once', () => {
  test('of twenty handles, in two processes, end each with its own account', async () => {
    const stage = await openLoginStage({ processes: 2 });
    const clients = [await stage.connect(), await stage.connect({ process: 1 })];
    const handles = Array.from({ length: 20 }, (_, index) => `user-${index}.example`);
    const begun = await Promise.all(
      handles.flatMap((handle) => clients.map(async (client) => linkOf(await client.login({ handle })))),
    );
    // Whichever process is asked, and how often: one link for each.
    const links = handles.map((_, index) => begun[2 * index] ?? '');
    expect(begun.filter((_, index) => index % 2 === 1)).toEqual(links);
    expect(new Set(links).size).toBe(20);
    await Promise.all(links.map((link) => finish(stage, link)));
    const whose = await Promise.all(handles.map(async (handle) => textOf(await clients[1]!.whose(handle))));
    expect(whose).toEqual(handles.map((handle) => handle.replace('.example', '')));
  });

  test('one that is declined leaves the other as it is', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    const [one, two] = [
      linkOf(await client.login({ handle: 'one.example' })),
      linkOf(await client.login({ handle: 'two.example' })),
    ];
    const browser = await stage.host.openBrowser('al');
    await browser.open(one);
    await browser.submit({}, 'decline');
    await finish(stage, two);
    const { accounts, logins } = contentOf(await client.login({ command: 'list' }));
    expect(accounts.map(({ handle }) => handle)).toEqual(['two.example']);
    expect(logins).toEqual([
      expect.objectContaining({ handle: 'two.example', status: 'done' }),
      expect.objectContaining({
        handle: 'one.example',
        status: 'declined',
        code: 'ERR_POSTERN_AUTH_DENIED',
        why: expect.stringContaining('Access was not granted'),
      }),
    ]);
    // In words nobody is nagged: who asks for the login again has changed their mind.
    expect(linkOf(await client.login({ handle: 'one.example' }))).not.toBe(one);
  });
});

test('another way in to the same account takes the place of the one that is under way, and has its own link', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect();
  const first = contentOf(await client.login({ handle: 'alice.example' })).pending;
  const { pending } = contentOf(await client.loginWithKey({ handle: 'alice.example' }));
  expect(pending).toMatchObject({ kind: 'secret_form', handle: 'alice.example' });
  expect(linkOf(await client.loginWithKey({ handle: 'alice.example' }))).toBe(pending.url);
  expect((await (await stage.host.openBrowser('al')).open(first.url)).status).toBe(410);
});

test('a tool that waits for the account goes on when the login has ended, whichever process saw that', async () => {
  const stage = await openLoginStage({ processes: 2 });
  const client = await stage.connect();
  const { url } = contentOf(await client.login({ handle: 'alice.example' })).pending;
  const principal = await stage.principal('al');
  const request = await stage.logins[1]!.accounts.request(principal, '@Alice.example');
  const waiting = stage.oobs[1]!.credentials.acquire(principal, request, { waitMs: 20_000 });
  await finish(stage, url);
  expect(await waiting).toMatchObject({ subject: 'alice' });
});

test('a tool call that needs an account nobody has shows the same link that the login tool does', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect();
  const asked = await client.whose();
  expect(linkOf(asked)).toBe(linkOf(await client.login()));
  chooseAtService('zoe');
  await finish(stage, linkOf(asked));
  expect(textOf(await client.whose())).toBe('zoe');
});

test('a login without a handle is the one that a tool waits for, whose account is no longer good', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect();
  chooseAtService('zoe');
  await finish(stage, linkOf(await client.login()));
  const principal = await stage.principal('al');
  const request = await stage.logins[0]!.accounts.request(principal);
  stage.as.on('refresh', () => ({ status: 400, body: { error: 'invalid_grant' } }));
  await stage.oob.credentials.reject(
    principal,
    request,
    await stage.oob.credentials.find(principal, request),
  );
  const asked = linkOf(await client.whose());
  expect(linkOf(await client.login())).toBe(asked);
  const waiting = stage.oob.credentials.acquire(principal, request, { waitMs: 20_000 });
  await finish(stage, asked);
  expect(await waiting).toMatchObject({ subject: 'zoe' });
});

describe('a login that fails', () => {
  test('before there is a link says so in the answer', async () => {
    const stage = await openLoginStage({ way: 'device' });
    stage.as.on('device', () => ({ status: 500, body: {} }));
    const result = await (await stage.connect()).login({ handle: 'alice.example' });
    expect(result.isError).toBe(true);
    expect(contentOf(result).error.code).toMatch(/^ERR_POSTERN_OAUTH_/u);
  });

  test('behind the link is told in the list, in the log, and to who waits', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    stage.as.on('token', () => ({ status: 400, body: { error: 'unauthorized_client' } }));
    const { url } = contentOf(await client.login({ handle: 'alice.example' })).pending;
    const principal = await stage.principal('al');
    const waiting = stage.oob.credentials
      .acquire(principal, await stage.logins[0]!.accounts.request(principal, 'alice.example'), {
        waitMs: 20_000,
      })
      .catch(({ code }: { code: string }) => code);
    await consent(await stage.host.openBrowser('al'), url);
    const { logins } = contentOf(await client.login({ command: 'list' }));
    expect(logins).toMatchObject([
      { status: 'failed', code: await waiting, why: expect.stringMatching(/\w/u) },
    ]);
    expect(stage.logger.lines.join('\n')).toMatch(/warn a login has ended .*"status":"failed"/u);
  });

  test('because nobody came is over at its time, which the list says before', async () => {
    const stage = await openLoginStage();
    const client = await stage.connect();
    await client.login({ handle: 'alice.example' });
    expect(textOf(await client.login({ command: 'list' }))).toMatch(
      /waiting for you until \d\d:\d\d UTC, at http/u,
    );
    stage.time.advance(10 * 60_000);
    expect(contentOf(await client.login({ command: 'list' })).logins).toMatchObject([
      { status: 'expired', code: 'ERR_POSTERN_PENDING_EXPIRED' },
    ]);
    expect(stage.logger.lines.join('\n')).toMatch(/info a login has ended .*"status":"expired"/u);
  });
});

test('a form for an API key is a way to log in like any other, and a second one takes the first one’s place', async () => {
  const stage = await openLoginStage({ way: 'form' });
  const client = await stage.connect();
  for (let times = 0; times < 2; times++) {
    const browser = await stage.host.openBrowser('al');
    await browser.open(linkOf(await client.login()));
    expect((await browser.submit({ key: `CNRYzsecretz-key-${times}` }, 'save')).status).toBe(200);
  }
  expect(contentOf(await client.login({ command: 'list' })).accounts).toMatchObject([
    { handle: 'default', default: true },
  ]);
  const principal = await stage.principal('al');
  const request = await stage.logins[0]!.accounts.request(principal);
  expect(await stage.oob.credentials.find(principal, request)).toEqual({ key: 'CNRYzsecretz-key-1' });
});

test('names that mean something in markdown are shown as they are, with no sign that only some clients take away', async () => {
  const stage = await openLoginStage();
  const client = await stage.connect();
  const text = textOf(await client.login({ handle: '**a**`b`_c_<i>[d](e)' }));
  expect(text).toContain("as `**a**'b'_c_<i>[d](e)`.");
  expect(text).not.toContain('\\');
});

test('a flow that is another server’s is refused at construction', async () => {
  const [one, other] = [await openLoginStage(), await openLoginStage()];
  const { flow } = await one.logins[0]!.accounts.request(await one.principal('al'));
  const { loginTool } = await import('../../../src/oob/index.ts');
  expect(() => loginTool(other.oob, { resource: service, flow })).toThrow(
    expect.objectContaining({ code: 'ERR_POSTERN_CONFIG_MISCONFIGURED' }),
  );
});

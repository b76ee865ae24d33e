import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Client, ServerConfig } from '../../../src/client/index.ts';
import { Client as PosternClient } from '../../../src/client/index.ts';
import { createInProcessServer } from '../../support/in-process-server.ts';
import { codeOf, openStage, textOf, type Stage } from '../../support/stage.ts';
import { walk } from '../walk.ts';

/** What a call comes to, and what its session says right after it. */
async function storyOf(client: Client): Promise<{ call: string; status: string; error: string | undefined }> {
  const call = await client.callTool('whoami').then(
    () => 'success',
    (error: unknown) => codeOf(Promise.reject(error)),
  );
  const { status, error } = client.session('calendar');
  return { call, status, error: error?.code };
}

/** A failure for good that the session tells, too; or a success of a session that is connected. */
async function checkOneStory(client: Client): Promise<void> {
  const { call, status, error } = await storyOf(client);
  expect({ call, isConnected: status === 'CONNECTED' }).toEqual({ call, isConnected: call === 'success' });
  expect(call).toBe(error ?? 'success');
}

async function openSignedIn(
  options: Parameters<typeof openStage>[0] = {},
): Promise<{ stage: Stage; client: Client }> {
  const stage = await openStage(options);
  await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
  const client = await stage.manager.getClient('alice');
  expect(textOf(await client.callTool('whoami'))).toBe('user-1');
  return { stage, client };
}

describe('status and error tell one story', () => {
  for (const error of ['invalid_client', 'unauthorized_client', 'invalid_scope']) {
    test(`when the issuer refuses to refresh with ${error} (issue 8.29)`, async () => {
      const registered = { clientId: 'bot', clientSecret: 'secret' };
      const { stage, client } = await openSignedIn({
        servers: ({ url }, { issuer }) => ({
          calendar: { url, auth: { type: 'oauth', client: { ...registered, issuer } } },
        }),
      });
      stage.as.tokens.expireAccessTokens();
      stage.as.on('refresh', () => ({ status: error === 'invalid_client' ? 401 : 400, body: { error } }));
      await checkOneStory(client);
    });
  }

  const credential = 'Bearer tok-1';
  const statics: Record<string, (url: string) => ServerConfig> = {
    'an API key': (url) => ({ url, auth: { type: 'api_key', key: credential, headerName: 'authorization' } }),
    'a header of the configuration': (url) => ({
      url,
      auth: { type: 'none' },
      headers: { authorization: credential },
    }),
  };
  for (const [name, configOf] of Object.entries(statics)) {
    test(`when ${name} is refused from one call to the next (issue 8.29)`, async () => {
      let isGood = true;
      const stage = await openStage({
        servers: ({ url }) => ({ calendar: configOf(url) }),
        calendar: {
          authorizationServer: {
            issuer: 'https://issuer.example',
            verifyAccessToken: async (token, resource) =>
              isGood && token === 'tok-1'
                ? {
                    subject: 'bot',
                    clientId: 'bot',
                    scopes: ['calendar:read', 'calendar:write'],
                    resource,
                    expiresAtSeconds: Math.floor(Date.now() / 1000) + 3600,
                  }
                : undefined,
          },
        },
      });
      const client = await stage.manager.getClient('bot');
      expect(textOf(await client.callTool('whoami'))).toBe('bot');
      isGood = false;
      const { call, status, error } = await storyOf(client);
      expect({ call, status, error }).toEqual({
        call: 'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED',
        status: 'AUTH_FAILED',
        error: 'ERR_POSTERN_AUTH_CREDENTIAL_REFUSED',
      });
    });
  }

  const refusals: Record<string, (isFirst: boolean) => Response | undefined> = {
    'has forgotten the session and says so with 400': (isFirst) =>
      isFirst
        ? Response.json(
            {
              jsonrpc: '2.0',
              id: null,
              error: { code: -32000, message: 'Bad Request: No valid session ID provided' },
            },
            { status: 400 },
          )
        : undefined,
    'no longer speaks the version': () =>
      Response.json(
        {
          jsonrpc: '2.0',
          id: null,
          error: { code: -32000, message: 'Bad Request: Unsupported protocol version' },
        },
        { status: 400 },
      ),
  };
  const openRefusing = async (answer: (isFirst: boolean) => Response | undefined): Promise<Client> => {
    let first: string | undefined;
    let isOn = false;
    const { client } = await openSignedIn({
      calendar: { legacy: 'session' },
      manager: {
        versionNegotiation: 'legacy',
        fetch: async (input, init) => {
          const session = new Headers(init?.headers).get('mcp-session-id');
          if (!isOn || session === null) return fetch(input, init);
          first ??= session;
          return answer(session === first) ?? fetch(input, init);
        },
      },
    });
    isOn = true;
    return client;
  };
  for (const [name, answer] of Object.entries(refusals)) {
    test(`when the server ${name} (issue 8.29)`, async () => checkOneStory(await openRefusing(answer)));
  }

  test('when the server has forgotten the session and says so with 404', async () => {
    const gone = () => new Response('Session not found', { status: 404 });
    await checkOneStory(await openRefusing((isFirst) => (isFirst ? gone() : undefined)));
    await checkOneStory(await openRefusing(gone));
  });

  test('when the grant has ended: the call and the session ask for the same sign-in', async () => {
    const { stage, client } = await openSignedIn();
    stage.as.tokens.revokeAll();
    expect(await storyOf(client)).toEqual({
      call: 'ERR_POSTERN_AUTH_REQUIRED',
      status: 'AUTH_PENDING',
      error: 'ERR_POSTERN_AUTH_REQUIRED',
    });
  });
});

describe('a server that offers tools alone', () => {
  const lists: Record<string, (client: Client) => Promise<unknown[]>> = {
    listPrompts: (client) => client.listPrompts(),
    listResources: (client) => client.listResources(),
    listResourceTemplates: (client) => client.listResourceTemplates(),
  };
  for (const [name, list] of Object.entries(lists)) {
    test(`is asked by ${name}() without a word on the output (issue 8.28)`, async () => {
      const client = new PosternClient({ tools: createInProcessServer('whoami').config });
      onTestFinished(() => client.close());
      await client.connect();
      const methods = ['log', 'info', 'debug', 'warn', 'error'] as const;
      const spies = methods.map((method) => vi.spyOn(console, method).mockImplementation(() => {}));
      const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
      onTestFinished(() => [...spies, written].forEach((spy) => spy.mockRestore()));
      expect(await list(client)).toEqual([]);
      expect([...spies, written].flatMap((spy) => spy.mock.calls)).toEqual([]);
    });
  }
});

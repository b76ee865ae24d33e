import { describe, expect, test, vi } from 'vitest';
import { ApiKeyStrategy, Client, type ServerConfig } from '../../../src/client/index.ts';
import { findPosternError } from '../../../src/index.ts';
import { codeOf, codeOn, failureOf, openStage, textOf, type Stage } from '../../support/stage.ts';
import { walk } from '../walk.ts';

const canary = 'CNRYzsecretztoken';

/** What no header may carry, or no server would take. */
const unsendable: Record<string, string> = {
  NUL: `${canary}\u0000x`,
  'a line feed': `${canary}\nx`,
  'a line break': `${canary}\r\nx-injected: yes`,
  'an escape': `${canary}\u001bx`,
  DEL: `${canary}\u007fx`,
  'a euro sign': `${canary}€`,
  'an emoji': `${canary}😀`,
  'half of an emoji': `${canary}\ud83d`,
  'a hundred thousand characters': canary + 'x'.repeat(100_000),
};

/** Everything that an error says, with all that is behind it. */
function everythingIn(error: unknown): string {
  const parts: (string | undefined)[] = [];
  let current = error;
  for (let depth = 0; depth < 10 && current instanceof Error; depth++) {
    parts.push(current.message, current.stack, JSON.stringify(current));
    if (current instanceof AggregateError) parts.push(...current.errors.map(everythingIn));
    current = current.cause;
  }
  return parts.join('\n');
}

/** As JSON, in which half a character can be written. */
function tokenReply(token: string): string {
  return JSON.stringify({
    access_token: token,
    token_type: 'Bearer',
    expires_in: 3600,
    refresh_token: 'r-1',
  });
}

async function callOf(stage: Stage): Promise<unknown> {
  return failureOf((await stage.manager.getClient('alice')).callTool('whoami'));
}

describe('an access token that no header may carry', () => {
  for (const [name, token] of Object.entries(unsendable)) {
    test(`with ${name}: the sign-in fails, and nothing is stored as a success (issue 8.9)`, async () => {
      const stage = await openStage();
      const link = await stage.linkOf('alice');
      stage.as.on('token', () => ({ body: tokenReply(token) }));
      const page = await walk(await stage.host.openBrowser('alice'), link.url);
      expect([page.status >= 400, codeOn(page)]).toEqual([true, 'ERR_POSTERN_OAUTH_RESPONSE_INVALID']);
      const after = findPosternError(await callOf(stage));
      expect(after?.code).toBe('ERR_POSTERN_AUTH_REQUIRED');
    });

    test(`with ${name}, in the reply to a refresh: it is refused there, and not quoted (issue 8.9)`, async () => {
      const stage = await openStage();
      await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
      const client = await stage.manager.getClient('alice');
      expect(textOf(await client.callTool('whoami'))).toBe('user-1');
      stage.as.tokens.expireAccessTokens();
      stage.as.on('refresh', () => ({ body: tokenReply(token) }));
      const error = await callOf(stage);
      expect(everythingIn(error)).not.toContain(canary);
      expect(findPosternError(error)?.code).toBe('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
    });
  }
});

describe('an access token that was refused for what it is made of', () => {
  const checkUnquoted = async (token: string): Promise<void> => {
    const stage = await openStage();
    const link = await stage.linkOf('alice');
    stage.as.on('token', () => ({ body: tokenReply(token) }));
    await walk(await stage.host.openBrowser('alice'), link.url);
    const client = await stage.manager.getClient('alice');
    const errors = [await callOf(stage), client.session('calendar').error].map(everythingIn);
    const pages = stage.host.answers.map(({ headers, body }) => headers + body);
    const quotes = [...errors, ...pages, ...stage.logger.lines].filter((text) => text.includes(canary));
    if (quotes.length > 0) throw new Error(`the token is quoted ${quotes.length} times`);
  };
  for (const [name, token] of Object.entries(unsendable)) {
    test(`is quoted in no error, page or log line: ${name} (issue 8.9)`, () => checkUnquoted(token));
  }
});

const url = 'http://127.0.0.1:1/mcp';

function clientWith(search: ServerConfig): Client {
  return new Client({ search });
}

describe('a configured key that no header may carry', () => {
  const places: Record<string, (key: string) => unknown> = {
    'as the key of a server': (key) => clientWith({ url, auth: { type: 'api_key', key } }),
    'in the headers of a server': (key) => clientWith({ url, headers: { authorization: `Bearer ${key}` } }),
    'as the key of a strategy': (key) => new ApiKeyStrategy({ key }),
  };
  for (const [where, make] of Object.entries(places)) {
    test(`${where}: it is refused where it comes in, and not quoted (issue 8.9)`, async () => {
      const codes: Record<string, string | undefined> = {};
      for (const [name, key] of Object.entries(unsendable)) {
        try {
          make(key);
          codes[name] = 'none';
        } catch (error) {
          codes[name] = findPosternError(error)?.code;
          expect(everythingIn(error)).not.toContain(canary);
        }
      }
      const refused = Object.keys(unsendable).map((name) => [name, 'ERR_POSTERN_CONFIG_MISCONFIGURED']);
      expect(codes).toEqual(Object.fromEntries(refused));
    });
  }

  test('of a strategy of the host’s own is not sent, and not quoted (issue 8.9)', async () => {
    const authorize = async () => ({ headers: { authorization: `Bearer ${unsendable['a line break']}` } });
    const auth = () => ({ authorize, handleRefusal: async () => false });
    const client = new Client({ search: { url, auth } });
    const error = await failureOf(client.callTool('find'));
    expect(findPosternError(error)?.code).toBe('ERR_POSTERN_CONFIG_MISCONFIGURED');
    expect(everythingIn(error)).not.toContain(canary);
    await client.close();
  });

  test('that every header may carry is sent as it is', async () => {
    const key = '!"#$%&()*+,-./:;<=>?@[]^_`{|}~ ÿé';
    const seen: (string | null)[] = [];
    const fetchKey = vi.fn<typeof fetch>(async (_input, init) => {
      seen.push(new Headers(init?.headers).get('x-api-key'));
      return new Response(null, { status: 401 });
    });
    const client = new Client({ search: { url, auth: { type: 'api_key', key } } }, { fetch: fetchKey });
    expect(await codeOf(client.callTool('find'))).toBe('ERR_POSTERN_AUTH_CREDENTIAL_REFUSED');
    expect(seen[0]).toBe(key);
    await client.close();
  });
});

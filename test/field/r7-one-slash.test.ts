import { describe, expect, test } from 'vitest';
import { walk, walkToCallback } from '../heart/walk.ts';
import { codeOf, codeOn, failureOf, openStage, textOf, withParams, type Stage } from '../support/stage.ts';
import type { OAuthConfig } from '../../src/client/index.ts';

// R7: github/copilot-cli#4606, modelcontextprotocol/go-sdk#955: all of Google's hosted MCP servers. RFC 8414 §3.1 takes
// the slash away before the look-up. RFC 9207 §2.4 compares `iss` as it is.

interface Spelling {
  /** What the resource names, and what the metadata states. */
  readonly named: (issuer: string) => string;
  readonly stated: (issuer: string) => string;
}

const same: Readonly<Record<string, Spelling>> = {
  'the resource adds the slash': { named: (issuer) => `${issuer}/`, stated: (issuer) => issuer },
  'the metadata adds the slash': { named: (issuer) => issuer, stated: (issuer) => `${issuer}/` },
  'both have the slash': { named: (issuer) => `${issuer}/`, stated: (issuer) => `${issuer}/` },
};

async function openStageWith(
  { named, stated }: Spelling,
  issuerPath = '',
  auth?: OAuthConfig,
): Promise<Stage> {
  const stage = await openStage({
    as: { issuerPath },
    servers: (_calendar, as) => ({ calendar: { url: as.resource, ...(auth && { auth }) } }),
  });
  const { as } = stage;
  const { issuer } = as;
  as.on('resource-metadata', () => ({
    body: { resource: as.resource, authorization_servers: [named(issuer)] },
  }));
  as.on('metadata', ({ url }) =>
    url.pathname === `/.well-known/oauth-authorization-server${issuerPath}`
      ? {
          body: {
            issuer: stated(issuer),
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            registration_endpoint: `${issuer}/register`,
            code_challenge_methods_supported: ['S256'],
            authorization_response_iss_parameter_supported: true,
          },
        }
      : { status: 404 },
  );
  return stage;
}

async function callbackWith(stage: Stage, iss: string): Promise<string | undefined> {
  const browser = await stage.host.openBrowser('alice');
  const callback = await walkToCallback(browser, (await stage.linkOf('alice')).url);
  return codeOn(await browser.open(withParams(callback, { iss })));
}

describe('an issuer without a path, whose spellings differ by one slash', () => {
  test.each(Object.keys(same))('is found: %s', async (kind) => {
    const stage = await openStageWith(same[kind]!);
    await stage.linkOf('alice');
    expect(stage.as.count('register')).toBe(1);
  });

  test.each(Object.keys(same))(
    'answers by the name its metadata states, and by no other: %s',
    async (kind) => {
      const spelling = same[kind]!;
      const stage = await openStageWith(spelling);
      const { issuer } = stage.as;
      const stated = spelling.stated(issuer);
      expect(await callbackWith(stage, stated === issuer ? `${issuer}/` : issuer)).toBe(
        'ERR_POSTERN_OAUTH_ISSUER_MISMATCH',
      );
      expect(stage.as.count('token')).toBe(0);
      expect(await callbackWith(stage, stated)).toBeUndefined();
      expect(stage.as.count('token')).toBe(1);
    },
  );
});

describe('an issuer that differs by more', () => {
  const different: Readonly<Record<string, readonly [path: string, Spelling]>> = {
    'a slash behind a path': ['/tenant', { named: (issuer) => `${issuer}/`, stated: (issuer) => issuer }],
    'another path': ['/tenant', { named: (issuer) => issuer, stated: (issuer) => `${issuer}s` }],
    'two slashes': ['', { named: (issuer) => issuer, stated: (issuer) => `${issuer}//` }],
    'another host': ['', { named: (issuer) => issuer, stated: () => 'https://other.example' }],
  };

  test.each(Object.keys(different))(
    'by %s is refused, with both names as they are and the option that allows it',
    async (kind) => {
      const [path, spelling] = different[kind]!;
      const stage = await openStageWith(spelling, path);
      const client = await stage.manager.getClient('alice');
      const error = (await failureOf(client.callTool('whoami'))) as Error;
      expect(await codeOf(Promise.reject(error))).toBe('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
      const text = JSON.stringify(client.session('calendar').error);
      const { issuer } = stage.as;
      for (const name of [spelling.named(issuer), spelling.stated(issuer)])
        expect(text).toContain(JSON.stringify(JSON.stringify(name)).slice(1, -1));
      expect(text).toContain('allowIssuerMismatch');
    },
  );

  test('is allowed by its operator, in JSON, up to the end of the flow, and the log says so', async () => {
    const open = (allowed: (issuer: string) => string) =>
      openStage({
        servers: (calendar, as) => ({
          calendar: {
            url: calendar.url,
            auth: JSON.parse(
              JSON.stringify({ type: 'oauth', allowIssuerMismatch: [allowed(as.issuer)] }),
            ) as OAuthConfig,
          },
        }),
      });
    const stage = await open((issuer) => issuer);
    const { as } = stage;
    const stated = 'https://other.example';
    as.on('metadata', () => ({
      body: {
        issuer: stated,
        authorization_endpoint: `${as.issuer}/authorize`,
        token_endpoint: `${as.issuer}/token`,
        registration_endpoint: `${as.issuer}/register`,
        code_challenge_methods_supported: ['S256'],
        authorization_response_iss_parameter_supported: true,
      },
    }));
    as.approveAs('alice');
    as.on('authorize', async (_call, standard) => {
      const reply = await standard();
      if (!('headers' in reply)) return reply;
      const location = new URL(String(reply.headers?.['location']));
      location.searchParams.set('iss', stated);
      return { status: 302, headers: { location: location.href } };
    });
    const browser = await stage.host.openBrowser('alice');
    expect((await walk(browser, (await stage.linkOf('alice')).url)).status).toBe(200);
    as.tokens.expireAccessTokens();
    const client = await stage.manager.getClient('alice');
    expect(textOf(await client.callTool('whoami'))).toBe('alice');
    expect(as.count('refresh')).toBe(1);
    expect(await client.logout()).toEqual({
      calendar: { revoked: false, tokens: expect.anything(), reason: expect.anything() },
    });
    expect(stage.logger.lines.join('\n')).toContain('allowIssuerMismatch');
  });
});

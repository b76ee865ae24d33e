import { describe, expect, test } from 'vitest';
import {
  createAttempt,
  createOAuthHttp,
  profileOf,
  type CreateAttemptOptions,
} from '../../src/oauth/index.ts';
import type { OAuthConfig } from '../../src/client/index.ts';
import { walk } from '../heart/walk.ts';
import { openStage } from '../support/stage.ts';

// R9: anthropics/claude-ai-mcp#104, anomalyco/opencode#46361: where an administrator has consented for everybody,
// `prompt=consent` shows "Approval required" for ever. OpenID Connect Core §11.

const openId = { id_token_signing_alg_values_supported: ['RS256'] };

async function promptAt(
  issuer: string,
  metadata: object,
  more: Partial<CreateAttemptOptions> = {},
): Promise<string | null> {
  const { url } = await createAttempt(
    {
      discovery: {
        issuer,
        resource: 'https://mcp.example/mcp',
        legacyEndpoints: false,
        dpopRequired: false,
        server: {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          code_challenge_methods_supported: ['S256'],
          ...metadata,
        },
      },
      client: { issuer, clientId: 'c', tokenEndpointAuthMethod: 'none', source: 'dynamic', redirectUris: [] },
      redirectUri: 'https://bot.example/callback',
      scopes: ['read', 'offline_access'],
      profile: profileOf(issuer),
      ...more,
    },
    createOAuthHttp({}),
  );
  return new URL(url).searchParams.get('prompt');
}

describe('prompt=consent', () => {
  test('is sent along with offline_access to an OpenID provider, where it brings the refresh token', async () => {
    expect(await promptAt('https://id.example', openId)).toBe('consent');
  });

  test('is not sent where no offline_access is asked for', async () => {
    expect(await promptAt('https://id.example', openId, { scopes: ['read'] })).toBeNull();
  });

  test('is not sent to a server that is no OpenID provider', async () => {
    expect(await promptAt('https://as.example', {})).toBeNull();
  });

  test.each(['https://login.microsoftonline.com/common/v2.0', 'https://login.microsoftonline.us/t/v2.0'])(
    'is never sent to Entra: %s',
    async (issuer) => {
      expect(await promptAt(issuer, openId)).toBeNull();
    },
  );

  test('is sent to Google, where it brings the refresh token, whatever the scopes', async () => {
    expect(await promptAt('https://accounts.google.com', openId, { scopes: ['read'] })).toBe('consent');
  });

  test('is left out by a configuration that says so in JSON, and replaced by one that names another', async () => {
    const asked = async (prompt: string): Promise<string | null | undefined> => {
      const config = JSON.stringify({
        type: 'oauth',
        scopes: ['offline_access'],
        authorizeParams: { prompt },
      });
      const stage = await openStage({
        servers: ({ url }) => ({ calendar: { url, auth: JSON.parse(config) as OAuthConfig } }),
      });
      await walk(await stage.host.openBrowser('alice'), (await stage.linkOf('alice')).url);
      return stage.as.calls.find(({ kind }) => kind === 'authorize')?.url.searchParams.get('prompt');
    };
    expect(await asked('')).toBeNull();
    expect(await asked('select_account')).toBe('select_account');
  });
});

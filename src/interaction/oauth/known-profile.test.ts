import { english } from '../../web/texts/english.ts';
import { speak } from '../../web/texts/texts.ts';
import { allowPkceUnadvertised } from '../../oauth/allowed.ts';
import { describe, expect, test } from 'vitest';

import { createOAuthHttp } from '../../oauth/oauth-http.ts';
import type { IssuerProfile } from '../../oauth/profiles/issuer-profile.ts';
import { withKnownProfile } from './known-profile.ts';
import { oauthRedirect } from './oauth-redirect.ts';

const issuer = 'https://slack.com';

function begin(profile?: IssuerProfile): Promise<unknown> {
  const flow = oauthRedirect({
    http: createOAuthHttp({ fetch: async () => new Response(null, { status: 404 }) }),
    authorize: ({ redirectUri }) => ({
      discovery: {
        issuer,
        resource: 'slack.com',
        legacyEndpoints: false,
        dpopRequired: false,
        server: {
          issuer,
          authorization_endpoint: `${issuer}/oauth/v2/authorize`,
          token_endpoint: `${issuer}/api/oauth.v2.access`,
          code_challenge_methods_supported: ['S256'],
        },
      },
      client: {
        issuer,
        clientId: 'c',
        tokenEndpointAuthMethod: 'none',
        source: 'preregistered',
        redirectUris: [redirectUri],
      },
      profile,
    }),
  });
  return flow.begin({
    resource: 'slack.com',
    alias: 'default',
    scopes: ['search:read'],
    callbackUrl: 'http://127.0.0.1:4000/callback',
    gate: {},
    say: speak(english),
    clock: () => 0,
  });
}

describe('a server’s sign-in at a third party', () => {
  test('goes by what is known of that provider, before a person gets a link', async () => {
    await expect(begin()).rejects.toMatchObject({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      hint: expect.stringContaining('Slack') as string,
    });
  });

  test('has its own profile on top of that', async () => {
    await expect(begin({ redirectUris: ['loopback'] })).resolves.toHaveProperty('message');
  });

  test('keeps everything else of its plan, what its symbols say included', async () => {
    const plan = { discovery: { issuer, server: { issuer } }, [allowPkceUnadvertised]: true };
    const known = await withKnownProfile(() => plan)({});
    expect(known).toMatchObject({ ...plan, profile: { tokenMember: 'authed_user' } });
    expect(known[allowPkceUnadvertised]).toBe(true);
  });
});

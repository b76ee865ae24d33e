import { describe, expect, test } from 'vitest';
import { findPosternError } from '../../src/core/postern-error.ts';
import type { Override } from '../support/programmable-authorization.ts';
import { challengeOf, failureOf } from '../support/stage.ts';
import { sendBack, type FakeProvider } from './fake-provider.ts';
import { fakes } from './fakes.ts';
import { openProviderStage, type ProviderStage, type ProviderStageOptions } from './provider-stage.ts';

function open(name: string, options: ProviderStageOptions = {}): Promise<ProviderStage> {
  const provider = fakes[name]?.() ?? unknown(name);
  return openProviderStage(provider, options);
}

async function openSignedIn(name: string, options: ProviderStageOptions = {}): Promise<ProviderStage> {
  const stage = await open(name, options);
  expect((await stage.walk()).status).toBe(200);
  expect(await stage.call()).toBe('user-1');
  return stage;
}

/** What work fails with, and what is said to whoever can do something about it. */
async function refusalOf(
  work: Promise<unknown>,
): Promise<{ code?: string; message?: string; hint?: string }> {
  const found = findPosternError(await failureOf(work));
  return { ...found?.toJSON() };
}

const text = (part: string): string => expect.stringContaining(part) as string;

describe('before a person gets a link', () => {
  test('GitHub’s client secret is asked for, in spite of PKCE (modelcontextprotocol/typescript-sdk#1342)', async () => {
    const stage = await open('GitHub', { auth: { client: { clientId: 'by-hand' } } });
    expect(await refusalOf(stage.call())).toMatchObject({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      hint: text('"clientSecret"'),
    });
    expect(stage.as.count('authorize')).toBe(0);
  });

  test('Asana’s is, too: it has confidential clients only (apify/mcpc#384)', async () => {
    const stage = await open('Asana', { auth: { client: { clientId: 'by-hand' } } });
    expect(await refusalOf(stage.call())).toMatchObject({
      hint: text('Asana has confidential clients only'),
    });
  });

  test.each([
    ['GitHub', 'github/github-mcp-server#1404', 'GitHub App'],
    ['Microsoft Entra ID', 'anthropics/claude-code#2527', 'Entra admin center'],
    ['Slack', 'anthropics/claude-code#52348', 'Slack app'],
    ['Okta', 'modelcontextprotocol/modelcontextprotocol#695', 'needs an API token'],
    ['Asana', 'apify/mcpc#384', 'developer console'],
    ['Google', 'modelcontextprotocol/typescript-sdk#616', 'Google Cloud console'],
    ['Salesforce', 'forcedotcom/mcp-hosted#47', 'External Client App'],
  ])(
    '%s registers nobody, which is not even tried: the operator is told what to do there (%s)',
    async (name, _source, hint) => {
      const stage = await open(name, { auth: { client: undefined } });
      expect(await refusalOf(stage.call())).toMatchObject({
        code: 'ERR_POSTERN_OAUTH_REGISTRATION_REQUIRED',
        hint: expect.stringMatching(new RegExp(`${hint}.*${stage.redirectUri}$`, 'u')) as string,
      });
      expect([stage.as.count('register'), stage.as.count('authorize')]).toEqual([0, 0]);
    },
  );

  test('a redirect URI that Slack does not take is refused, and the operator told which it does (nicobailon/pi-mcp-adapter PR 53)', async () => {
    const stage = await open('Slack', { auth: { profile: undefined } });
    expect(await refusalOf(stage.call())).toMatchObject({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      message: text(`"${stage.redirectUri}"`),
      hint: text('http://localhost:3118/callback'),
    });
  });

  test('one that the client was not registered with is refused where ports count, as at Asana (anthropics/claude-code#58091)', async () => {
    const client = { clientId: 'by-hand', clientSecret: 'CNRYzsecretz-secret' };
    const redirectUris = ['http://127.0.0.1:1/postern/callback'];
    const asana = await open('Asana', { auth: { client: { ...client, redirectUris } } });
    expect(await refusalOf(asana.call())).toMatchObject({
      code: 'ERR_POSTERN_CONFIG_MISCONFIGURED',
      message: text(redirectUris[0]!),
    });
    const github = await open('GitHub', { auth: { client: { ...client, redirectUris } } });
    expect((await github.walk()).status).toBe(200);
  });

  test.each<[name: string, source: string, reply: Override, hint: string]>([
    [
      'Stripe',
      'obot-platform/obot#4278',
      () => ({ status: 400, body: { error: 'invalid_redirect_uri' } }),
      'mcp@stripe.com',
    ],
    [
      'Figma',
      'github/copilot-cli#4906',
      () => ({ status: 403, headers: { 'content-type': 'text/plain' }, body: 'Forbidden' }),
      'has to apply at Figma',
    ],
    [
      'Keycloak',
      'opensearch-project/opensearch-mcp-server-py PR 227',
      () => ({
        status: 403,
        body: { error: 'insufficient_scope', error_description: "Policy 'Trusted Hosts' rejected request" },
      }),
      'Trusted Hosts',
    ],
    [
      'Plane',
      'makeplane/plane-mcp-server#220',
      () => ({ status: 400, body: { error: 'invalid_client_metadata' } }),
      'its operator has to allow this one',
    ],
  ])('a registration that %s refuses says who must act (%s)', async (name, _source, reply, hint) => {
    const stage = await open(name, { auth: { client: undefined } });
    stage.as.on('register', reply);
    expect(await refusalOf(stage.call())).toMatchObject({
      code: 'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED',
      hint: expect.stringMatching(new RegExp(`${hint}.*${stage.redirectUri}$`, 'u')) as string,
    });
    expect(stage.as.count('authorize')).toBe(0);
  });

  // No server that does so was found in public; RFC 7591 §3.2.1 lets a server replace what it was asked to register.
  test('a registration that comes back with other redirect URIs is refused, and one that comes back with more is not', async () => {
    const stage = await open('somebody');
    const replace =
      (uris: readonly string[]): Override =>
      (call) => ({
        status: 201,
        body: { ...(JSON.parse(call.text) as object), client_id: 'c', redirect_uris: uris },
      });
    stage.as.on('register', replace(['https://elsewhere.example/callback']));
    expect(await refusalOf(stage.call())).toMatchObject({ code: 'ERR_POSTERN_OAUTH_REGISTRATION_REJECTED' });
    stage.as.on('register', replace([stage.redirectUri, 'https://elsewhere.example/callback']));
    expect((await stage.walk()).status).toBe(200);
  });
});

describe('an error under a name of the provider’s own', () => {
  test('with status 200 ends GitHub’s grant: a sign-in is offered (modelcontextprotocol/typescript-sdk#1342)', async () => {
    const stage = await openSignedIn('GitHub');
    stage.as.tokens.revokeAll();
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
  });

  test('in `error_code` ends Supabase’s (supabase/auth#2829)', async () => {
    const stage = await openSignedIn('Supabase');
    stage.as.on('refresh', () => ({
      status: 400,
      body: { code: 400, error_code: 'refresh_token_not_found', msg: 'CNRYzsecretz-words' },
    }));
    stage.as.tokens.expireAccessTokens();
    expect((await stage.walk()).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
    expect(stage.as.count('refresh')).toBe(1);
  });

  test.each([
    [
      'the person has to be there again',
      'interaction_required',
      'AADSTS50076: MFA.',
      'ERR_POSTERN_AUTH_REQUIRED',
    ],
    ['the token has been revoked', 'invalid_request', 'AADSTS50173: Revoked.', 'ERR_POSTERN_AUTH_REQUIRED'],
    [
      'the secret has expired',
      'invalid_request',
      'AADSTS7000222: Keys.',
      'ERR_POSTERN_OAUTH_CLIENT_REJECTED',
    ],
    ['it will pass', 'invalid_request', 'AADSTS90033: Transient.', 'ERR_POSTERN_OAUTH_REQUEST_FAILED'],
  ])(
    'that stands only in Entra’s description says that %s (learn.microsoft.com, "Microsoft Entra authentication and authorization error codes")',
    async (_what, error, error_description, code) => {
      const stage = await openSignedIn('Microsoft Entra ID');
      stage.as.on('refresh', () => ({ status: 400, body: { error, error_description } }));
      stage.as.tokens.expireAccessTokens();
      expect(await refusalOf(stage.call())).toMatchObject({ code });
      if (code === 'ERR_POSTERN_AUTH_REQUIRED') return;
      // What is not dead is still there, and good once the provider is.
      stage.as.on('refresh', undefined);
      stage.time.advance(10 * 60_000);
      expect(await stage.call()).toBe('user-1');
      expect(stage.as.count('authorize')).toBe(1);
    },
  );

  test('with status 200 is no confirmation of a logout from Slack (api.slack.com/methods/auth.revoke)', async () => {
    const stage = await openSignedIn('Slack');
    stage.as.on('revoke', () => ({ body: { ok: false, error: 'internal_error' } }));
    expect((await stage.client.logout())['server']?.revoked).toBe(false);
  });

  test('is a dead token’s where Slack says so, and then the logout is confirmed', async () => {
    const stage = await openSignedIn('Slack');
    stage.as.on('revoke', () => ({ body: { ok: false, error: 'token_revoked' } }));
    expect((await stage.client.logout())['server']?.revoked).toBe(true);
  });
});

describe('a reply without what it is for', () => {
  test('of Slack, with no token under `authed_user` either, is refused and not kept (anthropics/claude-code#59725)', async () => {
    const stage = await open('Slack');
    stage.as.on('token', () => ({ body: { ok: true, access_token: '', authed_user: { id: 'U1' } } }));
    expect((await stage.walk()).html).toContain('ERR_POSTERN_OAUTH_RESPONSE_INVALID');
    expect((await challengeOf(stage.call())).url).toContain('/connect/');
  });

  test('of Cloudflare, lost on its way, is asked for again with the same token (cloudflare/workers-oauth-provider PR 216)', async () => {
    const stage = await openSignedIn('Cloudflare');
    stage.as.tokens.expireAccessTokens();
    stage.as.on('refresh', async (_call, standard) => {
      await standard();
      return { cut: 'now' };
    });
    expect(await refusalOf(stage.call())).toMatchObject({ code: 'ERR_POSTERN_OAUTH_UNREACHABLE' });
    stage.as.on('refresh', undefined);
    stage.time.advance(60_000);
    expect(await stage.call()).toBe('user-1');
    expect([stage.as.tokens.reuses, stage.as.count('authorize')]).toEqual([0, 1]);
  });
});

test('a grant of Cloudflare that is dead upstream leads to one refresh and one link, however many call (cloudflare/mcp PR 137)', async () => {
  const stage = await openSignedIn('Cloudflare');
  stage.as.tokens.revokeAll();
  const links = await Promise.all(Array.from({ length: 10 }, () => stage.link()));
  expect([new Set(links.map(({ url }) => url)).size, stage.as.count('refresh')]).toEqual([1, 1]);
});

describe('a person who is sent out', () => {
  test('to Supabase as a client that it has forgotten goes out as a new one the next time (supabase/mcp#355)', async () => {
    const stage = await openSignedIn('Supabase');
    stage.time.advance(2 * 60_000);
    const [forgotten] = stage.as.tokens.families.map(({ clientId }) => clientId);
    stage.as.tokens.revokeAll();
    stage.as.on('authorize', ({ url }) =>
      url.searchParams.get('client_id') === forgotten
        ? { status: 422, body: { message: 'CNRY: client not found' } }
        : undefined,
    );
    stage.as.on('refresh', () => ({ status: 400, body: { error: 'invalid_grant' } }));
    const { url } = await stage.link();
    const first = await stage.approve(await stage.departure(url));
    expect(first).toMatchObject({ status: 422 });
    expect((await stage.walk(url)).status).toBe(200);
    expect(await stage.call()).toBe('user-1');
  });

  test.each([
    ['Cloudflare', 'dodopayments/dodopayments-typescript PR 291', 500],
    ['Plane', 'makeplane/plane-mcp-server#220', 400],
  ])(
    'to %s, which answers with a page of its own, can use the same link later (%s)',
    async (name, _source, status) => {
      const stage = await open(name);
      stage.as.on('authorize', () => ({ status, body: 'CNRY' }));
      const { url } = await stage.link();
      expect(await stage.approve(await stage.departure(url))).toMatchObject({ status });
      stage.as.on('authorize', undefined);
      expect((await stage.walk(url)).status).toBe(200);
      expect(await stage.call()).toBe('user-1');
    },
  );

  test('to Keycloak for a resource that it does not know is told at once, and `omitResource` in the profile mends it (l10178/idaas-book PR 243)', async () => {
    const refuse: Override = (call) =>
      call.url.searchParams.has('resource')
        ? sendBack(call, 'invalid_target', undefined, 'https://sso.acme.example/realms/staff')
        : undefined;
    const stage = await open('Keycloak');
    stage.as.on('authorize', refuse);
    expect((await stage.walk()).html).toContain('ERR_POSTERN_OAUTH_REQUEST_REFUSED');
    const mended = await open('Keycloak', { auth: { profile: { omitResource: true } } });
    mended.as.on('authorize', refuse);
    expect((await mended.walk()).status).toBe(200);
  });

  test('without a consent prompt where the operator leaves it out (anthropics/claude-ai-mcp#104, anomalyco/opencode#46361)', async () => {
    const stage = await open('Google', { auth: { authorizeParams: { prompt: '' } } });
    const { searchParams } = await stage.departure((await stage.link()).url);
    expect([searchParams.has('prompt'), searchParams.get('access_type')]).toEqual([false, 'offline']);
  });
});

test('a refresh token of Bluesky is presented once for each refresh, however the nonce changes (bluesky-social/atproto#4656)', async () => {
  const stage = await openSignedIn('Bluesky');
  for (let refreshes = 0; refreshes < 3; refreshes++) {
    stage.as.tokens.expireAccessTokens();
    expect(await stage.call()).toBe('user-1');
  }
  expect(stage.as.tokens.reuses).toBe(0);
});

test('an issuer calls itself by no other name than its profile has, on the way back (mondaycom/mcp#453)', async () => {
  const stage = await open('monday.com');
  stage.as.on('authorize', async (_call, standard) => {
    const location = new URL(
      String(((await standard()) as { headers: Record<string, string> }).headers['location']),
    );
    location.searchParams.set('iss', 'https://auth.monday.com.evil.example');
    return { status: 302, headers: { location: location.href } };
  });
  expect((await stage.walk()).html).toContain('ERR_POSTERN_OAUTH_ISSUER_MISMATCH');
  expect(stage.as.count('token')).toBe(0);
});

/** A provider nobody has heard of, which does as the standard says. */
function unknown(name: string): FakeProvider {
  return { name, source: '', mcp: 'https://mcp.example/mcp', issuer: 'https://login.example' };
}
